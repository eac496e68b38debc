"""RGB as it should be, and as ffmpeg makes it."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from sam2ov.errors import VideoOpenError
from sam2ov.video import ColorTags, PictureForm
from sam2ov.video.served import open_in_process
from tests.clips import CLIP_KINDS, Encoding, Scene, make_scene_with_alpha, write_clip, write_kind
from tests.video import ffmpeg

LUMA_WEIGHTS = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.BT2020: (0.2627, 0.0593),
}
"""Weights of red and blue (ITU-R BT.709, BT.601, BT.2020)."""

AVCOL_SPC = {Colorspace.ITU709: 1, Colorspace.ITU601: 6, Colorspace.BT2020: 9}


def flat_colors() -> NDArray[np.float64]:
    """Saturated, dull, dark and bright colours [6, 8, 3], 0…1."""
    rng = np.random.default_rng(5)
    colors = rng.uniform(0, 1, (6, 8, 3))
    colors[0] = [[i & 1, i >> 1 & 1, i >> 2] for i in range(8)]
    return colors


def to_yuv(
    rgb: NDArray[np.float64], matrix: Colorspace, *, full_range: bool, bits: int
) -> NDArray[np.int64]:
    """The textbook conversion, to integers."""
    red_weight, blue_weight = LUMA_WEIGHTS[matrix]
    red, green, blue = np.moveaxis(rgb, -1, 0)
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    chroma_blue = (blue - luma) / (2 - 2 * blue_weight)
    chroma_red = (red - luma) / (2 - 2 * red_weight)
    peak = 2**bits - 1
    unit = 2 ** (bits - 8)
    if full_range:
        planes = [luma * peak, chroma_blue * peak + 128 * unit, chroma_red * peak + 128 * unit]
    else:
        planes = [
            (16 + 219 * luma) * unit,
            (128 + 224 * chroma_blue) * unit,
            (128 + 224 * chroma_red) * unit,
        ]
    return np.clip(np.round(np.stack(planes)), 0, peak).astype(np.int64)


def write_flat_colors(
    path: Path, matrix: Colorspace, *, full_range: bool, bits: int, pix_fmt: str
) -> Path:
    """A lossless clip of one frame: squares of 16×16 pixels in exactly known YUV."""
    planes = to_yuv(flat_colors(), matrix, full_range=full_range, bits=bits)
    frame = av.VideoFrame(128, 96, pix_fmt)
    dtype = np.uint8 if bits == 8 else np.uint16
    for plane, values in zip(frame.planes, planes, strict=True):
        scale = 16 * plane.width // 128, 16 * plane.height // 96
        rows = np.zeros((plane.height, plane.line_size // np.dtype(dtype).itemsize), dtype)
        rows[:, : plane.width] = np.kron(values, np.ones(scale[::-1], np.int64))
        plane.update(rows.tobytes())
    path = path.with_suffix(".mkv")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
        stream.codec_context.colorspace = AVCOL_SPC[matrix]
        stream.codec_context.color_range = ColorRange.JPEG if full_range else ColorRange.MPEG
        frame.colorspace = AVCOL_SPC[matrix]
        frame.color_range = ColorRange.JPEG if full_range else ColorRange.MPEG
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize("matrix", LUMA_WEIGHTS, ids=lambda matrix: matrix.name)
@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("pix_fmt", "bits"),
    [("yuv420p", 8), ("yuv444p", 8), ("yuv422p", 8), ("yuv420p10le", 10), ("yuv444p12le", 12)],
)
def test_colors_are_right(
    matrix: Colorspace, full_range: bool, pix_fmt: str, bits: int, tmp_path: Path
) -> None:
    path = write_flat_colors(
        tmp_path / "flat", matrix, full_range=full_range, bits=bits, pix_fmt=pix_fmt
    )
    with open_in_process(path) as reader:
        assert reader.info.color.full_range is full_range
        assert reader.info.color.matrix == AVCOL_SPC[matrix]
        centres = reader[0][8::16, 8::16]
    error = centres - flat_colors() * 255
    # Rounding YUV to integers costs up to two levels of blue; a wrong matrix or range ten and more.
    assert np.abs(error).max() < 2.5
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.5, "no colour cast"


EXACT = "flags=bilinear+accurate_rnd+full_chroma_int"


@pytest.mark.parametrize(
    "kind",
    [
        "h264-mp4",
        "h264-10bit",
        "h264-444",
        "h264-full-range",
        "h264-bt601",
        "hevc-10bit",
        "vp9-webm",
        "av1-mkv",
        "prores-mov",
        "mjpeg-avi",
        "mpeg2-ts",
        "ffv1-mkv",
        "png-mov",
    ],
)
def test_colors_agree_with_ffmpeg(kind: str, tmp_path: Path, scene: Scene) -> None:
    assert kind in CLIP_KINDS
    path = write_kind(kind, tmp_path / "clip", scene.frames[:4])
    # zimg knows where the chroma samples of 4:2:0 lie; older versions of swscale did not. Where it
    # is not tagged (4:2:2, VP9, AV1) the two guess differently.
    careful = {
        "prores-mov": f"scale={EXACT}",
        "vp9-webm": "scale=flags=bicubic+accurate_rnd+full_chroma_int",
        "av1-mkv": "scale=flags=bicubic+accurate_rnd+full_chroma_int",
    }
    exact = careful.get(kind, "zscale=f=bilinear,format=gbrp")
    carefully = ffmpeg.decode_rgb(path, (96, 128), exact)
    by_default = ffmpeg.decode_rgb(path, (96, 128))
    with open_in_process(path) as reader:
        frames = np.stack(list(reader)).astype(int)
    assert np.abs(frames - carefully).mean() <= 1
    # Its shortcut takes the nearest chroma sample and is one or two levels too dark.
    assert np.abs(frames - by_default).mean() <= 3


@pytest.mark.parametrize(
    ("size_hw", "matrix"), [((96, 128), "bt601"), ((578, 64), "bt709"), ((16, 1280), "bt709")]
)
def test_untagged_colors_are_guessed_by_size_as_players_do(
    size_hw: tuple[int, int], matrix: str, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, size_hw[0] // 2, size_hw[1] // 2, 3))
    frames = np.kron(noise, np.ones((1, 2, 2, 1), np.int64)).astype(np.uint8)
    path = write_clip(
        tmp_path / "untagged", frames, Encoding(".mkv", "ffv1", "yuv444p", untagged=True)
    )
    expected = ffmpeg.decode_rgb(
        path, size_hw, f"scale=in_color_matrix={matrix}:in_range=limited:{EXACT}"
    )
    with open_in_process(path) as reader:
        assert reader.info.color.matrix == ColorTags().matrix
        assert np.abs(reader[0].astype(int) - expected[0]).mean() <= 1


def test_what_is_transparent_is_black_and_its_colour_kept_for_who_wants_it(tmp_path: Path) -> None:
    frames = make_scene_with_alpha(3)
    path = write_kind("prores-4444", tmp_path / "clip", frames)
    with open_in_process(path) as reader:
        assert reader.info.has_alpha
        shown = frames[1, ..., :3] * (frames[1, ..., 3:] > 127)
        assert np.abs(reader[1].astype(int) - shown).mean() < 1
        with reader.twin(cache_bytes=0, form=PictureForm(has_alpha=True)) as whole:
            assert np.abs(whole[1].astype(int) - frames[1]).mean() < 1


def test_matrices_that_cannot_be_converted_are_refused(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "ycgco.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.colorspace = 8
        frame = av.VideoFrame.from_ndarray(scene.frames[0]).reformat(format="yuv420p")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(VideoOpenError, match="matrix 8 of ISO/IEC 23091-2"):
        open_in_process(path)
