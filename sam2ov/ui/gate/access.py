"""The access token: who has it may use the server.

It comes once in a link (``?token=…``), as Jupyter's does, and is kept by the browser in a cookie
from then on; programs send it as ``Authorization: Bearer …``.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sam2ov.errors import ServerError

PARAMETER: Final = "token"
_COOKIE: Final = "sam2ov-access"
_DAYS: Final = 30
_SHORTEST: Final = 16
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]+")


class AccessToken:
    """A token and what proves that someone has it.

    Args:
        token: at least 16 letters, digits or ``._~-``; None makes one that cannot be guessed.

    Raises:
        ServerError: it is shorter, or has other characters.
    """

    def __init__(self, token: str | None = None) -> None:
        token = secrets.token_urlsafe(24) if token is None else token
        if len(token) < _SHORTEST or not _PLAIN.fullmatch(token):
            raise ServerError(
                f"The access token must have at least {_SHORTEST} letters, digits or any of "
                "._~- in it. Leave it out, and one is made."
            )
        self._token = token
        # The cookie lies on disk in the browser: what is in it must not be what links carry.
        self._proof = hashlib.sha256(b"sam2ov cookie " + token.encode()).hexdigest()

    def link(self, url: str) -> str:
        """A link to the server with the token in it."""
        return f"{url.rstrip('/')}/?{urlencode({PARAMETER: self._token})}"

    def is_known(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes with the token, or with the cookie that stands for it."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _equal(given.strip(), self._token):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return morsel is not None and _equal(morsel.value, self._proof)

    def is_in(self, query: str) -> bool:
        """Whether a query has the token."""
        return _equal(dict(parse_qsl(query)).get(PARAMETER, ""), self._token)

    def cookie(self, path: str, *, secure: bool) -> str:
        """The cookie that stands for the token (``Set-Cookie``)."""
        parts = [f"{_COOKIE}={self._proof}", f"Path={path}", f"Max-Age={_DAYS * 86400}"]
        parts += ["HttpOnly", "SameSite=Lax", *(["Secure"] if secure else [])]
        return "; ".join(parts)


def without_token(query: str) -> str:
    """A query without the token."""
    return urlencode([pair for pair in parse_qsl(query) if pair[0] != PARAMETER])


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
