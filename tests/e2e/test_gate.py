"""A server that asks for its token: the link with it lets a browser in, and nothing else."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from tests.e2e.conftest import NewPage, checked_app
from tools.driven_app import RunningApp

pytestmark = pytest.mark.e2e

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with checked_app(tmp_path_factory.mktemp("guarded"), "--token", TOKEN) as running:
        yield running


def status(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers={key.title(): v for key, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_nothing_is_told_without_the_token(guarded: RunningApp) -> None:
    for path in ("", "config", "gradio_api/info", "gradio_api/mcp/", "editor/x/main.js"):
        assert status(f"{guarded.url}/{path}") == 401, path
    assert status(f"{guarded.url}/health") == 200
    assert status(f"{guarded.url}/health", host="evil.example") == 403
    with pytest.raises(AuthenticationError):
        Client(guarded.url, verbose=False)


def test_programs_send_it_as_a_header(guarded: RunningApp) -> None:
    client = Client(guarded.url, headers={"Authorization": f"Bearer {TOKEN}"}, verbose=False)
    try:
        names = [entry["name"] for entry in client.predict(api_name="/list_models")]
    finally:
        client.close()
    assert names[0] == "micro"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_link_opens_the_page_and_all_of_it_works(
    guarded: RunningApp, new_page: NewPage, width: int
) -> None:
    """Under the security headers too: what the browser refuses is an error, which fails tests."""
    editor = new_page(url=f"{guarded.url}/?token={TOKEN}", width=width)
    assert TOKEN not in editor.page.url
    editor.open_sample()
    assert guarded.tabs() == 1
