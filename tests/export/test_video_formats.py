"""Facts about every video format, by ffprobe and PyAV: codecs, times, sound, colours, alpha."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import ColorRange, Colorspace

from sam2ov.export import FORMATS
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.clean_up import CleanUp
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import open_video
from tests import clips
from tests.clips import Scene
from tests.export.conftest import OBJECTS, StoredLogits, Write, settings_of
from tests.video import ffmpeg


@dataclass(frozen=True)
class Facts:
    """What a format is made of; ``sound`` by the codec of the source's."""

    suffix: str
    codec: str
    pixel_format: str
    sound: dict[str, str | None]
    options: tuple[tuple[str, object], ...] = ()


VIDEOS = {
    "overlay": Facts(".mp4", "h264", "yuv420p", {"aac": "aac", "libopus": "opus"}),
    "overlay-h265": Facts(
        ".mp4", "hevc", "yuv420p", {"aac": "aac", "libopus": "opus"}, (("codec", "h265"),)
    ),
    "matte": Facts(".mp4", "h264", "yuv420p", {"aac": None}),
    "matte-10": Facts(".mp4", "hevc", "yuv420p10le", {"aac": None}, (("bits", "10"),)),
    "alpha-prores": Facts(".mov", "prores", "yuva444p12le", {"aac": "aac", "libopus": "pcm_s16le"}),
    "alpha-vp9": Facts(".webm", "vp9", "yuv420p", {"aac": "opus", "libopus": "opus"}),
    "alpha-ffv1": Facts(".mkv", "ffv1", "bgra", {"aac": "aac", "libopus": "opus"}),
}
"""ffprobe does not tell of VP9's alpha in the pixel format, but in a tag."""

ALPHA = ("alpha-prores", "alpha-vp9", "alpha-ffv1")


def name_of(case: str) -> str:
    return case if case in FORMATS else case.rpartition("-")[0]


def rgba_of(path: Path) -> npt.NDArray[np.uint8]:
    """All frames, [T, H, W, 4]."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        if context.name == "vp9":  # FFmpeg's own decoder leaves alpha out
            context = av.CodecContext.create("libvpx-vp9", "r")
        pictures = []
        for packet in container.demux(stream):
            pictures += context.decode(packet if packet.size else None)
    return np.stack([picture.to_ndarray(format="rgba").astype(np.uint8) for picture in pictures])


def iou(one: BoolArray, other: BoolArray) -> float:
    return float((one & other).sum() / (one | other).sum())


def export(
    case: str,
    folder: Path,
    clip: Path,
    logits: FloatArray,
    frames: range | None = None,
    objects: tuple[ClipObject, ...] = OBJECTS,
    options: dict[str, object] | None = None,
) -> Path:
    facts = VIDEOS[case]
    name = name_of(case)
    with open_video(clip) as reader:
        masks = TrackedMasks(StoredLogits(logits), objects, frames)
        source = ExportSource.of(clip.name, reader, masks)
        settings = settings_of(name, dict(facts.options) | (options or {}), {})
        (path,) = run_export(FORMATS[name], [source], folder / f"out{facts.suffix}", settings)
    return path


@pytest.mark.parametrize("case", VIDEOS)
def test_codec_times_and_sound(write: Write, clip: Path, tmp_path: Path, case: str) -> None:
    facts = VIDEOS[case]
    place = tmp_path / f"out{facts.suffix}"
    (path,) = write(name_of(case), place, options=dict(facts.options))
    stream = ffmpeg.stream(path)
    assert (stream["codec_name"], stream["pix_fmt"]) == (facts.codec, facts.pixel_format)
    if case == "alpha-vp9":
        assert stream["tags"]["alpha_mode"] == "1"
    times = ffmpeg.frame_times(clip)
    assert ffmpeg.frame_times(path) == times, "of uneven length, in milliseconds"
    source = float(ffmpeg.probe(clip, "-show_format")["format"]["duration"])
    written = float(ffmpeg.probe(path, "-show_format")["format"]["duration"])
    assert abs(source - written) < float(max(b - a for a, b in pairwise(times)))
    streams = ffmpeg.probe(path, "-show_streams")["streams"]
    sound = [one for one in streams if one["codec_type"] == "audio"]
    assert [one["codec_name"] for one in sound] == [c for c in [facts.sound["aac"]] if c]
    if facts.sound["aac"] == "aac":
        before = [one["data_hash"] for one in ffmpeg.packets(clip, "a")]
        copied = [one["data_hash"] for one in ffmpeg.packets(path, "a")]
        # Matroska has no edit list to hide what comes before the first frame.
        assert copied == before[len(before) - len(copied) :], "bit by bit"
        assert len(before) - len(copied) <= (facts.suffix == ".mkv")


@pytest.mark.parametrize("case", ["overlay", *ALPHA])
@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30000, 1001)], ids=str)
def test_rates_and_other_sound(
    scene: Scene, logits: FloatArray, tmp_path: Path, case: str, fps: Fraction
) -> None:
    how = clips.Encoding(".mkv", fps=fps, audio="libopus", options={"preset": "ultrafast"})
    clip = clips.write_clip(tmp_path / "clip", scene.frames, how)
    path = export(case, tmp_path, clip, logits, range(6))
    times = ffmpeg.frame_times(path)
    # Matroska and WebM count in milliseconds, and so did this source.
    assert all(abs(time - number / fps) <= Fraction(1, 1000) for number, time in enumerate(times))
    assert len(times) == 6
    assert ffmpeg.stream(path, "a")["codec_name"] == VIDEOS[case].sound["libopus"]


def test_an_exact_rate_stays_exact(scene: Scene, logits: FloatArray, tmp_path: Path) -> None:
    fps = Fraction(24000, 1001)
    clip = clips.write_clip(tmp_path / "clip", scene.frames, clips.Encoding(fps=fps))
    for case in ("overlay", "matte-10", "alpha-prores"):
        path = export(case, tmp_path, clip, logits, range(5))
        assert ffmpeg.frame_times(path) == [i / fps for i in range(5)]
        assert Fraction(ffmpeg.stream(path)["avg_frame_rate"]) == fps


@pytest.mark.parametrize("case", ALPHA)
def test_alpha_is_the_mask(write: Write, logits: FloatArray, tmp_path: Path, case: str) -> None:
    (path,) = write(case, tmp_path / f"out{VIDEOS[case].suffix}")
    alpha = rgba_of(path)[..., 3]
    masks = logits.max(axis=1) > 0
    if FORMATS[case].is_lossless:
        np.testing.assert_array_equal(alpha, masks * 255)
    for got, mask in zip(alpha, masks, strict=True):
        if mask.any():
            assert iou(got > 127, mask) >= 0.995
        else:
            assert got.max() <= 2


@pytest.mark.parametrize("case", ALPHA)
def test_without_the_objects(write: Write, logits: FloatArray, tmp_path: Path, case: str) -> None:
    place = tmp_path / f"out{VIDEOS[case].suffix}"
    (path,) = write(case, place, options={"keep": "background"}, frames=range(2))
    assert iou(rgba_of(path)[0, ..., 3] > 127, ~(logits[0].max(axis=0) > 0)) >= 0.995


def test_ffv1_has_the_pixels_of_the_clip(
    write: Write, clip: Path, logits: FloatArray, tmp_path: Path
) -> None:
    with open_video(clip) as reader:
        frame = reader.read(3).copy()
    mask = logits[3].max(axis=0) > 0
    common = {"frames": range(3, 4)}
    (path,) = write("alpha-ffv1", tmp_path / "a.mkv", **common)
    rgba = rgba_of(path)[0]
    np.testing.assert_array_equal(rgba[mask, :3], frame[mask])
    assert (rgba[~mask, :3] == 0).all(axis=1).mean() > 0.2, "nothing is hidden in it"
    (path,) = write("alpha-ffv1", tmp_path / "b.mkv", options={"hidden": True}, **common)
    np.testing.assert_array_equal(rgba_of(path)[0, ..., :3], frame)
    (path,) = write("alpha-ffv1", tmp_path / "c.mkv", options={"premultiplied": True}, **common)
    np.testing.assert_array_equal(rgba_of(path)[0, ..., :3], frame * mask[..., None])


@pytest.mark.parametrize(("case", "levels"), [("matte", 256), ("matte-10", 1024)])
def test_soft_mattes(
    clip: Path, logits: FloatArray, tmp_path: Path, case: str, levels: int
) -> None:
    soft = tuple(replace(o, clean_up=CleanUp(feather=40)) for o in OBJECTS)
    path = export(case, tmp_path, clip, logits, range(1), soft)
    with open_video(clip) as reader:
        masks = TrackedMasks(StoredLogits(logits), soft)
        wanted = np.maximum(masks.matte(0, soft[0]), masks.matte(0, soft[1]))
        assert reader.size_hw == wanted.shape
    with av.open(str(path)) as container:
        (picture,) = container.decode(video=0)
        luma = np.asarray(picture.to_ndarray()[:96].astype(np.float64))
    found = (luma - levels / 16) / (levels * 219 / 256)
    assert np.abs(found - wanted).mean() < 0.004
    assert np.abs(found[wanted == 1] - 1).max() < 0.02
    if levels == 1024:
        assert len(np.unique(luma)) > 230, "finer than 8 bits"


MATRICES = {Colorspace.ITU709: "bt709", Colorspace.ITU601: "smpte170m"}


@pytest.mark.parametrize("case", ["overlay", "overlay-h265", *ALPHA])
@pytest.mark.parametrize("matrix", MATRICES, ids=lambda matrix: matrix.name)
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_untouched_pixels_keep_their_colours(
    matrix: Colorspace, color_range: ColorRange, tmp_path: Path, case: str
) -> None:
    """Decoded by PyAV, as decoded from the source: within 1 of 255 on average, without a cast."""
    colours = np.random.default_rng(1).integers(16, 240, (6, 8, 3)).astype(np.uint8)
    frames = np.kron(colours, np.ones((16, 16, 1), np.uint8))[None].repeat(3, axis=0)
    how = clips.Encoding(
        pix_fmt="yuv444p", options={"qp": "0"}, colorspace=matrix, color_range=color_range
    )
    clip = clips.write_clip(tmp_path / "clip", frames, how)
    logits = np.full((3, 2, 96, 128), np.float32(-5))
    logits[:, 0, :32] = 5  # rows of blocks
    options: dict[str, object] = {"crf": 4} if "alpha" not in case or case == "alpha-vp9" else {}
    if "alpha" in case:
        options["keep"] = "background"
    path = export(case, tmp_path, clip, logits, options=options)
    stream = ffmpeg.stream(path)
    if case != "alpha-ffv1":
        assert stream["color_space"] == MATRICES[matrix]
        assert stream["color_range"] == "tv"
    with open_video(clip) as before, open_video(path) as after:
        # Middles of blocks: 4:2:0 cannot keep sharp edges between colours.
        error = after[1][40::16, 8::16].astype(int) - before[1][40::16, 8::16]
    assert np.abs(error).mean() <= 1
    assert np.abs(error.mean(axis=(0, 1))).max() <= 0.6, "no cast"


@pytest.mark.parametrize("case", VIDEOS)
def test_turned_clips_are_written_upright(scene: Scene, tmp_path: Path, case: str) -> None:
    clip = clips.write_kind("h264-rotate-90", tmp_path / "clip", scene.frames[:3])
    logits = np.full((3, 2, 96, 128), np.float32(-5))
    logits[:, :, 20:50, 30:90] = 5
    path = export(case, tmp_path, clip, logits)
    with open_video(path) as reader:
        assert reader.info.rotation == 0
        assert reader.size_hw == (96, 128)
    rgba = rgba_of(path)
    shown = rgba[0, ..., 3] > 127 if "alpha" in case else rgba[0, ..., 0] > 127
    if "overlay" not in case:
        assert iou(shown, logits[0, 0] > 0) > 0.99
