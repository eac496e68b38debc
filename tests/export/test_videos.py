"""Overlays and mattes, read back with PyAV: pictures, times and sound."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.errors import CancelledError, VideoWriteError
from sam2ov.export import FORMATS
from sam2ov.progress import Progress
from sam2ov.values.masks import FloatArray
from tests.clips import Scene, read_frame_number
from tests.export.conftest import EMPTY, OBJECTS, Write


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file as PyAV sees it; sound is one row per packet."""

    codec: str
    frames: npt.NDArray[np.uint8]
    seconds: list[Fraction]
    sound: list[bytes]


def decode(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = list(container.decode(stream))
        assert stream.time_base is not None
        times = [Fraction(picture.pts or 0) * stream.time_base for picture in pictures]
        frames: npt.NDArray[np.uint8] = np.stack(
            [picture.to_ndarray(format="rgb24").astype(np.uint8) for picture in pictures]
        )
        name = stream.codec_context.name
    with av.open(str(path)) as container:
        audio = container.streams.audio
        sound = [bytes(p) for p in container.demux(audio[0]) if p.size] if audio else []
    return Decoded(name, frames, times, sound)


def test_an_overlay_keeps_times_sound_and_background(
    write: Write, clip: Path, scene: Scene, logits: FloatArray, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    (path,) = write("overlay", tmp_path / "out.mp4", progress=seen.append)
    out, source = decode(path), decode(clip)
    assert out.codec == "h264"
    assert out.seconds == source.seconds
    assert out.sound == source.sound
    assert len(out.sound) > 50
    assert [read_frame_number(frame) for frame in out.frames] == list(range(24))
    masks = logits.max(axis=1) > 0
    far = ~grown(masks, 8)
    error = np.abs(out.frames.astype(int) - source.frames)[far]
    assert error.mean() < 3
    assert [(p.done, p.total) for p in seen] == [(done, 24) for done in range(1, 25)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


def grown(masks: npt.NDArray[np.bool_], by: int) -> npt.NDArray[np.bool_]:
    """[T, H, W] with everything within ``by`` pixels."""
    out = masks.copy()
    for axis in (1, 2):
        reach = out.copy()
        for shift in range(1, by + 1):
            reach |= np.roll(out, shift, axis) | np.roll(out, -shift, axis)
        out = reach
    return out


def test_an_overlay_paints_the_objects(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("overlay", tmp_path / "out.mp4", options={"fill": 1, "outline": 0})
    out = decode(path)
    first, second = np.moveaxis(logits > 0, 1, 0)
    labels = np.where(second, 2, np.where(first, 1, 0))  # the later one lies on top
    for number, target in enumerate(OBJECTS, 1):
        core = ~grown(labels != number, 4)
        assert core.sum() > 300
        difference = np.abs(out.frames[core].astype(int) - target.rgb)
        assert difference.mean() < 6, "up to the rounding of 4:2:0 and compression"


def test_a_range_begins_at_zero_with_its_own_frames_and_sound(
    write: Write, clip: Path, tmp_path: Path
) -> None:
    (path,) = write("overlay", tmp_path / "out.mp4", frames=range(6, 15))
    out, source = decode(path), decode(clip)
    assert [read_frame_number(frame) for frame in out.frames] == list(range(6, 15))
    assert out.seconds == [time - source.seconds[6] for time in source.seconds[6:15]]
    assert set(out.sound) < set(source.sound)


@pytest.mark.parametrize("name", [n for n, known in FORMATS.items() if known.has_times])
def test_the_clip_s_start_time_can_be_kept(
    write: Write, clip: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / f"out{FORMATS[name].suffix}"
    (path,) = write(name, out, frames=range(6, 15), keep_start=True)
    source = decode(clip)
    # Matroska and WebM count milliseconds.
    found, wanted = decode(path).seconds, source.seconds[6:15]
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= Fraction(1, 1000)
    sound = sound_times(path)
    if sound:
        assert -0.15 < sound[0] - float(wanted[0]) < 0.05
        assert abs(sound[-1] - float(source.seconds[15])) < 0.05


def sound_times(path: Path) -> list[float]:
    """When packets of sound begin, in seconds."""
    with av.open(str(path)) as container:
        audio = container.streams.audio
        packets = container.demux(audio[0]) if audio else ()
        return [float(p.pts * p.time_base) for p in packets if p.size and p.pts is not None]


def test_a_matte_is_the_mask(write: Write, clip: Path, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("matte", tmp_path / "matte.mp4")
    out, source = decode(path), decode(clip)
    assert out.codec == "h264"
    assert out.seconds == source.seconds
    assert out.sound == []
    assert np.ptp(out.frames.astype(int), axis=3).max() <= 2, "grey"
    np.testing.assert_array_equal(out.frames[..., 0] > 127, logits.max(axis=1) > 0)
    assert out.frames[EMPTY.start].max() <= 2


def test_mattes_of_single_objects(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    paths = write("matte", tmp_path / "matte.mp4", per_object=True)
    assert [path.name for path in paths] == ["matte-1.mp4", "matte-7.mp4"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["matte-1.mp4", "matte-7.mp4"]
    for number, path in enumerate(paths):
        np.testing.assert_array_equal(decode(path).frames[..., 0] > 127, logits[:, number] > 0)


VIDEOS = (("overlay", False), ("matte", False), ("matte", True))


@pytest.mark.parametrize(("name", "per_object"), VIDEOS)
def test_cancelling_leaves_what_was_there(
    write: Write, tmp_path: Path, name: str, per_object: bool
) -> None:
    earlier = tmp_path / "out.mp4"
    earlier.write_text("an earlier export")
    asked = iter(range(100))
    with pytest.raises(CancelledError):
        write(name, earlier, per_object=per_object, cancel=lambda: next(asked) == 10)
    assert earlier.read_text() == "an earlier export"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(("name", "per_object"), VIDEOS)
def test_a_missing_folder_is_named(
    write: Write, tmp_path: Path, name: str, per_object: bool
) -> None:
    with pytest.raises(VideoWriteError, match="create it first"):
        write(name, tmp_path / "missing" / "out.mp4", per_object=per_object)
