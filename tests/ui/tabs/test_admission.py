"""A server with as many pages as it takes: the next one is told, and let in when there is room."""

from sam2ov.ui.contract.messages import Refusal
from sam2ov.ui.settings import Settings
from tests.ui.conftest import Tab, request_of


def test_a_page_too_many_is_told_and_let_in_later(tab: Tab) -> None:
    workspaces = tab.workspaces
    workspaces.settings = Settings(max_sessions=1)
    first = tab.workspace
    late = request_of("late")
    refusal = Refusal.model_validate_json(tab.editor.ready(late))
    assert "1 pages are open" not in refusal.full
    assert "One page is open, as many as it takes" in refusal.full
    assert workspaces.leave(first.token)
    assert '"full"' not in tab.editor.ready(late)
