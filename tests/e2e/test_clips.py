"""Clips of every shape and length: upright, exact to the pixel, and answered like the sample."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sam2ov.values.masks import BoolArray
from sam2ov.values.palette import default_colour
from sam2ov.video import open_video
from tests.clips import (
    Encoding,
    Frames,
    make_scene,
    read_frame_number,
    stamp_frame_number,
    write_clip,
    write_gif,
    write_kind,
)
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage, iou
from tools.driven_app import RunningApp, resident_mb

BUSY_SECONDS = 15
"""What a busy machine may take for what a quiet one does in one or two."""


def open_clip(editor: EditorPage, path: Path, size_wh: tuple[int, int]) -> None:
    """Open a file; from here on positions are pixels of this clip."""
    editor.page.locator(".s2-file").set_input_files(path)
    editor.wait_for_frame(0)
    editor.size_wh = size_wh


def size_wh(frames: Frames) -> tuple[int, int]:
    return frames.shape[2], frames.shape[1]


def centre(mask: BoolArray) -> tuple[float, float]:
    """The middle of an object, xy."""
    rows, columns = np.nonzero(mask)
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def wait_for_sharp_frame(editor: EditorPage, frame: int) -> None:
    editor.wait_for_frame(frame)
    stage = editor.page.locator(".s2-stage")
    editor.until(lambda: stage.get_attribute("data-level") != "proxy")


def picture(editor: EditorPage) -> Frames:
    """What is on the stage, uint8 RGB [h, w, 3]."""
    return editor.canvas("frame")[..., :3]


def shown_width(editor: EditorPage) -> float:
    """Of the picture, in CSS pixels."""
    bounds = editor.page.locator(".s2-view").bounding_box()
    assert bounds is not None
    return bounds["width"]


def require_an_answer(editor: EditorPage, truth: BoolArray, *, least: float = 0.6) -> None:
    """Click the middle of an object and require its mask."""
    editor.click(*centre(truth))
    editor.until(lambda: iou(editor.mask(), truth) > least)


def export(editor: EditorPage, folder: Path) -> Path:
    """The overlay video, the format that is chosen at first."""
    download = editor.download(editor.press_export)
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


# ---- Shapes


def test_a_portrait_clip(editor: EditorPage, tmp_path: Path) -> None:
    scene = make_scene(8, (320, 180), seed=6)
    open_clip(editor, write_clip(tmp_path / "portrait", scene.frames), size_wh(scene.frames))
    wait_for_sharp_frame(editor, 0)
    assert picture(editor).shape == (320, 180, 3)
    shown = editor.page.locator(".s2-view").bounding_box()
    stage = editor.page.locator(".s2-stage").bounding_box()
    assert shown is not None
    assert stage is not None
    assert abs(shown["width"] / shown["height"] - 180 / 320) < 0.01, "not stretched"
    assert abs(shown["height"] - stage["height"]) < 0.05 * stage["height"], "as large as it fits"
    for number in range(2):
        if number:
            editor.add_object()
        truth = scene.masks[0, number]
        editor.click(*centre(truth))
        colour = default_colour(number + 1)
        editor.until(lambda t=truth, c=colour: iou(editor.mask(c), t) > 0.6)  # type: ignore[misc]
    editor.track()
    editor.wait_until_tracked()
    editor.seek(7)
    editor.until(lambda: iou(editor.mask(), scene.masks[7].any(axis=0)) > 0.6)


@pytest.mark.parametrize("kind", ["h264-rotate-90", "h264-rotate-270", "h264-mirrored"])
def test_a_clip_of_a_turned_phone(editor: EditorPage, tmp_path: Path, kind: str) -> None:
    scene = make_scene(6, (160, 96), seed=6, num_objects=1)
    path = write_kind(kind, tmp_path / kind, scene.frames)
    open_clip(editor, path, size_wh(scene.frames))
    wait_for_sharp_frame(editor, 0)
    assert picture(editor).shape == (160, 96, 3)
    assert read_frame_number(picture(editor)) == 0, "its bar code reads from left to right"
    editor.page.keyboard.press("End")
    wait_for_sharp_frame(editor, 5)
    assert read_frame_number(picture(editor)) == 5
    require_an_answer(editor, scene.masks[5, 0])


def test_sides_of_odd_length(editor: EditorPage, tmp_path: Path) -> None:
    scene = make_scene(4, (97, 129), seed=8, num_objects=1)
    path = write_kind("ffv1-mkv", tmp_path / "odd", scene.frames)
    open_clip(editor, path, size_wh(scene.frames))
    wait_for_sharp_frame(editor, 0)
    assert np.abs(picture(editor).astype(int) - scene.frames[0]).mean() < 5
    require_an_answer(editor, scene.masks[0, 0])
    editor.track()
    editor.wait_until_tracked()
    editor.seek(3)
    editor.until(lambda: iou(editor.mask(), scene.masks[3, 0]) > 0.6)
    with open_video(export(editor, tmp_path)) as video:
        assert video.num_frames == 4
        assert abs(video.info.width - 129) <= 1
        assert abs(video.info.height - 97) <= 1


LINES = np.s_[1700:1720, 3000:3040]
"""Where the 4K clip has lines of one pixel: black, white, black …"""


def test_a_4k_clip_is_answered_in_its_own_pixels(editor: EditorPage, tmp_path: Path) -> None:
    small = make_scene(2, (216, 384), seed=1, num_objects=1, barcode=False)
    large = np.ascontiguousarray(small.frames.repeat(10, 1).repeat(10, 2))
    truth: BoolArray = small.masks[0, 0].repeat(10, 0).repeat(10, 1)
    for frame in large:
        frame[LINES] = 16
        frame[LINES][:, ::2] = 235
    asked: list[str] = []
    editor.page.on("request", lambda request: asked.append(request.url))
    fast = Encoding(options={"preset": "ultrafast", "crf": "10"})
    open_clip(editor, write_clip(tmp_path / "4k", large, fast), size_wh(large))

    def width(name: str) -> int:
        return int(editor.page.evaluate(f"document.querySelector('.s2-{name}').width"))

    editor.until(lambda: width("frame") == 1280)
    assert not [url for url in asked if "size=full" in url], "as much as can be seen"
    place = centre(truth)
    at, before = editor.point(*place), shown_width(editor)
    editor.page.mouse.move(*at)
    for _ in range(6):
        editor.page.mouse.wheel(0, -200)
    editor.until(lambda: width("frame") == 3840)
    assert [url for url in asked if re.search(r"/0\.jpg\?.*size=full", url)]
    # The wheel's events have whole pixels of the screen; they have grown with the picture.
    grown = shown_width(editor) / before
    assert np.allclose(editor.point(*place), at, atol=grown), "still under the pointer"
    lines = editor.page.evaluate(
        """([x, y]) => {
          const pen = document.querySelector(".s2-frame").getContext("2d");
          return [...pen.getImageData(x, y, 20, 1).data].filter((_, i) => i % 4 === 1);
        }""",
        [LINES[1].start + 10, LINES[0].start + 10],
    )
    assert min(lines[::2]) - max(lines[1::2]) > 150, "every line is there"
    editor.click(*place)
    editor.until(lambda: width("masks") == 3840)
    editor.until(lambda: iou(editor.mask(), truth) > 0.6)


# ---- Lengths

MINUTES = 10
FPS = 6
LAST = MINUTES * 60 * FPS - 1


@dataclass(frozen=True)
class LongClip:
    """A clip of ten minutes, and where its object is at its end."""

    path: Path
    last_masks: dict[int, BoolArray]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongClip]:
    unit = make_scene(120, (72, 96), seed=5, num_objects=1, barcode=False)
    frames = np.tile(unit.frames, ((LAST + 1) // len(unit.frames), 1, 1, 1))
    for number, frame in enumerate(frames):
        rows, columns = stamp_frame_number(frame, number)
    unit.masks[:, :, :rows, :columns] = False
    how = Encoding(fps=Fraction(FPS), options={"g": "250", "preset": "veryfast"})
    path = write_clip(tmp_path_factory.mktemp("long") / "long", frames, how)
    yield LongClip(path, {LAST - back: unit.masks[-1 - back, 0] for back in range(12)})
    path.unlink()


def test_a_clip_of_ten_minutes(editor: EditorPage, server: RunningApp, long_clip: LongClip) -> None:
    before = resident_mb(server.pid)
    began = time.monotonic()
    open_clip(editor, long_clip.path, (96, 72))
    assert time.monotonic() - began < BUSY_SECONDS
    counter = editor.page.locator(".s2-counter")
    assert f"/ {LAST}" in counter.inner_text()

    editor.page.keyboard.press("End")
    wait_for_sharp_frame(editor, LAST)
    assert "9:59.8" in counter.inner_text()
    assert read_frame_number(picture(editor)) == LAST
    require_an_answer(editor, long_clip.last_masks[LAST])
    editor.page.keyboard.press("o")
    editor.page.keyboard.press("Shift+ArrowLeft")
    editor.wait_for_frame(LAST - 10)
    editor.page.keyboard.press("i")
    editor.page.keyboard.press("End")
    editor.wait_for_frame(LAST)
    editor.wait_until_answered()
    editor.track("backward")
    editor.wait_until_tracked()
    lane = editor.page.locator(".s2-lane")
    words = f"tracked {LAST - 10}-{LAST}"
    editor.until(lambda: words in (lane.get_attribute("aria-label") or ""))
    editor.page.keyboard.press("Shift+I")
    wait_for_sharp_frame(editor, LAST - 10)
    assert read_frame_number(picture(editor)) == LAST - 10
    editor.until(lambda: iou(editor.mask(), long_clip.last_masks[LAST - 10]) > 0.5)

    slider = editor.page.locator(".s2-strip").bounding_box()
    assert slider is not None
    for share in (0.2, 0.8, 0.4, 0.6, 0.1, 0.9, 0.5):
        editor.page.mouse.click(slider["x"] + share * slider["width"], slider["y"] + 20)
        wait_for_sharp_frame(editor, editor.position)
        assert read_frame_number(picture(editor)) == editor.position
        assert abs(editor.position / LAST - share) < 0.02
    # Its pictures would take 75 MB and its masks 25 MB.
    assert resident_mb(server.pid) - before < 400


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_clip_of_one_frame(editor: EditorPage, tmp_path: Path, suffix: str) -> None:
    scene = make_scene(1, (96, 128), seed=8, num_objects=1)
    write = write_gif if suffix == ".gif" else write_clip
    open_clip(editor, write(tmp_path / "one", scene.frames), (128, 96))
    wait_for_sharp_frame(editor, 0)
    assert "0 / 0" in editor.page.locator(".s2-counter").inner_text()
    assert read_frame_number(picture(editor)) == 0
    require_an_answer(editor, scene.masks[0, 0])
    for key in ("ArrowRight", "End", "ArrowLeft", "Shift+ArrowRight", "i", "o", "Space", "Space"):
        editor.page.keyboard.press(key)
    editor.wait_until_answered()
    assert editor.position == 0
    shown = editor.mask()
    editor.page.keyboard.press("t")
    editor.until(lambda: "tracked already" in editor.problem)
    assert np.array_equal(editor.mask(), shown)
    with open_video(export(editor, tmp_path)) as video:
        assert video.num_frames == 1


def test_a_gif_with_pauses(editor: EditorPage, tmp_path: Path) -> None:
    scene = make_scene(12, (96, 128), seed=8, num_objects=1)
    pauses = [50] * 5 + [400] + [50] * 6
    path = write_gif(tmp_path / "moving", scene.frames, pauses)
    open_clip(editor, path, (128, 96))
    assert "/ 11" in editor.page.locator(".s2-counter").inner_text()
    for frame in (7, 3):
        editor.seek(frame)
        wait_for_sharp_frame(editor, frame)
        assert read_frame_number(picture(editor)) == frame
    require_an_answer(editor, scene.masks[3, 0])
    editor.track()
    editor.wait_until_tracked()
    editor.page.keyboard.press("End")
    editor.until(lambda: iou(editor.mask(), scene.masks[11, 0]) > 0.5)
    assert "0:00.90" in editor.page.locator(".s2-counter").inner_text(), "the pause is counted"


# ---- Many objects


RADIUS = 26


def make_thirty() -> tuple[Frames, list[BoolArray]]:
    """Two frames of thirty discs, and where they are on the first."""
    rows, columns = np.mgrid[:360, :640] + 0.5
    frames = np.full((2, 360, 640, 3), (96, 104, 112), np.uint8)
    discs: list[BoolArray] = []
    for number in range(30):
        colour = [(230, 60, 50), (60, 200, 80), (240, 220, 60), (70, 90, 230)][number % 4]
        x, y = 60 + 104 * (number % 6), 44 + 68 * (number // 6)
        discs.append(np.hypot(columns - x, rows - y) < RADIUS)
        for time_step in range(2):
            inside = np.hypot(columns - x - 2 * time_step, rows - y) < RADIUS
            frames[time_step][inside] = colour
    return frames, discs


def test_thirty_objects_have_masks_and_come_back(new_page: NewPage, tmp_path: Path) -> None:
    frames, discs = make_thirty()
    editor = new_page()
    open_clip(editor, write_clip(tmp_path / "thirty", frames), (640, 360))
    for number, disc in enumerate(discs):
        if number:
            editor.add_object()
        (x, y), reach = centre(disc), RADIUS + 2
        editor.drag(x - reach, y - reach, x + reach, y + reach)
    union: BoolArray = np.logical_or.reduce(discs)
    editor.until(lambda: iou(editor.mask(), union) > 0.7)
    for number, disc in enumerate(discs):
        own = editor.mask(default_colour(number + 1)) & disc
        assert own.sum() > 0.3 * disc.sum(), f"object {number + 1} where its box is"
    editor.track()
    editor.wait_until_tracked()
    editor.page.keyboard.press("End")
    editor.until(lambda: iou(editor.mask(), np.roll(union, 2, axis=1)) > 0.6)
    before = editor.mask()
    editor.reload()
    assert editor.objects.count() == 30
    assert editor.page.locator(".s2-count").all_inner_texts() == ["1"] * 30
    editor.wait_for_frame(1)
    editor.until(lambda: np.array_equal(editor.mask(), before))
