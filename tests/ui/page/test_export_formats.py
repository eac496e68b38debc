"""The formats as the page gets them, and what it asks for."""

from pathlib import Path
from typing import Any

import pytest

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS
from sam2ov.ui.contract.payloads import Export
from sam2ov.ui.events.export_form import settings_of
from sam2ov.ui.page.export_formats import format_views

VIEWS = {view.name: view for view in format_views()}


def asked(name: str, **values: Any) -> Export:
    """What the page asks for when nothing but ``values`` was filled in."""
    usual: dict[str, Any] = {
        "format": name,
        "objects": None,
        "whole_clip": False,
        "per_object": False,
        "keep_start": False,
        "square_pixels": False,
        "first_number": None,
        "names": "",
        "options": {},
        "file": None,
    }
    return Export.model_validate(usual | values)


def test_all_formats_are_told_of_in_their_order() -> None:
    assert list(VIEWS) == list(FORMATS)
    assert VIEWS["coco"].suffix == ".json"
    assert VIEWS["davis"].suffix == ".zip", "a folder comes as an archive"


@pytest.mark.parametrize("name", FORMATS)
def test_the_defaults_that_the_page_shows_are_those_of_the_format(name: str) -> None:
    known = FORMATS[name]
    shown = {
        option.name: option.default
        for option in VIEWS[name].options
        if option.default not in (None, "")
    }
    settings = settings_of(asked(name, options=shown), None)
    assert settings.options == known.options()
    assert settings.names is None
    for option in VIEWS[name].options:
        if option.kind == "choice":
            assert option.default in option.choices
        if option.kind == "number" and option.least is not None:
            assert option.default is None or float(option.default) >= option.least


def test_what_is_asked_for_counts() -> None:
    wanted = asked("coco", first_number=1001, names=" {frame} ", options={"every": 5})
    settings = settings_of(wanted, None)
    assert (settings.first_number, settings.names) == (1001, "{frame}")
    assert settings.options == FORMATS["coco"].options(every=5)  # type: ignore[call-arg]
    assert not settings_of(asked("coco", per_object=True, keep_start=True), None).per_object
    with pytest.raises(ExportError, match="does not take every"):
        settings_of(asked("coco", options={"every": 0}), None)


def test_files_of_the_server_cannot_be_named() -> None:
    """Options that are files come as uploads."""
    named = [(name, option) for name, known in FORMATS.items() for option in known.file_options]
    assert ("overlay", "background") in named
    for name, option in named:
        with pytest.raises(ExportError, match=f"{option} takes an uploaded file"):
            settings_of(asked(name, options={option: "/etc/passwd"}), None)
        with pytest.raises(ExportError, match="Choose it again"):
            settings_of(asked(name, file=option), None)
        settings = settings_of(asked(name, file=option), Path("uploaded.png"))
        assert getattr(settings.options, option) == "uploaded.png"
    with pytest.raises(ExportError, match="There is no file for crf"):
        settings_of(asked("overlay", file="crf"), Path("uploaded.png"))
