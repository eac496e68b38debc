"""What comes of clips with other pixels, fields, light, alpha or bits, in every format."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sam2ov.export import FORMATS
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import PictureForm, open_video
from tests.export.conftest import settings_of
from tests.export.test_stills import read_exr
from tests.video import ffmpeg
from tools.odd_clips.clips import CLIPS
from tools.odd_clips.making import make

if shutil.which("ffmpeg") is None:
    pytest.skip("ffmpeg is not installed: no odd clips", allow_module_level=True)

DOG = (ClipObject(1, "dog", "#4f9dff"),)
FRAMES = range(3)
VIDEOS = {
    "overlay": ".mp4",
    "matte": ".mp4",
    "alpha-prores": ".mov",
    "alpha-vp9": ".webm",
    "alpha-ffv1": ".mkv",
}
STILLS = ("png-matte", "png-rgba", "masks", "exr")
ALPHA = ("alpha-prores", "alpha-vp9", "alpha-ffv1", "png-rgba")
RGBA = PictureForm(has_alpha=True)


@dataclass
class Half:
    """One object, which covers all but the uppermost quarter."""

    size_hw: tuple[int, int]
    num_frames: int
    obj_ids: tuple[int, ...] = (1,)

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        logits = np.full((1, *size_hw), np.float32(5))
        logits[:, : size_hw[0] // 4] = -5
        return logits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


def made(name: str, folder: Path) -> Path:
    clip = CLIPS[name]
    path = folder / (name if "%" in clip.file else clip.file)
    return path if path.exists() else make(clip, folder)


def export(clip: Path, kind: str, place: Path, options: Any = None, **common: Any) -> Path:
    with open_video(clip) as reader:
        masks = TrackedMasks(Half(reader.size_hw, len(reader)), DOG, FRAMES)
        source = ExportSource.of(clip.name, reader, masks)
        path = place / f"out{VIDEOS.get(kind, '')}"
        settings = settings_of(kind, options or {}, common)
        run_export(FORMATS[kind], [source], path, settings)
    return path


def rgba_of(path: Path) -> NDArray[np.uint8]:
    with open_video(path) as reader, reader.twin(cache_bytes=0, form=RGBA) as whole:
        return whole.read(1)


# ---- Pixels that are not square


@pytest.mark.parametrize("kind", VIDEOS)
def test_videos_say_the_shape_of_their_pixels(kind: str, folder: Path, tmp_path: Path) -> None:
    path = export(made("wide-h264", folder), kind, tmp_path)
    stream = ffmpeg.stream(path)
    assert (stream["width"], stream["height"]) == (720, 576)
    assert stream["sample_aspect_ratio"] == "64:45"
    with open_video(path) as reader:
        assert reader.info.display_size == (1024, 576)
        assert len(reader) == 3


@pytest.mark.parametrize("kind", STILLS)
def test_stills_say_the_shape_of_their_pixels(kind: str, folder: Path, tmp_path: Path) -> None:
    options = {"picture": True} if kind == "exr" else None
    path = export(made("wide-h264", folder), kind, tmp_path, options)
    pictures = path / "001" if kind == "masks" else path
    with open_video(pictures) as reader:
        assert reader.size_hw == (576, 720)
        assert reader.info.pixel_aspect == pytest.approx(64 / 45, abs=1e-4) or kind == "exr"
    if kind == "exr":
        content = next(pictures.iterdir()).read_bytes()
        assert np.float32(64 / 45).tobytes() in content


@pytest.mark.parametrize("kind", [*VIDEOS, *STILLS])
def test_square_pixels(kind: str, folder: Path, tmp_path: Path) -> None:
    options = {"picture": True} if kind == "exr" else None
    path = export(made("wide-h264", folder), kind, tmp_path, options, square_pixels=True)
    pictures = path / "001" if kind == "masks" else path
    with open_video(pictures) as reader, reader.twin(cache_bytes=0, form=RGBA) as whole:
        assert reader.size_hw == (576, 1024)
        assert reader.info.sample_aspect_ratio == 1
        picture = whole.read(0)
    if kind in ALPHA:
        assert (picture[..., 3] > 127).sum() == pytest.approx(432 * 1024, rel=0.01)


@pytest.mark.parametrize("kind", ["davis", "yolo", "dataset", "mots"])
def test_pictures_of_annotations_say_it_too(kind: str, folder: Path, tmp_path: Path) -> None:
    options = {"images": True} if kind == "davis" else None
    path = export(made("wide-h264", folder), kind, tmp_path, options)
    pictures = [file for file in path.rglob("*") if file.suffix in {".png", ".jpg"}]
    assert len(pictures) >= 3
    for picture in pictures:
        with open_video(picture) as reader:
            assert reader.info.pixel_aspect == pytest.approx(64 / 45, abs=1e-3), picture


def test_annotations_with_square_pixels_fit_their_pictures(folder: Path, tmp_path: Path) -> None:
    path = export(made("wide-h264", folder), "yolo", tmp_path, square_pixels=True)
    picture = next(path.rglob("*.jpg"))
    with Image.open(picture) as image:
        assert image.size == (1024, 576)


# ---- Fields


@pytest.mark.parametrize("kind", ["overlay", "alpha-ffv1"])
def test_results_are_whole_pictures(kind: str, folder: Path, tmp_path: Path) -> None:
    clip = made("fields-mpeg2", folder)
    path = export(clip, kind, tmp_path)
    assert ffmpeg.stream(path).get("field_order", "progressive") == "progressive"
    with open_video(clip) as source, open_video(path) as written:
        shown, stored = source.read(1), written.read(1)
        assert source.info.is_deinterlaced
        assert not written.info.is_deinterlaced
        assert np.abs(shown[:100].astype(int) - stored[:100]).mean() < 4 or kind != "overlay"
    with open_video(clip, field_order="off") as source:
        assert np.abs(source.read(1).astype(int) - shown).max() > 100


# ---- HDR


@pytest.mark.parametrize("name", ["hdr-hlg", "hdr-pq"])
@pytest.mark.parametrize("kind", [*VIDEOS, "png-rgba"])
def test_hdr_is_shown_as_sdr_and_says_so(
    name: str, kind: str, folder: Path, tmp_path: Path
) -> None:
    path = export(made(name, folder), kind, tmp_path, {"fill": 0} if kind == "overlay" else None)
    if kind in VIDEOS:
        tags = ffmpeg.stream(path)
        assert tags.get("color_transfer") in {None, "bt709"}
        assert tags.get("color_primaries") in {None, "bt709"}
        assert tags.get("color_space") in {None, "bt709", "gbr"}
    if kind != "matte":
        shown = rgba_of(path)[180, 320, :3].astype(int)
        assert np.abs(shown - (255, 211, 0)).max() <= 25


@pytest.mark.parametrize("kind", ["alpha-prores", "alpha-ffv1"])
@pytest.mark.parametrize(
    ("name", "transfer"), [("hdr-hlg", "arib-std-b67"), ("hdr-pq", "smpte2084")]
)
def test_hdr_may_be_kept(name: str, transfer: str, kind: str, folder: Path, tmp_path: Path) -> None:
    clip = made(name, folder)
    path = export(clip, kind, tmp_path, {"hdr": "kept"})
    tags = ffmpeg.stream(path)
    assert (tags["color_transfer"], tags["color_primaries"]) == (transfer, "bt2020")
    as_stored = PictureForm(keeps_hdr=True, is_deep=True)
    with (
        open_video(clip) as source,
        open_video(path) as written,
        source.twin(cache_bytes=0, form=as_stored) as before,
        written.twin(cache_bytes=0, form=as_stored) as after,
    ):
        assert written.info.bits >= 10
        apart = before.read_deep(1)[180, 320].astype(int) - after.read_deep(1)[180, 320]
        assert np.abs(apart).max() < 3 * 64, "three steps of 10 bits"


# ---- Alpha


@pytest.mark.parametrize("kind", ALPHA)
@pytest.mark.parametrize(
    "name",
    ["alpha-prores", "alpha-png", "alpha-ffv1", "alpha-vp9", "alpha-frames", "alpha"],
)
def test_alpha_is_the_clips_times_the_masks(
    name: str, kind: str, folder: Path, tmp_path: Path
) -> None:
    clip = made(name, folder)
    path = export(clip, kind, tmp_path)
    with open_video(clip) as reader, reader.twin(cache_bytes=0, form=RGBA) as source:
        own = source.read(1)[..., 3].astype(int)
    assert own.min() == 0
    alpha = rgba_of(path)[..., 3].astype(int)
    assert alpha[:58].max() <= 4, "there is no object"
    difference = np.abs(alpha - own)[64:]
    difference[:, 70:90] = difference[:, 150:170] = 0  # codecs soften edges
    assert difference.max() <= 6


def test_cryptomatte_is_as_transparent_as_the_clip(folder: Path, tmp_path: Path) -> None:
    path = export(made("alpha-frames", folder), "cryptomatte", tmp_path)
    content = sorted(path.iterdir())[1].read_bytes()
    _, channels = read_exr(content, tmp_path)
    covered = channels["A"].astype(np.float32)
    with (
        open_video(made("alpha-frames", folder)) as reader,
        reader.twin(cache_bytes=0, form=RGBA) as whole,
    ):
        alpha = whole.read(1)[..., 3].astype(np.float32) / 255
    below = slice(covered.shape[0] // 4 + 2, None)
    assert alpha[below].min() == 0
    np.testing.assert_allclose(covered[below], alpha[below], atol=2e-3)


@pytest.mark.parametrize("name", ["alpha-prores", "alpha-vp9", "alpha-frames"])
def test_hidden_colours_stay_hidden(name: str, folder: Path, tmp_path: Path) -> None:
    path = export(made(name, folder), "overlay", tmp_path, {"fill": 0, "outline": 0})
    with open_video(path) as reader:
        shown = reader.read(1)[:, :70]
    assert shown.max() < 24, "black, not yellow"


def test_layers_are_as_transparent_as_the_clip(folder: Path, tmp_path: Path) -> None:
    path = export(made("alpha-frames", folder), "exr", tmp_path, {"picture": True})
    with open_video(path) as reader, reader.twin(cache_bytes=0, form=RGBA) as layers:
        alpha = layers.read(0)[200, :, 3]
    assert alpha[[40, 120, 280]].tolist() == pytest.approx([0, 128, 255], abs=60)
    assert alpha[40] == 0
    assert alpha[280] == 255


# ---- More than 8 bits


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("alpha-prores", {"hidden": True}),
        ("alpha-ffv1", {"hidden": True}),
        ("png-rgba", {"hidden": True}),
        ("overlay", {"codec": "h265-10", "fill": 0, "outline": 0, "crf": 0}),
    ],
)
@pytest.mark.parametrize("name", ["ramp-ffv1", "ramp-hevc"])
def test_ten_bits_stay_ten_bits(
    name: str, kind: str, options: dict[str, object], folder: Path, tmp_path: Path
) -> None:
    path = export(made(name, folder), kind, tmp_path, options)
    with (
        open_video(path) as reader,
        reader.twin(cache_bytes=0, form=PictureForm(is_deep=True)) as deep,
        reader.twin(cache_bytes=0, form=PictureForm(is_deep=True, has_alpha=True)) as whole,
    ):
        assert reader.info.bits >= 10
        picture = (deep if kind == "overlay" else whole).read_deep(1)
    expected = np.arange(877) / 876 * 65535
    row = picture[40, :877, 1].astype(float)
    steps = {"png-rgba": 1, "alpha-ffv1": 1}.get(kind, 6)
    assert np.abs(row - expected).max() <= steps * 66
    if kind in {"png-rgba", "alpha-ffv1"}:
        assert len(np.unique(row)) == 877
    else:
        # Of the 105 codes that 8 bits would make 31 of.
        assert len(np.unique(row[300:405])) > 80


def test_a_picture_in_linear_light_has_all_bits(folder: Path, tmp_path: Path) -> None:
    options = {"picture": True, "compression": "none"}
    path = export(made("ramp-ffv1", folder), "exr", tmp_path, options)
    with (
        open_video(path) as reader,
        reader.twin(cache_bytes=0, form=PictureForm(is_deep=True)) as deep,
    ):
        row = deep.read_deep(0)[40, 200:877, 1]
    assert len(np.unique(row)) > 600, "of 677; 8 bits have 197"


def test_eight_bits_stay_eight_bits(folder: Path, tmp_path: Path) -> None:
    path = export(made("wide-h264", folder), "png-rgba", tmp_path)
    picture = cv2.imread(str(next(path.iterdir())), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.dtype == np.uint8


# ---- Odd sizes


@pytest.mark.parametrize("kind", [*VIDEOS, "png-rgba"])
def test_odd_sizes_stay_where_codecs_have_them(kind: str, folder: Path, tmp_path: Path) -> None:
    clip = made("odd-size", folder)
    path = export(clip, kind, tmp_path)
    is_padded = VIDEOS.get(kind) == ".mp4"
    with open_video(path) as reader:
        assert reader.size_hw == ((482, 854) if is_padded else (481, 853))
