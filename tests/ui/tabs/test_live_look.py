"""What the stage shows of an export before it is written is what the export writes."""

import io
import json
import threading
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS
from sam2ov.export.format import ExportSettings
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.project import Project
from sam2ov.ui.contract.queries import Look
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.live_look import LIVE_FORMATS, LiveLooks
from tests.ui.conftest import Tab

FRAME = 3
SECONDS = 20
CODED = 4.0
"""What H.264 at its best and half the colours' pixels may change, on the average of 255 levels."""

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def clip(open_tab: Tab) -> OpenClip:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    opened = open_tab.workspace.clip
    assert opened is not None
    return opened


def look(name: str, objects: Any = "all", **options: Any) -> Look:
    return Look.model_validate({"format": name, "options": options, "objects": objects})


def shown(clip: OpenClip, wanted: Look) -> Pixels:
    return LiveLooks(clip.info, clip.pictures).picture(clip.project, FRAME, "full", wanted)


def exported(clip: OpenClip, name: str, folder: Path, **options: Any) -> Path:
    made = FORMATS[name]
    path = folder / f"out{made.file_suffix}"
    with clip.new_reader() as reader:
        masks = TrackedMasks(clip.project.session, list(clip.project.objects))
        source = ExportSource.of("clip.mp4", reader, masks)
        run_export(made, [source], path, ExportSettings(options=made.parse_options(options)))
    return path


def video_frame(path: Path) -> Pixels:
    with av.open(str(path)) as container:
        frames = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    return np.asarray(frames[FRAME], np.uint8)


def still(path: Path) -> Pixels:
    with zipfile.ZipFile(path) as archive:
        content = archive.read(sorted(archive.namelist())[FRAME])
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize(
    "options",
    [
        {"effect": "colour"},
        {"effect": "outline", "outline": 2},
        {"effect": "blur", "on": "background", "strength": 0.8},
        {"effect": "pixelate"},
        {"effect": "grey", "on": "background"},
        {"effect": "spotlight", "strength": 0.9},
        {"effect": "remove", "on": "background", "paint": "#00b140"},
    ],
    ids=lambda options: options["effect"],
)
def test_effects(clip: OpenClip, tmp_path: Path, options: dict[str, Any]) -> None:
    written = video_frame(exported(clip, "overlay", tmp_path, crf=0, **options))
    seen = shown(clip, look("overlay", **options))
    error = np.abs(seen.astype(int) - written)
    assert error.mean() < CODED
    plain = clip.pictures.pixels(FRAME, "full")
    assert np.abs(plain.astype(int) - written).mean() > error.mean(), "it is not the plain picture"


def test_cut_outs_and_mattes_are_the_same_to_the_pixel(clip: OpenClip, tmp_path: Path) -> None:
    rgba = still(exported(clip, "png-rgba", tmp_path, keep="background", hidden=True))
    expected = on_checkerboard(rgba)
    assert np.array_equal(shown(clip, look("png-rgba", keep="background")), expected)
    matte = still(exported(clip, "png-matte", tmp_path))
    assert np.array_equal(shown(clip, look("png-matte"))[..., 0], matte)


def test_cut_outs_keep_the_transparency_of_the_clip(
    clip: OpenClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = clip.pictures.pixels(FRAME, "full")
    own = np.broadcast_to(np.linspace(0, 255, plain.shape[1]).astype(np.uint8), plain.shape[:2])
    matte = still(exported(clip, "png-matte", tmp_path))
    opaque = shown(clip, look("png-rgba"))
    rgba = np.dstack([plain, own])
    monkeypatch.setattr(clip.pictures, "transparent", lambda *_: rgba)
    kept = (matte / np.float32(255) * own + np.float32(0.5)).astype(np.uint8)
    seen = shown(clip, look("png-rgba"))
    expected = on_checkerboard(np.dstack([plain, kept]))
    assert np.abs(seen.astype(int) - expected).max() <= 2, "it is rounded twice here"
    assert not np.array_equal(seen, opaque)


def test_small_pictures_look_alike(clip: OpenClip) -> None:
    live, wanted = LiveLooks(clip.info, clip.pictures), look("png-matte")
    large = live.picture(clip.project, FRAME, "full", wanted)
    small = live.picture(clip.project, FRAME, "proxy", wanted)
    assert abs(large.mean() - small.mean()) < 6


def test_one_is_made_at_a_time_and_only_what_is_still_looked_at(
    clip: OpenClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, wanted = LiveLooks(clip.info, clip.pictures), look("png-matte")
    begun, may_end = threading.Event(), threading.Event()
    made: list[int] = []

    def picture(_: Project, frame_idx: int, *__: Any) -> Pixels:
        made.append(frame_idx)
        begun.set()
        assert may_end.wait(SECONDS)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(live, "picture", picture)
    with ThreadPoolExecutor(4) as pool:

        def ask(frame_idx: int, *, is_of_run: bool = False) -> Future[Pixels | None]:
            before = live._newest
            asked = pool.submit(
                live.in_turn, clip.project, frame_idx, "proxy", wanted, is_of_run=is_of_run
            )
            until = time.monotonic() + SECONDS
            while not is_of_run and live._newest is before and time.monotonic() < until:
                time.sleep(0.001)
            return asked

        first = ask(1)
        assert begun.wait(SECONDS)
        overtaken, last, of_run = ask(2), ask(3), ask(4, is_of_run=True)
        until = time.monotonic() + SECONDS
        while live._places and time.monotonic() < until:  # all are there
            time.sleep(0.001)
        assert live.in_turn(clip.project, 5, "proxy", wanted, is_of_run=True) is None
        assert made == [1]
        may_end.set()
        assert overtaken.result(SECONDS) is None
        assert all(each.result(SECONDS) is not None for each in (first, last, of_run))
    assert sorted(made) == [1, 3, 4]


def test_what_is_hidden_or_not_there_is_not_exported(clip: OpenClip, open_tab: Tab) -> None:
    plain = clip.pictures.pixels(FRAME, "full")
    wanted = look("overlay", effect="remove")
    assert np.array_equal(shown(clip, look("overlay", objects=[99], effect="remove")), plain)
    assert not np.array_equal(shown(clip, wanted), plain)
    open_tab.edit("hide_objects", objects=[1], hidden=True)
    assert np.array_equal(shown(clip, wanted), plain)
    assert not np.array_equal(shown(clip, look("overlay", objects=[99, 1], effect="remove")), plain)


def test_what_cannot_be_shown_is_refused(clip: OpenClip, tmp_path: Path) -> None:
    assert "coco" not in LIVE_FORMATS
    for wanted in (
        look("coco"),
        look("nothing"),
        look("overlay", strength=7),
        look("overlay", effect="replace"),
        look("overlay", effect="replace", background=str(tmp_path)),
    ):
        with pytest.raises(ExportError):
            shown(clip, wanted)
    with pytest.raises(ValueError, match="options"):
        Look.model_validate_json(json.dumps({"format": "overlay", "objects": "all"}))
