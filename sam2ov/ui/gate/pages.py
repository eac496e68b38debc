"""The gate's own pages: they ask for a token, or for a name and a password."""

from html import escape
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>sam2ov</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 20vh auto 0; padding: 0 1rem; }
input, button { font: inherit; padding: .5rem .75rem; margin: .25rem 0 .75rem; }
input, button { box-sizing: border-box; width: 100%; }
</style></head>
<body><main><h1>sam2ov</h1>"""
_ASK_KEY: Final = """<form method="get" action=""><label>Token <input name="token" type="password"
autocomplete="off" autofocus required></label><button>Open</button></form>"""
_ASK_NAME: Final = """<form method="post" action="{action}">
<label>Name <input name="name" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password"
required></label><button>Log in</button></form>"""
_ASK_LEAVE: Final = """<form method="post" action="{action}"><button>Log out</button></form>
<p><a href="{home}">Back</a></p>"""
_FOOT: Final = "</main></body></html>\n"


def wants_page(headers: Headers) -> bool:
    """Whether a browser shows the answer to somebody."""
    return "text/html" in headers.get("accept", "")


def token_page(headers: Headers) -> Response:
    """Asks for the access token."""
    said = "This server asks for its access token, which it printed when it started."
    if wants_page(headers):
        return _page(said, _ASK_KEY, 401)
    return _for_programs(f"{said} Send it as the header Authorization: Bearer TOKEN.")


def login_page(headers: Headers, root: str, said: str, status: int = 401) -> Response:
    """Asks for a name and a password.

    Args:
        headers: of the request.
        root: below which the app lies.
        said: why.
        status: of the answer.
    """
    if wants_page(headers):
        return _page(said, _ASK_NAME.format(action=escape(f"{root}/login")), status)
    return _for_programs(f"{said} Programs send a key: Authorization: Bearer KEY.", status)


def logout_page(root: str, user: str) -> Response:
    """Says who somebody is, and lets them leave."""
    form = _ASK_LEAVE.format(action=escape(f"{root}/logout"), home=escape(f"{root}/"))
    return _page(f"You are logged in as {user}.", form, 200)


def _page(said: str, form: str, status: int) -> Response:
    return HTMLResponse(
        f"{_HEAD}<p>{escape(said)}</p>{form}{_FOOT}", status, {"cache-control": "no-store"}
    )


def _for_programs(said: str, status: int = 401) -> Response:
    return PlainTextResponse(said, status, {"www-authenticate": "Bearer"} if status == 401 else {})
