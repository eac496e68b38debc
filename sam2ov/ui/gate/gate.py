"""The gate that every request passes before Gradio, MCP or a route of ours sees it."""

import asyncio
import errno
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sam2ov.errors import QuotaError
from sam2ov.ui.gate.access import AccessToken, without_token
from sam2ov.ui.gate.accounts import Accounts
from sam2ov.ui.gate.caller import Caller, caller_of, note_caller
from sam2ov.ui.gate.failures import note_failure
from sam2ov.ui.gate.headers import SECURITY_HEADERS
from sam2ov.ui.gate.hosts import same_origin
from sam2ov.ui.gate.leftovers import Leftovers
from sam2ov.ui.gate.login import no_cookie
from sam2ov.ui.gate.pages import login_page, logout_page, token_page
from sam2ov.ui.gate.rules import Rules
from sam2ov.ui.gate.usage import Usage

HEALTH: Final = "/health"
"""Says that the server runs, to whom it may concern."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_START: Final = "/gradio_api/startup-events"
"""What Gradio asks of itself before it serves; it starts the queue and tells nothing."""

_STREAMED: Final = ("/gradio_api/upload", "/media/")
"""Uploads, which are written to disk as they come and have limits of their own."""
_LARGEST_BODY: Final = 4 << 20
"""Of anything else: JSON takes up to a hundred times its size once it is parsed."""

_STALLED_SECONDS: Final = 60.0
"""A body of which nothing comes for so long is given up."""
_UPLOADS_OF_CLIENT: Final = 16
_UPLOADS_IN_ALL: Final = 48

_LOGIN: Final = "/login"
_LOGOUT: Final = "/logout"
_LARGEST_LOGIN: Final = 1 << 14
_HASHED_AT_ONCE: Final = 2
"""Passwords; each takes a core for some tenths of a second."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SHORT_NAME: Final = 80


class Gate:
    """Middleware around the whole app.

    Args:
        app: what is behind it.
        rules: what it lets through.
        usage: counts what is uploaded, and writes down who did what.
    """

    def __init__(self, app: ASGIApp, rules: Rules, usage: Usage) -> None:
        self._app = app
        self._rules = rules
        self._usage = usage
        self._uploads = _Uploads()
        self._leftovers = Leftovers()
        self._hashing = anyio.CapacityLimiter(_HASHED_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass; pass on all others."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        peer = self._believe_proxy(scope, headers)
        refusal = self._refusal(scope, headers, peer)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._answer(scope, receive, answer, headers, refusal)
        except asyncio.CancelledError:
            return  # the server ends, which waits for no streams
        except Exception as error:
            note_failure(f"{scope['method']} {scope['path']}", error)
            if not answer.has_begun:
                said = "This request cannot be worked off; the log of the server says more."
                await PlainTextResponse(said, 500)(scope, receive, answer)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        answer: "_Answer",
        headers: Headers,
        refusal: Response | None,
    ) -> None:
        if refusal is not None:
            await refusal(scope, receive, answer)
        elif self._rules.accounts is not None and scope["path"] in (_LOGIN, _LOGOUT):
            await (await self._log_in_or_out(scope, headers, receive))(scope, receive, answer)
        elif scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, answer)
        elif scope["path"].startswith(_STREAMED):
            await self._pass_upload(scope, receive, answer)
        else:
            await self._pass_whole(scope, receive, answer)

    async def _pass_upload(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        caller, announced = caller_of(scope), Headers(scope=scope).get("content-length", "")
        try:
            self._usage.require(caller, "upload", int(announced) if announced.isdigit() else 0)
        except QuotaError as error:
            await PlainTextResponse(str(error), 429)(scope, receive, answer)
            return
        counted = _Counted(receive, caller, self._usage)
        with self._uploads.one_more(caller.place) as fits:
            if fits:
                await self._pass_to_disk(scope, _impatient(counted.receive), answer)
                if counted.num_bytes:
                    await self._note(caller, "upload", bytes=counted.num_bytes)
                return
        said = "Too many files are being uploaded at once. Try again when others are done."
        await PlainTextResponse(said, 429)(scope, receive, answer)

    async def _pass_to_disk(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """Gradio lets a full disk be an internal error, which tells nobody what to do."""
        try:
            with self._leftovers.one_more():
                await self._app(scope, receive, answer)
        except OSError as error:
            if answer.has_begun or error.errno not in _FULL:
                raise
            said = (
                f"The file cannot be stored on the server: {error.strerror}. Whoever runs it has "
                "to free some disk space, or to put temporary files on a larger disk (TMPDIR)."
            )
            await PlainTextResponse(said, 507)(scope, receive, answer)
        finally:
            self._leftovers.sweep()

    async def _pass_whole(self, scope: Scope, receive: Receive, answer: Send) -> None:
        announced = Headers(scope=scope).get("content-length", "")
        is_too_large = announced.isdigit() and int(announced) > _LARGEST_BODY
        body = b"" if is_too_large else await _read_whole(receive, _LARGEST_BODY)
        if body is None:
            said = f"The request did not go on for {_STALLED_SECONDS:g} seconds. Send it again."
            await PlainTextResponse(said, 408)(scope, receive, answer)
            return
        if is_too_large or len(body) > _LARGEST_BODY:
            said = f"The request is larger than {_LARGEST_BODY >> 20} MB, the most that is read."
            await PlainTextResponse(said, 413)(scope, receive, answer)
            return
        await self._app(scope, _replaying(body, receive), answer)

    def _believe_proxy(self, scope: Scope, headers: Headers) -> str:
        """Write down where a request comes from; gives the other end of its connection."""
        peer, port = scope.get("client") or ("", 0)
        if self._rules.proxies.include(peer):
            scope["client"] = (self._rules.proxies.client_of(peer, headers), port)
            if headers.get("x-forwarded-proto", "").strip() == "https":
                scope["scheme"] = {"http": "https", "ws": "wss"}.get(
                    scope["scheme"], scope["scheme"]
                )
        note_caller(scope, Caller(scope["client"][0] if scope.get("client") else ""))
        return str(peer)

    def _refusal(self, scope: Scope, headers: Headers, peer: str) -> Response | None:
        """The answer to a request that may not pass; None where it may."""
        host = headers.get("host", "")
        if not self._rules.hosts.allow(host):
            return _refused(
                f"This server does not answer to {_shown(host)}. Whoever runs it can allow that: "
                f"sam2ov app --allowed-host NAME"
            )
        if _is_foreign(scope, headers, host):
            return _refused("This server is not called from pages of other sites.")
        path = scope["path"]
        if path == HEALTH:
            return PlainTextResponse("ok")
        if self._rules.accounts is not None and path != _OWN_START:
            return self._stranger(self._rules.accounts, scope, headers, peer)
        token = self._rules.token
        if token is None or path == _OWN_START or token.is_known(headers):
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        if scope.get("method") == "GET" and token.is_in(query):
            return self._let_in(token, scope, query)
        return token_page(headers)

    def _stranger(
        self, accounts: Accounts, scope: Scope, headers: Headers, peer: str
    ) -> Response | None:
        """The answer to somebody who is not known; None to others, and to who logs in."""
        user = accounts.user_of(peer, headers)
        if user is not None:
            note_caller(scope, Caller(caller_of(scope).address, user))
            return None
        if accounts.logins is None:
            return PlainTextResponse("This server is reached through its proxy only.", 401)
        if scope["path"] == _LOGIN and scope["type"] == "http":
            return None
        return login_page(headers, self._rules.root_path, "Who are you?")

    async def _note(self, caller: Caller, action: str, **sizes: float) -> None:
        """Write down what somebody has done, where the disk holds up nobody."""
        await anyio.to_thread.run_sync(partial(self._usage.note, caller, action, **sizes))

    async def _log_in_or_out(self, scope: Scope, headers: Headers, receive: Receive) -> Response:
        root, is_secure = self._rules.root_path, scope.get("scheme") == "https"
        caller, accounts = caller_of(scope), self._rules.accounts
        logins = None if accounts is None else accounts.logins
        home = RedirectResponse(f"{root}/", 303)
        if logins is None:
            return home
        if scope["method"] != "POST":
            if caller.user:
                return logout_page(root, caller.user)
            return login_page(headers, root, "Who are you?", 200)
        if scope["path"] == _LOGOUT:
            home.headers["set-cookie"] = no_cookie(f"{root}/")
            await self._note(caller, "logout")
            return home
        body = await _read_whole(receive, _LARGEST_LOGIN) or b""
        fields = dict(parse_qsl(body.decode("latin-1")))
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        wait = logins.failures.wait(caller.place, name)
        if wait > 0:
            said = "Too many logins have failed. Try again in a few minutes."
            refused = login_page(headers, root, said, 429)
            refused.headers["retry-after"] = str(math.ceil(wait))
            await self._note(caller, "login refused")
            return refused
        # Counted before it is looked at: many at once would all be looked at.
        logins.failures.note(caller.place, name)
        is_right = await anyio.to_thread.run_sync(
            logins.file.users.is_password, name, password, limiter=self._hashing
        )
        if not is_right:
            # Without the name: some type their password there.
            await self._note(caller, "login failed")
            return login_page(headers, root, "There is no such name with this password.")
        logins.failures.forgive(caller.place, name)
        await self._note(Caller(caller.address, name), "login")
        home.headers["set-cookie"] = logins.sessions.cookie(name, f"{root}/", secure=is_secure)
        return home

    def _let_in(self, token: AccessToken, scope: Scope, query: str) -> Response:
        """To the same page without the token, which then is in no history and no bookmark."""
        rest, root = without_token(query), self._rules.root_path
        response = RedirectResponse(root + scope["path"] + (f"?{rest}" if rest else ""), 303)
        is_secure = scope.get("scheme") == "https"
        response.headers["set-cookie"] = token.cookie(f"{root}/", secure=is_secure)
        return response


def _is_foreign(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a page of another site sends a request that it has no business to send."""
    origin = headers.get("origin")
    if origin is not None and not same_origin(origin, host):
        return True
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    # Following a link from elsewhere is all that another site may cause.
    is_link = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") in _SAFE_METHODS
    return not (is_link and headers.get("sec-fetch-dest") == "document")


_BROKEN_OFF: Final[Message] = {"type": "http.disconnect"}


def _refused(why: str) -> Response:
    return PlainTextResponse(why, 403)


def _shown(host: str) -> str:
    return ascii(host[:_SHORT_NAME])


class _Answer:
    """An answer with the security headers, and without leave for pages of other sites.

    Attributes:
        has_begun: it is too late for another one.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Send a part of it."""
        self.has_begun = True
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name in [key for key in headers if key.startswith("access-control-")]:
                del headers[name]
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


async def _read_whole(receive: Receive, limit: int) -> bytes | None:
    """The body of a request, or its beginning where it is longer than the limit; None where it
    stops coming.
    """
    parts: list[bytes] = []
    left = limit
    while True:
        with anyio.move_on_after(_STALLED_SECONDS) as waiting:
            message = await receive()
        if waiting.cancelled_caught or message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        left -= len(parts[-1])
        if left < 0 or not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """What a request says: its body in one piece, then whatever comes."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _impatient(receive: Receive) -> Receive:
    """A body that streams, and counts as broken off where nothing comes for long."""

    async def receive_in_time() -> Message:
        with anyio.move_on_after(_STALLED_SECONDS):
            return await receive()
        return {"type": "http.disconnect"}

    return receive_in_time


class _Counted:
    """A body that is counted as it comes, and breaks off where its sender has taken too much."""

    def __init__(self, receive: Receive, caller: Caller, usage: Usage) -> None:
        self._receive, self._caller, self._usage = receive, caller, usage
        self.num_bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        self.num_bytes += size
        if size:
            self._usage.spend(self._caller, "upload", size)
        return message if self._usage.left(self._caller, "upload") >= 0 else _BROKEN_OFF


class _Uploads:
    """How many uploads are on their way, of each client and in all."""

    def __init__(self) -> None:
        self._of_client: Counter[str] = Counter()

    @contextmanager
    def one_more(self, client: str) -> Iterator[bool]:
        """Whether there is room for one more of a client, for as long as the block runs."""
        fits = (
            self._of_client[client] < _UPLOADS_OF_CLIENT
            and self._of_client.total() < _UPLOADS_IN_ALL
        )
        if not fits:
            yield False
            return
        self._of_client[client] += 1
        try:
            yield True
        finally:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]
