"""The page's types are what the models say."""

import re
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from sam2ov.ui.contract import payloads
from tests.conftest import REPOSITORY
from tools import page_types


def test_the_file_is_current() -> None:
    assert page_types.TARGET.read_text(encoding="utf-8") == page_types.page_types()


def test_check_writes_nothing_and_refuses_an_old_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "messages.d.ts"
    old.write_text("export type Old = null;\n", encoding="utf-8")
    monkeypatch.setattr(page_types, "TARGET", old)
    monkeypatch.setattr(sys, "argv", ["page_types", "--check"])
    with pytest.raises(SystemExit, match=r"messages\.d\.ts is not what the models say"):
        page_types.main()
    assert old.read_text(encoding="utf-8") == "export type Old = null;\n"
    monkeypatch.setattr(sys, "argv", ["page_types"])
    page_types.main()
    assert old.read_text(encoding="utf-8") == page_types.page_types()


def test_types_keep_what_the_models_say() -> None:
    text = page_types.page_types()
    assert "  points: [number, number, number][];" in text  # tuples, in a sequence
    assert "  confidence: (number | null)[];" in text
    assert "  prompts: { [key: string]: PromptView };" in text
    assert '  kind: "track" | "export" | "load" | "find";' in text
    assert "  range: RangeView | null;" in text
    assert "  project?: string | null;" in text  # a payload may leave out what has a default
    assert "interface FrameEdit" not in text, "the base of others"


def test_every_edit_is_among_them() -> None:
    text = page_types.page_types()
    kinds = re.findall(r'^  kind: "(\w+)";$', text, re.MULTILINE)
    edits = payloads.Edit.__args__
    assert len(edits) == len(kinds) == text.count("\n  | ")
    assert all(f"\n  | {model.__name__}" in text for model in edits)


def test_what_no_model_has_said_so_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(BaseModel):
        """Without a type."""

        model_config = ConfigDict(arbitrary_types_allowed=True)

        anything: object

    Odd.__module__ = payloads.__name__
    monkeypatch.setattr(payloads, "Odd", Odd, raising=False)
    with pytest.raises(NotImplementedError, match="knows no type"):
        page_types.page_types()


def test_the_editors_events_are_offered_to_gradio() -> None:
    """Gradio learns of the page's events from the text of this file."""
    offered = (REPOSITORY / "sam2ov/ui/web/on_load.js").read_text(encoding="utf-8")
    page = (REPOSITORY / "sam2ov/ui/page/page.py").read_text(encoding="utf-8")
    events = set(re.findall(r"editor\.(\w+)\(", page))
    assert events
    assert all(f'"{event}"' in offered for event in events)
