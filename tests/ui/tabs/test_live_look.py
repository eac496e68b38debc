"""What the stage shows of an export before it is written is what the export writes."""

import io
import json
import zipfile
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
from sam2ov.ui.contract.queries import Look
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.live_look import LIVE_FORMATS, LiveLooks
from tests.ui.conftest import Tab

FRAME = 3
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


def test_small_pictures_look_alike(clip: OpenClip) -> None:
    live, wanted = LiveLooks(clip.info, clip.pictures), look("png-matte")
    large = live.picture(clip.project, FRAME, "full", wanted)
    small = live.picture(clip.project, FRAME, "proxy", wanted)
    assert abs(large.mean() - small.mean()) < 6


def test_what_is_hidden_or_not_there_is_not_exported(clip: OpenClip, open_tab: Tab) -> None:
    plain = clip.pictures.pixels(FRAME, "full")
    wanted = look("overlay", effect="remove")
    assert np.array_equal(shown(clip, look("overlay", objects=99, effect="remove")), plain)
    assert not np.array_equal(shown(clip, wanted), plain)
    open_tab.edit("hide_objects", objects=[1], hidden=True)
    assert np.array_equal(shown(clip, wanted), plain)
    assert not np.array_equal(shown(clip, look("overlay", objects=1, effect="remove")), plain)


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
