"""The prompt file: what goes in comes out, and mistakes are named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2ov.errors import ExportError, PromptError
from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    RleMask,
    VideoFacts,
    from_prompt,
    from_prompts,
    parse_prompt_file,
    read_mask_image,
    read_prompt_file,
    to_prompt,
    write_prompt_file,
)
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import davis_palette, default_colour
from sam2ov.values.prompts import MaskPrompt, PointPrompt, make_point_prompt
from sam2ov.values.rle import encode_rle

SIZE_HW = (30, 40)

coordinates = st.floats(0, 30, width=32)
points = st.builds(Point, x=coordinates, y=coordinates, label=st.sampled_from([0, 1]))
boxes = st.tuples(
    st.floats(0, 10, width=32),
    st.floats(0, 10, width=32),
    st.floats(11, 30, width=32),
    st.floats(11, 30, width=32),
)


@st.composite
def rle_masks(draw: st.DrawFn) -> RleMask:
    mask = np.random.default_rng(draw(st.integers(0, 99))).random(SIZE_HW) < 0.3
    rle = encode_rle(mask)
    return RleMask(size=rle.size_hw, counts=rle.counts)


frame_numbers = st.integers(0, 10**6)
frame_prompts = st.one_of(
    st.builds(
        FramePrompt,
        frame=frame_numbers,
        points=st.lists(points, min_size=1, max_size=4).map(tuple),
        box=st.none() | boxes,
    ),
    st.builds(FramePrompt, frame=frame_numbers, box=boxes),
    st.builds(FramePrompt, frame=frame_numbers, mask=rle_masks()),
)
object_prompts = st.builds(
    ObjectPrompts,
    id=st.integers(1, 300),
    name=st.text(max_size=8),
    colour=st.none() | st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True),
    prompts=st.lists(frame_prompts, min_size=1, max_size=3, unique_by=lambda p: p.frame).map(tuple),
)
prompt_files = st.builds(
    PromptFile,
    video=st.none()
    | st.builds(
        VideoFacts,
        file=st.text(max_size=8),
        num_frames=st.integers(1, 9),
        width=st.integers(1, 9),
        height=st.integers(1, 9),
    ),
    objects=st.lists(object_prompts, min_size=1, max_size=3, unique_by=lambda o: o.id).map(tuple),
)


@given(prompt_files)
def test_a_file_reads_back_as_written(prompts: PromptFile) -> None:
    assert parse_prompt_file(prompts.model_dump_json(exclude_none=True), "file") == prompts


@given(frame_prompts)
def test_the_engine_form_says_the_same(entry: FramePrompt) -> None:
    assert from_prompt(entry.frame, to_prompt(entry, SIZE_HW)) == entry


def test_disk_round_trip(tmp_path: Path) -> None:
    prompts = minimal()
    path = tmp_path / "prompts.json"
    write_prompt_file(path, prompts)
    assert read_prompt_file(path) == prompts
    assert [entry.name for entry in tmp_path.iterdir()] == ["prompts.json"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written: No such file or directory"):
        write_prompt_file(tmp_path / "missing" / "prompts.json", minimal())


def test_a_file_written_by_hand_is_short() -> None:
    prompts = parse_prompt_file(
        """{"version": 1, "objects": [
            {"id": 1, "name": "dog", "colour": "#ff0000", "prompts": [
                {"frame": 0, "points": [{"x": 4, "y": 3}, {"x": 38, "y": 9, "label": 0}],
                 "box": [1, 2, 20, 22]}]},
            {"id": 4, "prompts": [{"frame": 7, "box": [0, 0, 40, 30]}]}]}""",
        "file",
    )
    dog, other = prompts.objects
    assert (dog.known_as().name, dog.known_as().rgb) == ("dog", (255, 0, 0))
    assert (other.known_as().name, other.known_as().rgb) == ("object 4", default_colour(4))
    prompt = to_prompt(dog.prompts[0], SIZE_HW)
    assert isinstance(prompt, PointPrompt)
    assert prompt.points_xy_video.tolist() == [[1, 2], [20, 22], [4, 3], [38, 9]]
    assert prompt.labels.tolist() == [2, 3, 1, 0]


def test_session_prompts_become_an_object() -> None:
    mask = np.eye(30, 40, dtype=np.bool_)
    clicks = make_point_prompt([[1, 2]], [0], (3, 4, 5, 6), SIZE_HW)
    target = from_prompts(ClipObject(3, "cat", "#00ff00"), {9: MaskPrompt.of(mask), 2: clicks})
    assert (target.id, target.name, target.colour) == (3, "cat", "#00ff00")
    assert [entry.frame for entry in target.prompts] == [2, 9]
    assert target.prompts[0] == FramePrompt(
        frame=2, points=(Point(x=1, y=2, label=0),), box=(3, 4, 5, 6)
    )
    drawn = to_prompt(target.prompts[1], SIZE_HW)
    assert isinstance(drawn, MaskPrompt)
    np.testing.assert_array_equal(drawn.mask, mask)


def minimal(**changes: Any) -> PromptFile:
    """One object with one click; ``changes`` are made to the JSON first."""
    data = {
        "version": 1,
        "objects": [{"id": 1, "prompts": [{"frame": 0, "points": [{"x": 1, "y": 1}]}]}],
    }
    return parse_prompt_file(json.dumps(data | changes), "prompts.json")


def one_prompt(**entry: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "prompts": [{"frame": 0} | entry]}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version: it should be 1"),
        ({"objects": []}, "objects: .*at least 1"),
        ({"objects": [{"id": 1, "prompts": []}]}, "objects.0.prompts: .*at least 1"),
        (
            {"objects": [{"id": 0, "prompts": [{"frame": 0}]}]},
            "objects.0.id: .*at least 1",
        ),
        ({"object": 1}, "object: nothing of that name is known"),
        ({"objects": one_prompt()}, "give one of the two"),
        ({"objects": one_prompt(box=[0, 0, 9, 9], mask="a.png")}, "give one of the two"),
        ({"objects": one_prompt(box=[9, 0, 0, 9])}, r"x0 < x1 and y0 < y1, got 9, 0, 0, 9"),
        ({"objects": one_prompt(points=[{"x": 1, "y": 1, "label": 2}])}, "points.0.label"),
        ({"objects": one_prompt(points=[{"x": "a", "y": 1}])}, "points.0.x"),
        ({"objects": one_prompt(frame=-1, box=[0, 0, 9, 9])}, "frame: it should be at least 0"),
        (
            {"objects": 2 * one_prompt(box=[0, 0, 9, 9])},
            "object 1 stands twice in objects",
        ),
        (
            {"objects": [{"id": 1, "prompts": 2 * [{"frame": 3, "box": [0, 0, 9, 9]}]}]},
            "frame 3 stands twice in prompts",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptError, match=message) as caught:
        minimal(**changes)
    assert str(caught.value).startswith("prompts.json is not a prompt file: ")
    assert "\n" not in str(caught.value)
    assert "sam2ov schema prompts" in str(caught.value)


def test_what_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"version": 1, ')
    with pytest.raises(PromptError, match=r"broken\.json is not a prompt file: the whole file"):
        read_prompt_file(path)
    with pytest.raises(PromptError, match=r"missing\.json cannot be read: No such file"):
        read_prompt_file(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (FramePrompt(frame=3, points=(Point(x=40.5, y=1),)), r"\(40.5, 1\) on frame 3 is outside"),
        (FramePrompt(frame=3, points=(Point(x=1, y=-0.1),)), "outside the picture, which is 40×30"),
        (FramePrompt(frame=3, box=(1, 1, 41, 9)), r"\(41, 9\) on frame 3 is outside"),
        (FramePrompt(frame=3, mask="a.png"), r"is a file name \(a.png\)"),
        (
            FramePrompt(frame=3, mask=RleMask(size=(40, 30), counts="0")),
            "mask of frame 3 is 30×40, the video is 40×30",
        ),
        (FramePrompt(frame=3, mask=RleMask(size=SIZE_HW, counts="5")), "must describe 1200 pixels"),
    ],
)
def test_prompts_that_do_not_fit_the_video_are_named(entry: FramePrompt, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        to_prompt(entry, SIZE_HW)


def test_the_far_edges_belong_to_the_picture() -> None:
    prompt = to_prompt(FramePrompt(frame=0, box=(0, 0, 40, 30)), SIZE_HW)
    assert isinstance(prompt, PointPrompt)
    assert prompt.points_xy_video.tolist() == [[0, 0], [40, 30]]


def test_masks_in_pictures_are_embedded(tmp_path: Path) -> None:
    mask = np.zeros(SIZE_HW, np.uint8)
    mask[3:9, 5:20] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"version": 1, "objects": one_prompt(mask="masks/a.png")}))
    entry = read_prompt_file(path).objects[0].prompts[0]
    assert isinstance(entry.mask, RleMask)
    prompt = to_prompt(entry, SIZE_HW)
    assert isinstance(prompt, MaskPrompt)
    np.testing.assert_array_equal(prompt.mask, mask > 0)


def test_text_that_is_parsed_opens_no_other_file() -> None:
    parsed = parse_prompt_file(
        json.dumps({"version": 1, "objects": one_prompt(mask="/etc/passwd")}), "upload"
    )
    assert parsed.objects[0].prompts[0].mask == "/etc/passwd"


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "RGBA", "P"])
def test_masks_of_any_kind_of_picture(mode: str, tmp_path: Path) -> None:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[3:9, 5:20] = True
    if mode == "I;16":
        image = Image.fromarray(mask.astype(np.uint16))
    elif mode == "P":
        image = Image.fromarray(mask.astype(np.uint8) * 3)
        image.putpalette(davis_palette().tobytes())
    elif mode == "RGBA":
        # White where it is transparent: not part of the object.
        white = np.full((*SIZE_HW, 3), 255, np.uint8)
        alpha = mask.astype(np.uint8)[..., None] * np.uint8(255)
        image = Image.fromarray(np.concatenate([white, alpha], axis=2))
    else:
        image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).convert(mode)
    path = tmp_path / "mask.png"
    image.save(path)
    with Image.open(path) as written:
        assert written.mode == mode
    np.testing.assert_array_equal(read_mask_image(path), mask)


def test_a_mask_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_text("no picture")
    with pytest.raises(PromptError, match=r"mask.png cannot be read: it is no picture"):
        read_mask_image(path)
    with pytest.raises(PromptError, match="cannot be read"):
        read_mask_image(tmp_path / "missing.png")
