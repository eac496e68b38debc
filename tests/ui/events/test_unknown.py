"""Pages that the server does not know are asked for their hello, and nothing is done for them."""

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sam2ov.ui.events.unknown import known_only
from tests.ui.conftest import Tab, event, request_of, snapshot_of

HELLO = {"unknown": True}


def test_an_unknown_page_is_asked_for_its_hello(tab: Tab) -> None:
    stranger = request_of("after a restart")
    edit: Any = known_only(tab.editor.edit)
    opened: Any = known_only(tab.editor.open)
    undo = event({"kind": "undo", "clip": "of an earlier server", "number": 1})
    assert json.loads(edit(undo, stranger)) == HELLO
    assert [json.loads(text) for text in opened(event({"source": "sample"}), stranger)] == [HELLO]
    tab.editor.cancel(stranger)
    tab.editor.prepare(event({"clip": "x", "frame": 0}), stranger)
    assert len(tab.workspaces) == 1
    assert snapshot_of(tab.editor.ready(stranger)).clip is None
    answered = snapshot_of(edit(undo, stranger))
    assert answered.edits == 1
    assert answered.problem is not None
    assert "no longer open" in answered.problem.text


def test_gradio_sees_the_same_function(tab: Tab) -> None:
    for handler in (tab.editor.edit, tab.editor.open):
        known: Any = known_only(handler)
        assert inspect.signature(known) == inspect.signature(handler)
        assert inspect.isgeneratorfunction(known) == inspect.isgeneratorfunction(handler)


def test_other_errors_stay_errors() -> None:
    def fails() -> Iterator[str]:
        yield "begun"
        raise OSError("disk full")

    told: Any = known_only(fails)()
    assert next(told) == "begun"
    with pytest.raises(OSError, match="disk full"):
        next(told)
