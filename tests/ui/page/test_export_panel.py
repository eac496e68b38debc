"""The export panel: made from the registry, and what was filled in."""

from typing import Any

import pytest

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS
from sam2ov.ui.events.export_form import ExportForm
from sam2ov.ui.page.export_panel import _Controls


@pytest.fixture(scope="module")
def controls() -> _Controls:
    return _Controls()


def filled_in(controls: _Controls, kind: str, **values: Any) -> ExportForm:
    """The form with ``values`` by element id, everything else as it was made."""
    given = [
        values.get(str(c.elem_id).removeprefix("export-").replace("-", "_"), c.value)
        for c in controls.inputs
    ]
    return controls.filled_in(kind, "all", "range", 3, tuple(given))


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_left_alone_is_the_default(controls: _Controls, name: str) -> None:
    form = filled_in(controls, name)
    assert (form.format, form.chosen) == (name, 3)
    assert form.settings().options == FORMATS[name].options()
    assert form.settings().names is None


def test_every_option_has_a_control_that_is_shown_with_its_format(controls: _Controls) -> None:
    for name, known in FORMATS.items():
        shown = {
            str(control.elem_id)
            for control, update in zip(controls.shown, controls.show(name), strict=True)
            if update["visible"]
        }
        own = {f"export-{name}-{option}" for option in known.options.model_fields}
        assert own <= shown
        assert ("export-per-object" in shown) == known.splits
        assert ("export-names" in shown) == (known.names is not None)
        assert ("export-keep-start" in shown) == known.has_times
        assert len(shown) == len(own) + known.splits + known.has_times + (known.names is not None)


def test_what_is_filled_in_counts(controls: _Controls) -> None:
    form = filled_in(
        controls, "coco", first_number=1001, names=" {frame} ", coco_every=5, yolo_every=7
    )
    settings = form.settings()
    assert (settings.first_number, settings.names) == (1001, "{frame}")
    assert settings.options == FORMATS["coco"].options(every=5)  # type: ignore[call-arg]
    # What is filled in for another format does no harm.
    assert not filled_in(controls, "coco", per_object=True, keep_start=True).settings().per_object
    with pytest.raises(ExportError, match="first number must lie between"):
        filled_in(controls, "coco", first_number=10**9).settings()


def test_files_of_the_server_cannot_be_named(controls: _Controls) -> None:
    """Options that are files come as uploads, which Gradio has checked."""
    named = [(name, option) for name, known in FORMATS.items() for option in known.file_options]
    assert ("overlay", "background") in named
    for name, option in named:
        with pytest.raises(ExportError, match=f"{option} takes an uploaded file"):
            ExportForm(name, options={option: "/etc/passwd"}).settings()
        form = filled_in(controls, name, **{f"{name}_{option}": "uploaded.png"})
        assert form.files == {option: "uploaded.png"}
        assert getattr(form.settings().options, option) == "uploaded.png"
