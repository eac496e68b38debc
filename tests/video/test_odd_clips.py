"""Clips as cameras, broadcasts and other programs make them, by their right facts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from sam2ov.cli import app
from sam2ov.errors import FrameDecodeError
from sam2ov.video import PictureForm
from sam2ov.video.interlacing import order_of
from sam2ov.video.served import open_in_process
from tests.video import ffmpeg
from tools.odd_clips.clips import CLIPS
from tools.odd_clips.making import OddClip, make

if shutil.which("ffmpeg") is None:
    pytest.skip("ffmpeg is not installed: no odd clips", allow_module_level=True)

RUNNER = CliRunner()
COMBED = [name for name, clip in CLIPS.items() if clip.combed]
SHOWN = [name for name, clip in CLIPS.items() if clip.pixels]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


def made(name: str, folder: Path) -> Path:
    clip = CLIPS[name]
    path = folder / (name if "%" in clip.file else clip.file)
    return path if path.exists() else make(clip, folder)


@pytest.mark.parametrize("name", CLIPS)
def test_probe_says_what_is_true(name: str, folder: Path) -> None:
    path = made(name, folder)
    done = RUNNER.invoke(app, ["probe", str(path), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    described = json.loads((folder / f"{path.stem}.json").read_text())
    assert {fact: said[fact] for fact in described["facts"]} == dict(CLIPS[name].facts)


@pytest.mark.parametrize("name", SHOWN)
def test_colours_are_shown_as_they_are_meant(name: str, folder: Path) -> None:
    whole = PictureForm(has_alpha=True)
    with (
        open_in_process(made(name, folder)) as reader,
        reader.twin(cache_bytes=0, form=whole) as rgba,
        reader.twin(cache_bytes=0, form=PictureForm(is_deep=True, has_alpha=True)) as deep,
    ):
        for pixel in CLIPS[name].pixels:
            shown = reader.read(3)[pixel.y, pixel.x].astype(int)
            assert np.abs(shown - pixel.rgb).max() <= pixel.tolerance
            stored = rgba.read(3)[pixel.y, pixel.x].astype(int)
            assert abs(stored[3] - pixel.alpha) <= min(pixel.tolerance, 4)
            finely = deep.read_deep(3)[pixel.y, pixel.x] / 257
            assert np.abs(finely - stored).max() <= 1.5
        if reader.info.color.hdr is not None:
            with reader.twin(cache_bytes=0, form=PictureForm(keeps_hdr=True)) as kept:
                assert kept.read(3)[180, 320, 0] < 200, "flat, as it is stored"


def combing(picture: NDArray[np.uint8]) -> int:
    """How many pixels differ from the lines above and below them, both ways alike."""
    luma = picture.mean(axis=2)
    above, below = luma[1:-1] - luma[:-2], luma[1:-1] - luma[2:]
    is_combed = (np.minimum(np.abs(above), np.abs(below)) > 30) & (above * below > 0)
    # A line may be there by itself; a comb goes on.
    return int((is_combed[2:-2] & is_combed[:-4] & is_combed[4:]).sum())


@pytest.mark.parametrize("name", COMBED)
def test_fields_are_made_whole_pictures(name: str, folder: Path) -> None:
    path = made(name, folder)
    with (
        open_in_process(path) as reader,
        open_in_process(path, field_order="off") as stored,
    ):
        assert len(reader) == len(stored) == 25
        assert not stored.info.is_deinterlaced
        whole, combed = combing(reader.read(12)), combing(stored.read(12))
        assert combed > 150
        assert whole < combed / 10


@pytest.mark.parametrize("name", ["fields-mpeg2", "fields-h264-mkv", "fields-dv"])
def test_any_order_of_reading_gives_the_same_pictures(name: str, folder: Path) -> None:
    path = made(name, folder)
    with open_in_process(path, cache_bytes=0) as reader:
        in_order = list(reader.iter_frames())
        assert len(in_order) == 25
        for frame_idx in (24, 0, 12, 13, 11, 23, 24, 1):
            assert np.array_equal(reader.read(frame_idx), in_order[frame_idx]), frame_idx
    with open_in_process(path) as reader:
        for frame_idx, frame in zip(range(24, -1, -1), reader.iter_frames(step=-1), strict=True):
            assert np.array_equal(frame, in_order[frame_idx]), frame_idx


@pytest.mark.parametrize("name", ["flagged-mpeg2", "flagged-h264", "flagged-dv"])
def test_whole_pictures_stay_untouched(name: str, folder: Path) -> None:
    path = made(name, folder)
    with open_in_process(path) as reader, open_in_process(path, field_order="off") as stored:
        assert np.array_equal(reader.read(12), stored.read(12))
    with open_in_process(path, field_order="tff") as reader:
        assert reader.info.is_deinterlaced
        assert reader.info.treatment[-1] == "interlaced (top field first): deinterlaced with bwdif"


@pytest.mark.parametrize("name", ["ramp-ffv1", "ramp-hevc", "ramp-prores"])
def test_every_code_of_ten_bits_is_read(name: str, folder: Path) -> None:
    with (
        open_in_process(made(name, folder)) as reader,
        reader.twin(cache_bytes=0, form=PictureForm(is_deep=True)) as deep,
    ):
        row = deep.read_deep(1)[32, :877, 1].astype(float)
        expected = np.arange(877) / 876 * 65535
        tolerance = 80 if name != "ramp-prores" else 400
        assert np.abs(row - expected).max() < tolerance
        assert (row[0], row[-1]) == pytest.approx((0, 65535), abs=tolerance)
        assert len(np.unique(row)) == 877 or name == "ramp-prores"


def test_what_cannot_be_deinterlaced_is_told(tmp_path: Path) -> None:
    tiny = ("-f", "lavfi", "-i", "color=s=64x2:r=25:d=0.2", "-pix_fmt", "yuv444p", "-c:v", "ffv1")
    path = make(OddClip("tiny.mkv", "two lines", tiny), tmp_path)
    with open_in_process(path) as reader:
        assert reader.read(1).shape == (2, 64, 3)
    with (
        open_in_process(path, field_order="tff") as reader,
        pytest.raises(FrameDecodeError, match="--field-order off"),
    ):
        reader.read(1)


def test_pictures_of_other_sizes_tell_nothing() -> None:
    assert order_of(np.zeros((8, 8), np.float32), np.ones((8, 10), np.float32)) is None


def test_titles_that_scroll_by_a_line_are_whole_pictures(tmp_path: Path) -> None:
    lines = np.full((700, 720), 16)
    lines[::24, 100:600] = 216  # as thin as strokes of letters
    raw = b"".join(
        np.ascontiguousarray(lines[at : at + 576], dtype=np.uint8).tobytes() for at in range(40)
    )
    (tmp_path / "raw").write_bytes(raw)
    how = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", "720x576", "-r", "25", "-i")
    path = tmp_path / "titles.mkv"
    ffmpeg.run("ffmpeg", *how, tmp_path / "raw", "-c:v", "ffv1", path)
    with open_in_process(path) as reader:
        assert reader.info.field_order == "progressive"


def test_turned_pixels_lie_on_their_side(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    turn = ("-c", "copy", "-metadata:s:v:0", "rotate=90")
    ffmpeg.run("ffmpeg", "-i", made("wide-h264", folder), *turn, path)
    with open_in_process(path) as reader:
        if not reader.info.rotation:
            pytest.skip("this ffmpeg does not turn clips by their metadata")
        assert reader.size_hw == (720, 576)
        assert reader.info.display_size == (405, 720)
        square = PictureForm(is_square=True)
        with reader.twin(cache_bytes=0, form=square) as shown:
            assert shown.read(1).shape == (720, 405, 3)
