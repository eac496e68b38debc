"""Each user has projects of their own."""

from pathlib import Path

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from sam2ov.errors import PageUnknownError
from sam2ov.project.library import ProjectLibrary
from sam2ov.ui.gate.caller import Caller, note_caller
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.routes import make_routes
from sam2ov.ui.tabs.libraries import Libraries
from tests.ui.conftest import Tab, told


class As:
    """A gate that takes everybody for one user."""

    def __init__(self, app: ASGIApp, user: str) -> None:
        self._app, self._user = app, user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        note_caller(scope, Caller("192.0.2.1", self._user))
        await self._app(scope, receive, send)


def page_of(user: str, session_hash: str = "tab") -> gr.Request:
    scope: Scope = {"type": "http", "headers": []}
    note_caller(scope, Caller("192.0.2.1", user))
    return gr.Request(request=Request(scope), session_hash=session_hash)


def tab_of(tab: Tab, user: str) -> Tab:
    return tab.other(page_of(user))


def test_folders_of_users_are_different_and_all_are_swept(library: ProjectLibrary) -> None:
    libraries = Libraries(library)
    names = ["anna", "Anna", "a.nna", "../anna", "", "anna@example.org"]
    folders = {libraries.of(name).folder for name in names}
    assert len({str(folder).lower() for folder in folders}) == len(names)
    assert all(folder.is_relative_to(library.folder) for folder in folders)
    assert libraries.of("anna") is libraries.of("anna")
    again = Libraries(library)
    assert {each.folder for each in again.all()} == folders, "after a restart, too"
    assert all(one is other for one, other in zip(again.all(), again.all(), strict=True))


def test_nobody_sees_or_opens_what_is_anothers(tab: Tab, clip_file: Path) -> None:
    anna, bob = tab_of(tab, "anna"), tab_of(tab, "bob")
    assert anna.workspace is not bob.workspace, "though a session is called the same"
    anna.upload(clip_file, "square.mp4")
    snapshot = anna.open("upload")
    assert snapshot.project is not None
    assert snapshot.clip is not None
    project, clip, upload = snapshot.project.token, snapshot.clip.token, snapshot.upload
    with told(bob, "no longer here"):
        assert bob.open("project", project).project is None
    with pytest.raises(PageUnknownError):
        tab.workspaces.of(page_of("eve"))

    app = Starlette(routes=make_routes(tab.workspaces, ModelTurns(1), 1 << 20))
    seen = {}
    for user in ("anna", "bob", ""):
        client = TestClient(As(app, user))
        listed = client.post("/projects", json={"tokens": [project]}).json()["projects"]
        seen[user] = [
            len(listed),
            client.get(f"/projects/{project}/thumbnail.jpg").status_code,
            client.get(f"/media/{clip}/0.jpg").status_code,
            client.put(f"/media/{upload}/clip?name=a.mp4", content=b"x").status_code,
        ]
    for user in ("bob", ""):
        client = TestClient(As(app, user))
        assert client.delete(f"/projects/{project}").status_code == 404
        assert client.post(f"/media/{upload}/leave").status_code == 404
    assert seen == {"anna": [1, 200, 200, 201], "bob": [0, 404, 404, 404], "": [0, 404, 404, 404]}
    assert anna.workspace.clip is not None
