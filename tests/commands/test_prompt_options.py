"""What prompts look like on the command line, and what is said about those that do not."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2ov.commands.prompt_options import (
    BoxOption,
    MaskOption,
    PointOption,
    collect_prompts,
    parse_box,
    parse_mask,
    parse_point,
)
from sam2ov.errors import PromptError
from sam2ov.mask_files.prompt_file import Point, RleMask


def test_forms() -> None:
    assert parse_point("0:1:420,300") == PointOption(0, 1, (420, 300), positive=True)
    assert parse_point("7:12:38.5,90:-") == PointOption(7, 12, (38.5, 90), positive=False)
    assert parse_point("0:1:-3,4").xy == (-3, 4), "what is outside is said later, with the size"
    assert parse_box("12:2:10,20,200,220") == BoxOption(12, 2, (10, 20, 200, 220))
    assert parse_mask("0:3:masks/a.png") == MaskOption(0, 3, Path("masks/a.png"))
    assert parse_mask("0:3:C:\\a.png").path == Path("C:\\a.png")


coordinate = st.floats(0, 4096, allow_nan=False).map(lambda value: round(value, 3))


@given(st.integers(0, 10**6), st.integers(1, 999), coordinate, coordinate, st.booleans())
def test_points_round_trip(frame: int, obj_id: int, x: float, y: float, positive: bool) -> None:
    text = f"{frame}:{obj_id}:{x},{y}" + ("" if positive else ":-")
    assert parse_point(text) == PointOption(frame, obj_id, (x, y), positive)


@given(st.text(max_size=12))
def test_any_text_is_a_point_or_a_usage_error(text: str) -> None:
    try:
        option = parse_point(text)
    except typer.BadParameter as error:
        assert "0:1:420,300" in str(error) or "FRAME:OBJECT:X,Y" in str(error)  # noqa: PT017
        return
    assert option.frame >= 0
    assert option.obj_id >= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not FRAME:OBJECT:X,Y"),
        ("3,4", "is not FRAME:OBJECT:X,Y"),
        ("0:1:3", "needs 2 coordinates"),
        ("0:1:3,4,5", "needs 2 coordinates"),
        ("0:1:3,nan", "needs 2 coordinates"),
        ("0:1:3,inf", "needs 2 coordinates"),
        ("0:1:3,4:+", "needs 2 coordinates"),
        ("-1:1:3,4", "a frame is a number from 0"),
        ("1.5:1:3,4", "a frame is a number from 0"),
        ("0:0:3,4", "an object is a number from 1"),
        ("0:dog:3,4", "an object is a number from 1"),
    ],
)
def test_points_that_are_none(text: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        parse_point(text)


def test_boxes_and_masks_that_are_none() -> None:
    with pytest.raises(typer.BadParameter, match="needs 4 coordinates"):
        parse_box("0:1:3,4")
    with pytest.raises(typer.BadParameter, match="the top left corner comes first"):
        parse_box("0:1:30,4,10,20")
    with pytest.raises(typer.BadParameter, match="names no file"):
        parse_mask("0:1:")
    with pytest.raises(typer.BadParameter, match="is not FRAME:OBJECT:FILE"):
        parse_mask("mask.png")


def test_options_of_a_frame_are_one_prompt() -> None:
    prompts = collect_prompts(
        [parse_point("4:2:1,2"), parse_point("0:1:3,4"), parse_point("4:2:5,6:-")],
        [parse_box("4:2:0,0,9,9")],
        [],
        None,
    )
    assert [target.id for target in prompts.objects] == [2, 1]
    (entry,) = prompts.objects[0].prompts
    assert entry.frame == 4
    assert entry.points == (Point(x=1, y=2, label=1), Point(x=5, y=6, label=0))
    assert entry.box == (0, 0, 9, 9)


def test_options_add_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    video = {"file": "a.mp4", "num_frames": 9, "width": 8, "height": 8}
    dog = {
        "id": 1,
        "name": "dog",
        "colour": "#112233",
        "prompts": [{"frame": 3, "points": [{"x": 1, "y": 1}]}, {"frame": 9, "box": [0, 0, 5, 5]}],
    }
    path.write_text(json.dumps({"version": 1, "video": video, "objects": [dog]}))
    unchanged = collect_prompts([], [], [], path)
    assert unchanged.objects[0].name == "dog"
    merged = collect_prompts(
        [parse_point("3:1:2,2:-"), parse_point("5:4:3,3")], [parse_box("3:1:0,0,4,4")], [], path
    )
    assert merged.video == unchanged.video
    first, second = merged.objects
    assert (first.id, first.name, first.colour) == (1, "dog", "#112233")
    assert [entry.frame for entry in first.prompts] == [3, 9]
    assert first.prompts[0].points == (Point(x=1, y=1), Point(x=2, y=2, label=0))
    assert first.prompts[0].box == (0.0, 0.0, 4.0, 4.0)
    assert (second.id, len(second.prompts)) == (4, 1)
    with pytest.raises(typer.BadParameter, match="object 1 on frame 9 has two boxes"):
        collect_prompts([], [parse_box("9:1:0,0,4,4")], [], path)


def test_contradictions(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.ones((4, 4), np.uint8)).save(path)
    mask = parse_mask(f"0:1:{path}")
    (entry,) = collect_prompts([], [], [mask], None).objects[0].prompts
    assert isinstance(entry.mask, RleMask)
    with pytest.raises(typer.BadParameter, match="has a mask and points or a box"):
        collect_prompts([parse_point("0:1:1,1")], [], [mask], None)
    with pytest.raises(typer.BadParameter, match="object 1 on frame 0 has two masks"):
        collect_prompts([], [], [mask, mask], None)
    with pytest.raises(typer.BadParameter, match="nothing to track"):
        collect_prompts([], [], [], None)
    with pytest.raises(PromptError, match="cannot be read"):
        collect_prompts([], [], [parse_mask("0:1:missing.png")], None)
