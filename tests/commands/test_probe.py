"""``sam2ov probe``: what is known of a clip, for people and for programs."""

import json
from fractions import Fraction
from pathlib import Path

from typer.testing import CliRunner

from sam2ov.cli import app
from tests.clips import Encoding, Scene, write_clip


def test_a_clip_is_told(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(
        tmp_path / "clip", scene.frames, Encoding(".mov", rotation=90, fps=Fraction(25))
    )
    printed = CliRunner().invoke(app, ["probe", str(path)])
    assert printed.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in printed.stdout.splitlines() if "  " in line)
    assert lines["frames"].strip() == str(len(scene.frames))
    facts = json.loads(CliRunner().invoke(app, ["probe", "--json", str(path)]).stdout)
    height, width = scene.frames.shape[1:3]
    assert (facts["width"], facts["height"]) == (width, height), "as it is shown"
    assert facts["rotation"] in {90, 270}
    assert facts["rate"] == "25"
    assert facts["variable_rate"] is False
    assert facts["seconds"] == len(scene.frames) / 25


def test_what_is_no_clip_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no clip")
    told = CliRunner().invoke(app, ["probe", str(tmp_path / "text.mp4")])
    assert told.exit_code == 1
    assert "is not a video file of a supported kind" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
