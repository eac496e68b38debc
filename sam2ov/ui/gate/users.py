"""Who may log in: a file with a line for each password and each key, neither of them readable.

    anna:scrypt:16384:8:5:SALT:HASH      a password; a name has one
    anna:key:SHA256                      a key for programs; a name may have several

``sam2ov users`` writes it. Whoever is to be let in no longer is taken out with an editor; the
server reads the file anew when it changes.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from sam2ov.errors import ServerError, StorageError
from sam2ov.unfinished import unfinished_file

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_PASSWORD: Final = re.compile(
    r"scrypt:(?P<n>\d{1,7}):(?P<r>\d{1,2}):(?P<p>\d{1,2}):(?P<salt>[0-9a-f]{32}):(?P<hash>[0-9a-f]{64})"
)
_KEY: Final = re.compile(r"key:(?P<hash>[0-9a-f]{64})")
_COST: Final = (1 << 14, 8, 5)
"""n, r and p of scrypt: 16 MiB and some 0.2 s of one core, as OWASP's cheat sheet advises."""
_MOST_MEMORY: Final = 64 << 20
_LARGEST_FILE: Final = 1 << 20


def is_user_name(name: str) -> bool:
    """Whether somebody may be called so: letters, digits and ``._@+-``."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Users:
    """Passwords by name and names by key, both as hashes.

    Attributes:
        passwords: ``scrypt:…`` by name.
        keys: names by the SHA-256 of a key, in hex.
    """

    passwords: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ServerError: it cannot be read, or a line is none of ours.
        """
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise ServerError(f"{path} is no file of users: it is far too large.")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ServerError(
                f"The file of users, {path}, cannot be read. Make one: sam2ov users add NAME {path}"
            ) from error
        passwords: dict[str, str] = {}
        keys: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, proof = line.strip().partition(":")
            key = _KEY.fullmatch(proof)
            if not is_user_name(name) or not (key or _PASSWORD.fullmatch(proof)):
                raise ServerError(
                    f"Line {number} of {path} is no user. Write it with sam2ov users add NAME "
                    f"{path}"
                )
            if key:
                keys[key["hash"]] = name
            else:
                passwords[name] = proof
        return cls(passwords, keys)

    def with_password(self, name: str, password: str) -> "Users":
        """With one's password, which replaces an earlier one.

        Raises:
            ServerError: the name has other characters, or the password is too short or long.
        """
        _require_name(name)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise ServerError(f"A password has at least {SHORTEST_PASSWORD} characters.")
        return Users({**self.passwords, name: _hashed(password)}, self.keys)

    def with_new_key(self, name: str) -> tuple["Users", str]:
        """With one more key of somebody, which is told once.

        Raises:
            ServerError: the name has other characters.
        """
        _require_name(name)
        key = secrets.token_urlsafe(32)
        return Users(self.passwords, {**self.keys, _digest(key): name}), key

    def write(self, path: Path) -> None:
        """Write the file, which only its owner may read.

        Raises:
            StorageError: it cannot be written.
        """
        lines = [f"{name}:{proof}" for name, proof in self.passwords.items()]
        lines += [f"{name}:key:{digest}" for digest, name in self.keys.items()]
        with unfinished_file(path, _cannot_write) as unfinished:
            unfinished.touch(0o600)
            unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def is_password(self, name: str, password: str) -> bool:
        """Whether somebody's password is right; takes as long for names that are not there."""
        proof = self.passwords.get(name)
        is_right = _fits(password[:LONGEST_PASSWORD], proof or _NOBODY)
        return proof is not None and is_right

    def owner_of(self, key: str) -> str | None:
        """Whose key it is."""
        return self.keys.get(_digest(key))


class UsersFile:
    """The file, read anew when it has changed.

    Args:
        path: of the file.

    Raises:
        ServerError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._users = Users.read(path)
        self._seen = _version(path)

    @property
    def users(self) -> Users:
        """Who may log in now; while the file is damaged nobody but those of before."""
        version = _version(self._path)
        if version != self._seen:
            self._seen = version
            try:
                self._users = Users.read(self._path)
            except ServerError:
                self._seen = None  # look again: it may be about to be written
        return self._users


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _require_name(name: str) -> None:
    if not is_user_name(name):
        raise ServerError(
            f"Nobody can be called {name[:100]!a}: names have letters, digits and ._@+-, and "
            "begin with a letter or digit."
        )


def _hashed(password: str) -> str:
    n, r, p = _COST
    salt = secrets.token_bytes(16)
    return f"scrypt:{n}:{r}:{p}:{salt.hex()}:{_scrypt(password, salt, n, r, p).hex()}"


def _fits(password: str, proof: str) -> bool:
    parts = _PASSWORD.fullmatch(proof)
    if parts is None:
        return False
    numbers = (int(parts[name]) for name in ("n", "r", "p"))
    try:
        given = _scrypt(password, bytes.fromhex(parts["salt"]), *numbers)
    except ValueError:  # numbers that somebody has edited
        return False
    return hmac.compare_digest(given, bytes.fromhex(parts["hash"]))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MOST_MEMORY, dklen=32)


def _digest(key: str) -> str:
    """Keys are random and long: no slow hash is needed to keep them."""
    return hashlib.sha256(b"sam2ov key " + key.encode("utf-8", "surrogatepass")).hexdigest()


def _cannot_write(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror}. Choose another place.")


_NOBODY: Final = f"scrypt:{_COST[0]}:{_COST[1]}:{_COST[2]}:{'0' * 32}:{'0' * 64}"
