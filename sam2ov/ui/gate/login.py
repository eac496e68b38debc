"""Logging in with a name and a password: a cookie says afterwards who it is.

The cookie holds the name, when it ends, and a proof made with a secret of this start of the server
and the hash of the password: it ends with either.
"""

import hashlib
import hmac
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from sam2ov.ui.gate.users import UsersFile

COOKIE: Final = "sam2ov-user"
_SECONDS: Final = 7 * 86_400

_FAILURES: Final = 10
"""Of one client within the time below; of one name three times as many, from wherever."""
_FAILURE_SECONDS: Final = 300.0
_REMEMBERED: Final = 10_000


class Sessions:
    """Makes and reads the cookies.

    Args:
        file: who may log in.
    """

    def __init__(self, file: UsersFile) -> None:
        self._file = file
        self._secret = secrets.token_bytes(32)

    def cookie(self, name: str, path: str, *, secure: bool) -> str:
        """The cookie of somebody who has logged in (``Set-Cookie``)."""
        until = str(int(time.time()) + _SECONDS)
        value = f"{name}:{until}:{self._proof(name, until)}"
        parts = [f'{COOKIE}="{value}"', f"Path={path}", f"Max-Age={_SECONDS}"]
        return "; ".join([*parts, "HttpOnly", "SameSite=Lax", *(["Secure"] if secure else [])])

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Who sends a request with a cookie of ours that has not ended."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        name, until, given = (*(morsel.value if morsel else "").split(":"), "", "")[:3]
        if not until.isascii() or not until.isdigit() or int(until[:12]) < time.time():
            return None
        is_ours = hmac.compare_digest(given.encode(), self._proof(name, until).encode())
        return name if is_ours and name in self._file.users.passwords else None

    def _proof(self, name: str, until: str) -> str:
        told = "\n".join((name, until, self._file.users.passwords.get(name, "")))
        return hmac.new(self._secret, told.encode(), hashlib.sha256).hexdigest()


def no_cookie(path: str) -> str:
    """Ends a session (``Set-Cookie``)."""
    return f"{COOKIE}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax"


class Failures:
    """Logins that failed of late: who has too many waits. Used in the event loop alone.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: deque[tuple[float, str, str]] = deque(maxlen=_REMEMBERED)

    def wait(self, place: str, name: str) -> float:
        """Seconds until somebody may try again; 0 for now."""
        since = self._clock() - _FAILURE_SECONDS
        while self._latest and self._latest[0][0] < since:
            self._latest.popleft()
        places, names = Counter[str](), Counter[str]()
        for _, of_place, of_name in self._latest:
            places[of_place] += 1
            names[of_name] += 1
        if places[place] < _FAILURES and names[name] < 3 * _FAILURES:
            return 0.0
        first = next(at for at, p, n in self._latest if p == place or n == name)
        return first - since

    def note(self, place: str, name: str) -> None:
        """One more has failed, or is about to be looked at."""
        self._latest.append((self._clock(), place, name))

    def forgive(self, place: str, name: str) -> None:
        """The latest of a client and name has not failed."""
        for index in reversed(range(len(self._latest))):
            if self._latest[index][1:] == (place, name):
                del self._latest[index]
                return
