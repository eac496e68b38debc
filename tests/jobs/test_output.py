"""What can be known of an output before the first frame is tracked."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from sam2ov.errors import ExportError
from sam2ov.jobs.output import Output
from sam2ov.values.objects import ClipObject


def named(*names: str, first: int = 1) -> list[ClipObject]:
    return [ClipObject(first + i, name, "#000000") for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("output", "objects", "message"),
    [
        ({"format": "davis"}, named("dog", first=300), "holds objects 1 to 254, not 300"),
        ({"format": "mots"}, named("dog", first=1500), "holds objects 1 to 999, not 1500"),
        (
            {"format": "mots"},
            named(*(f"kind {chr(97 + i % 26)}{i}" for i in range(62))),
            "holds 61 kinds of objects besides car, pedestrian, person, here are 62",
        ),
        (
            {"format": "dataset"},
            named(*(f"kind {i}" for i in range(255))),
            "holds 254 kinds of objects, here are 255",
        ),
        (
            {"format": "masks", "names": "{object}/{frame}"},
            named("dog", "Dog"),
            "Several objects are called dog",
        ),
    ],
)
def test_what_a_format_cannot_hold(
    output: dict[str, str], objects: list[ClipObject], message: str, tmp_path: Path
) -> None:
    wanted = Output(path=tmp_path / "out", **output)
    wanted.check()
    with pytest.raises(ExportError, match=message):
        wanted.check_places([], "clip", objects)
    wanted.check_places([], "clip", named("car"))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Output(path=tmp_path / "out.mp4", format="overlay")
    wanted.check_places([], "clip", named("dog"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(ExportError, match="the disk is full"):
        wanted.check_places([], "clip", named("dog"))


def test_a_background_that_is_not_there(tmp_path: Path) -> None:
    options = {"effect": "replace", "background": str(tmp_path / "no.png")}
    with pytest.raises(ExportError, match=r"There is no file .*no\.png for background"):
        Output(path=tmp_path / "out.mp4", format="overlay", options=options).check()
