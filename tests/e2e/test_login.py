"""A server with accounts: a login opens the page, and programs come with a key."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, expect

from sam2ov.ui.gate.users import Users
from tests.e2e.conftest import checked_app
from tests.e2e.editor_page import EditorPage

PASSWORD = "four words in a row"


def test_a_login_opens_the_page_and_a_key_the_api(browser: Browser, tmp_path: Path) -> None:
    users, key = Users().with_password("anna", PASSWORD).with_new_key("robot")
    users.write(tmp_path / "users")
    folder = tmp_path / "server"
    folder.mkdir()
    with checked_app(folder, "--auth", str(tmp_path / "users")) as running:
        for path in ("", "config", "gradio_api/info", "editor/x/main.js", "media/x/0.jpg"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"{running.url}/{path}", timeout=10)
        bearer = {"Authorization": f"Bearer {key}"}
        client = Client(running.url, headers=bearer, verbose=False)
        assert client.predict(api_name="/list_models")
        client.close()

        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(running.url)
        for password, said in (("wrong", "There is no such name"), (PASSWORD, "")):
            page.get_by_label("Name").fill("anna")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in").click()
            if said:
                expect(page.get_by_text(said)).to_be_visible()
        editor = EditorPage(page, running.url)
        editor.open_sample()
        editor.click(250, 80)
        (mine,) = (running.projects / "users").iterdir()
        assert mine.name.startswith("anna-")
        assert len([path for path in mine.iterdir() if path.name[0] != "."]) == 1
        context.close()
