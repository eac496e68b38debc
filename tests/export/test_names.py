"""Templates of file names: what they give, and what they refuse."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2ov.errors import ExportError
from sam2ov.export.names import MAX_STEM_LENGTH, NameTemplate, clip_stem, file_stem

VALUES: dict[str, str | int] = {"clip": "beach", "object": "dog", "id": 7, "frame": 42}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{clip}-{object}.{frame:04d}", "beach-dog.0042"),
        ("{id:03d}/{frame}", "007/42"),
        ("shot 01_{frame:6}", "shot 01_000042"),
        ("{object}+{id}", "dog+7"),
    ],
)
def test_placeholders(template: str, name: str) -> None:
    made = NameTemplate(template)
    assert made.expand(VALUES) == name
    assert re.fullmatch(made.pattern(), name)
    assert not re.fullmatch(made.pattern(), name + ".txt")


def test_numbers_of_one_export_have_one_width() -> None:
    template = NameTemplate("{frame:03d}")
    assert template.expand(VALUES, last_number=12_345) == "00042"
    assert NameTemplate("{frame}").expand(VALUES, last_number=12_345) == "42"


@pytest.mark.parametrize(
    "template",
    [
        "../{frame}",
        "/{frame}",
        "{frame}/",
        "a//{frame}",
        ".{frame}",
        "{frame}.",
        " {frame}",
        "",
        "c:{frame}",
        "a\\{frame}",
        "{frame",
        "{frame!r}",
        "{frame:99999d}",
        "{frame:>5}",
        "{clip:5}",
        "{clip.__class__}",
        "{0}",
        "{}",
        "{{frame}}",
        "line\n{frame}",
    ],
)
def test_what_could_do_harm_is_refused(template: str) -> None:
    with pytest.raises(ExportError, match=r"Write something like|Use letters"):
        NameTemplate(template)


@given(st.text(max_size=80))
def test_any_name_makes_a_safe_stem(name: str) -> None:
    for stem in (file_stem(name), clip_stem(name)):
        assert re.fullmatch(r"[\w.-]+", stem)
        assert len(stem) <= MAX_STEM_LENGTH
        assert stem[0] not in "._"


@given(st.text(max_size=40))
def test_a_template_never_leaves_its_folder(text: str) -> None:
    try:
        name = NameTemplate(text).expand(VALUES)
    except ExportError:
        return
    assert all(part not in {"", ".", ".."} for part in name.split("/"))
