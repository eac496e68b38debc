"""What one session has is out of everybody else's reach."""

import re
from urllib.parse import urlsplit

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage
from tools.make_sample import ball_xy

MEDIA = re.compile(r"/media/([\w-]+)/(.+)")


def listen(editor: EditorPage) -> set[tuple[str, str]]:
    """Collects the tokens and the rest of the addresses that the page asks for from now on."""
    seen: set[tuple[str, str]] = set()

    def note(url: str) -> None:
        parts = urlsplit(url)
        found = MEDIA.fullmatch(parts.path)
        if found:
            query = f"?{parts.query}" if parts.query else ""
            seen.add((found[1], found[2] + query))

    editor.page.on("request", lambda request: note(request.url))
    return seen


def test_a_session_is_reached_by_its_own_token_only(new_page: NewPage) -> None:
    owner, stranger = new_page(), new_page()
    of_owner, of_stranger = listen(owner), listen(stranger)
    for editor in (owner, stranger):
        editor.open_sample()
    owner.click(*ball_xy(0))
    owner.until(lambda: owner.mask().any())
    owner.page.keyboard.press("Space")
    owner.until(lambda: owner.position > 10)
    owner.page.keyboard.press("Space")

    (token,) = {token for token, _ in of_owner}
    (other,) = {token for token, _ in of_stranger}
    assert token != other
    ask = stranger.page.request
    names = {name for _, name in of_owner}
    kinds = {name.split("?")[0].strip("0123456789") for name in names}
    assert {".jpg", "lanes", "run/"} <= kinds
    names |= {"0.png", "near/0.jpg", "thumbnails/0.jpg", "review", "times"}
    forged = (other[:-4] + token[-4:], token[:-1], token.swapcase(), "..", "%2e%2e", "*")
    for name in sorted(names | {"leave", "exports/overlay.mp4"}):
        for wrong in forged:
            url = f"{owner.url}/media/{wrong}/{name}"
            answer = ask.post(url) if name == "leave" else ask.get(url)
            assert answer.status == 404, url
            assert token not in answer.text()

    # The same address with the stranger's token is the stranger's: nothing was clicked there.
    mine = ask.get(f"{owner.url}/media/{other}/0.png").body()
    assert mine != owner.page.request.get(f"{owner.url}/media/{token}/0.png").body()
    owner.press_project("close")
    owner.page.wait_for_selector('.s2[data-state="empty"]')
    for name in names:
        answer = ask.get(f"{owner.url}/media/{token}/{name}")
        assert (answer.status, answer.body()) == (204, b""), "closed"
