"""Written videos, checked by ffprobe and ffmpeg."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from sam2ov.errors import VideoOpenError, VideoWriteError
from sam2ov.video import (
    FFV1,
    PRORES_422_HQ,
    PRORES_4444,
    ColorTags,
    Encoding,
    FrameTimes,
    PictureForm,
    VideoWriter,
    h264,
    hevc,
    open_video,
    vp9,
)
from tests import clips
from tests.clips import Frames, Scene, make_scene, make_scene_with_alpha, read_frame_number
from tests.conftest import REPOSITORY
from tests.video import ffmpeg

FAST = h264(preset="ultrafast")
AS_STORED = PictureForm(keeps_hdr=True)


def write_frames(
    path: Path, frames: Frames, *, fps: Fraction = Fraction(24), encoding: Encoding | None = None
) -> Path:
    height, width = frames.shape[1:3]
    times = FrameTimes.constant(fps, len(frames))
    with VideoWriter(path, (height, width), times, encoding=encoding or FAST) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def copy_video(
    source: Path, target: Path, start: int = 0, stop: int | None = None, encoding: Encoding = FAST
) -> Path:
    with (
        open_video(source) as reader,
        VideoWriter.for_source(
            target, reader.info, start=start, stop=stop, encoding=encoding
        ) as writer,
    ):
        for frame in reader.iter_frames(start, stop):
            writer.write(frame)
    return target


def decode(path: Path, pix_fmt: str = "rgb24", decoder: str | None = None) -> NDArray[np.uint8]:
    """Decode with PyAV alone, [T, H, W, C]."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        if decoder is not None:
            context = cast("VideoCodecContext", av.CodecContext.create(decoder, "r"))
        pictures = []
        for packet in container.demux(stream):
            pictures += context.decode(packet if packet.size else None)
    arrays = [picture.to_ndarray(format=pix_fmt) for picture in pictures]
    return np.stack(arrays).astype(np.uint8)


def test_plays_everywhere(tmp_path: Path, scene: Scene) -> None:
    path = write_frames(tmp_path / "out.mp4", scene.frames)
    facts = ffmpeg.stream(path)
    assert facts["codec_name"] == "h264"
    assert facts["pix_fmt"] == "yuv420p"
    assert (facts["width"], facts["height"]) == (128, 96)
    assert int(facts["nb_frames"]) == 24
    assert Fraction(facts["avg_frame_rate"]) == 24
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first (fast start)"
    with open_video(path) as reader:
        assert [read_frame_number(frame) for frame in reader] == list(range(24))
        assert np.abs(np.stack(list(reader)).astype(int) - scene.frames).mean() < 5
    assert [child.name for child in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(
    "fps",
    [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(60), Fraction(15, 2)],
    ids=str,
)
def test_constant_rates_are_exact(fps: Fraction, tmp_path: Path, scene: Scene) -> None:
    path = write_frames(tmp_path / "out.mp4", scene.frames, fps=fps)
    assert ffmpeg.frame_times(path) == [i / fps for i in range(24)]
    facts = ffmpeg.stream(path)
    assert Fraction(facts["avg_frame_rate"]) == fps
    duration = int(facts["duration_ts"]) * Fraction(facts["time_base"])
    assert duration == 24 / fps


@pytest.mark.parametrize(
    "kind",
    ["h264-vfr", "h264-ntsc", "h264-mkv", "h264-late-start", "h264-ts", "vp9-webm", "mpeg2-mpg"],
)
@pytest.mark.parametrize(
    "encoding", [FAST, h264(), hevc(preset="ultrafast")], ids=["fast", "b-frames", "hevc"]
)
def test_times_of_the_source_are_kept_to_the_tick(
    kind: str, encoding: Encoding, tmp_path: Path, scene: Scene
) -> None:
    source = clips.write_kind(kind, tmp_path / "source", scene.frames)
    path = copy_video(source, tmp_path / "out.mp4", encoding=encoding)
    with open_video(source) as reader:
        expected = [reader.info.time_of(i) for i in range(24)]
        duration = reader.info.duration
        period = 1 / reader.info.fps
    assert ffmpeg.frame_times(path) == expected
    written = float(ffmpeg.probe(path, "-show_format")["format"]["duration"])
    assert abs(written - duration) < 0.0011, "the container counts in milliseconds"
    with open_video(path) as reader:
        assert [reader.info.time_of(i) for i in range(24)] == expected
        assert abs(reader.info.duration - duration) < 3 * period
        assert [read_frame_number(frame) for frame in reader] == list(range(24))


def test_part_of_a_source(tmp_path: Path, scene: Scene) -> None:
    source = clips.write_kind("h264-vfr", tmp_path / "source", scene.frames)
    path = copy_video(source, tmp_path / "out.mp4", 5, 17)
    milliseconds = clips.vfr_times(24)
    with open_video(path) as reader:
        assert [read_frame_number(frame) for frame in reader] == list(range(5, 17))
        times = [reader.info.time_of(i) * 1000 for i in range(12)]
        assert times == [time - milliseconds[5] for time in milliseconds[5:17]]
        assert reader.info.duration * 1000 == milliseconds[17] - milliseconds[5]


def test_impossible_parts_are_refused(tmp_path: Path, scene: Scene) -> None:
    source = clips.write_clip(tmp_path / "source", scene.frames)
    with open_video(source) as reader:
        for start, stop in ((0, 25), (3, 3), (-1, 5)):
            with pytest.raises(ValueError, match="not within 0 to 24"):
                FrameTimes.of(reader.info, start, stop)


@pytest.mark.parametrize("size_hw", [(95, 127), (96, 127), (95, 128), (17, 33)])
def test_odd_sizes_repeat_the_last_row_and_column(size_hw: tuple[int, int], tmp_path: Path) -> None:
    frames = make_scene(3, size_hw, seed=2).frames
    path = write_frames(tmp_path / "out.mp4", frames)
    height, width = size_hw
    with open_video(path) as reader:
        assert reader.size_hw == (height + height % 2, width + width % 2)
        written = reader[2].astype(int)
    assert np.abs(written[:height, :width] - frames[2]).mean() < 6
    clap = path.read_bytes().partition(b"clap")[2][:32]
    shown = np.frombuffer(clap, ">i4")
    assert shown[[0, 2]].tolist() == [width, height]
    assert shown[4] / shown[5] + (width % 2) / 2 == 0, "what is shown begins at the left"
    assert shown[6] / shown[7] + (height % 2) / 2 == 0
    padded = np.pad(frames[2], ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    assert np.abs(written[-1] - padded[-1]).mean() < 12
    assert np.abs(written[:, -1] - padded[:, -1]).mean() < 12


MATRIX_NAMES = {Colorspace.ITU709: "bt709", Colorspace.ITU601: "smpte170m"}


@pytest.mark.parametrize("matrix", MATRIX_NAMES, ids=lambda matrix: matrix.name)
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG], ids=["limited", "full"])
def test_colours_do_not_shift(matrix: Colorspace, color_range: ColorRange, tmp_path: Path) -> None:
    colors = np.random.default_rng(1).integers(16, 240, (6, 8, 3)).astype(np.uint8)
    frames = np.kron(colors, np.ones((16, 16, 1), np.uint8))[None].repeat(3, axis=0)
    how = clips.Encoding(
        pix_fmt="yuv444p", options={"qp": "0"}, colorspace=matrix, color_range=color_range
    )
    source = clips.write_clip(tmp_path / "source", frames, how)
    path = copy_video(source, tmp_path / "out.mp4", encoding=h264(crf=1, preset="ultrafast"))
    facts = ffmpeg.stream(path)
    assert facts["color_space"] == MATRIX_NAMES[matrix]
    assert facts["color_range"] == "tv"
    with open_video(source) as before, open_video(path) as after:
        error = after[1][8::16, 8::16].astype(int) - before[1][8::16, 8::16]
    assert np.abs(error).max() <= 4
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.5, "no colour cast"


def test_tags_are_kept(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "out.mp4"
    tags = ColorTags(matrix=9, primaries=9, transfer=16)
    times = FrameTimes.constant(24, 2)
    with VideoWriter(
        path,
        (96, 128),
        times,
        encoding=FAST,
        color=tags,
        sample_aspect_ratio=Fraction(4, 3),
    ) as writer:
        for frame in scene.frames[:2]:
            writer.write(frame)
    facts = ffmpeg.stream(path)
    assert facts["color_space"] == "bt2020nc"
    assert facts["color_primaries"] == "bt2020"
    assert facts["color_transfer"] == "smpte2084"
    assert facts["sample_aspect_ratio"] == "4:3"
    with open_video(path) as reader:
        assert reader.info.color == tags
        assert reader.info.sample_aspect_ratio == Fraction(4, 3)


def test_rgb_keeps_the_tags_that_it_can_have(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "out.mkv"
    tags = ColorTags(matrix=9, primaries=9, transfer=16)
    with VideoWriter(
        path, (96, 128), FrameTimes.constant(24, 2), encoding=FFV1, color=tags
    ) as writer:
        for frame in scene.frames[:2]:
            writer.write(frame)
    facts = ffmpeg.stream(path)
    assert facts["color_primaries"] == "bt2020"
    assert facts["color_transfer"] == "smpte2084"
    assert facts["color_range"] == "pc"
    with open_video(path) as reader, reader.twin(cache_bytes=0, form=AS_STORED) as stored:
        assert np.array_equal(stored.read(1), scene.frames[1])


def test_turned_sources_are_written_upright(tmp_path: Path, scene: Scene) -> None:
    source = clips.write_kind("h264-rotate-90", tmp_path / "source", scene.frames)
    path = copy_video(source, tmp_path / "out.mp4")
    with open_video(path) as reader:
        assert reader.info.rotation == 0
        assert reader.size_hw == (96, 128)
        assert [read_frame_number(frame) for frame in reader] == list(range(24))


@pytest.mark.parametrize("num_frames", [1, 2, 3, 5, 15, 16])
def test_few_frames_of_h265_come_at_their_times(
    num_frames: int, tmp_path: Path, scene: Scene
) -> None:
    """x265 makes up times for frames that are fewer than it wants to reorder."""
    for attempt in range(3):
        path = tmp_path / f"{attempt}.mp4"
        write_frames(path, scene.frames[:num_frames], encoding=hevc())
        assert ffmpeg.frame_times(path) == [Fraction(i, 24) for i in range(num_frames)]


def test_image_folder_as_source(tmp_path: Path, scene: Scene) -> None:
    source = clips.write_image_folder(tmp_path / "frames", scene.frames, ".png")
    path = copy_video(source, tmp_path / "out.mp4")
    facts = ffmpeg.stream(path)
    assert facts["color_space"] == facts["color_primaries"] == "bt709"
    with open_video(path) as reader:
        assert np.abs(np.stack(list(reader)).astype(int) - scene.frames).mean() < 5
        assert not reader.info.has_audio


@pytest.mark.parametrize(
    ("encoding", "codec", "pix_fmt", "tolerance"),
    [
        (PRORES_4444, "prores", "yuva444p12le", 1),
        (FFV1, "ffv1", "bgra", 0),
        (vp9(crf=8), "vp9", "yuva420p", 8),
    ],
    ids=["prores 4444", "ffv1", "vp9"],
)
def test_alpha(
    encoding: Encoding, codec: str, pix_fmt: str, tolerance: float, tmp_path: Path
) -> None:
    frames = make_scene_with_alpha(6)
    # Soft edges, and colours behind transparent pixels that a writer must not throw away.
    frames[..., 3] = (frames[..., 3] // 3) + np.arange(128, dtype=np.uint8)
    path = tmp_path / f"out{encoding.suffix}"
    times = FrameTimes.constant(24, 6)
    with VideoWriter(path, (96, 128), times, encoding=encoding, has_alpha=True) as writer:
        for frame in frames:
            writer.write(frame)
    facts = ffmpeg.stream(path)
    assert facts["codec_name"] == codec
    with open_video(path) as reader:
        assert reader.info.pixel_format == pix_fmt
        with reader.twin(cache_bytes=0, form=PictureForm(has_alpha=True)) as whole:
            assert [read_frame_number(frame) for frame in whole] == list(range(6))
    decoder = "libvpx-vp9" if codec == "vp9" else None
    decoded = decode(path, "rgba", decoder).astype(int)
    assert decoded.shape == frames.shape
    assert np.abs(decoded[..., 3] - frames[..., 3]).mean() <= min(tolerance, 2)
    assert np.abs(decoded[..., :3] - frames[..., :3]).mean() <= tolerance


@pytest.mark.parametrize(
    ("encoding", "codec", "pix_fmt"),
    [
        (PRORES_422_HQ, "prores", "yuv422p10le"),
        (PRORES_4444, "prores", "yuv444p12le"),
        (hevc(preset="ultrafast"), "hevc", "yuv420p"),
        (vp9(), "vp9", "yuv420p"),
        (FFV1, "ffv1", "bgr0"),
    ],
    ids=["prores 422", "prores 4444", "hevc", "vp9", "ffv1"],
)
def test_other_encodings(
    encoding: Encoding, codec: str, pix_fmt: str, tmp_path: Path, scene: Scene
) -> None:
    source = clips.write_kind("h264-mp4", tmp_path / "source", scene.frames[:8])
    path = copy_video(source, tmp_path / f"out{encoding.suffix}", encoding=encoding)
    facts = ffmpeg.stream(path)
    assert facts["codec_name"] == codec
    if codec == "hevc":
        assert facts["codec_tag_string"] == "hvc1"
    with open_video(source) as before, open_video(path) as after:
        assert after.info.pixel_format == pix_fmt
        assert after.info.has_audio
        assert len(after) == 8
        # Matroska counts in milliseconds.
        for i in range(8):
            assert abs(after.info.time_of(i) - before.info.time_of(i)) <= Fraction(1, 2000)
        difference = np.abs(np.stack(list(before)).astype(int) - np.stack(list(after))).mean()
    assert difference == 0 if codec == "ffv1" else difference < 5


def test_frames_must_be_as_announced(tmp_path: Path, scene: Scene) -> None:
    frame = scene.frames[0]
    wrong = [
        (frame[:50], r"expected uint8 \(96, 128, 3\)"),
        (frame.astype(np.float32), "is float32"),
        (np.dstack([frame, frame[..., :1]]), r"\(96, 128, 4\), expected"),
    ]
    for array, message in wrong:
        times = FrameTimes.constant(24, 2)
        writer = VideoWriter(tmp_path / "out.mp4", (96, 128), times, encoding=FAST)
        with pytest.raises(VideoWriteError, match=message):
            writer.write(array)
        with pytest.raises(VideoWriteError, match="is closed"):
            writer.write(frame)
    assert list(tmp_path.iterdir()) == []


def test_too_many_or_too_few_frames(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "out.mp4"
    times = FrameTimes.constant(24, 2)
    with (
        pytest.raises(VideoWriteError, match="was to have 2 frames, but only 1 were written"),
        VideoWriter(path, (96, 128), times, encoding=FAST) as writer,
    ):
        writer.write(scene.frames[0])
    writer = VideoWriter(path, (96, 128), times, encoding=FAST)
    writer.write(scene.frames[0])
    writer.write(scene.frames[1])
    with pytest.raises(VideoWriteError, match="was to have 2 frames, and there comes another"):
        writer.write(scene.frames[2])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_after_an_error_and_the_old_file_stays(
    tmp_path: Path, scene: Scene
) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the old file")
    times = FrameTimes.constant(24, 5)

    def interrupted() -> None:
        with VideoWriter(path, (96, 128), times, encoding=FAST) as writer:
            writer.write(scene.frames[0])
            assert len(list(tmp_path.iterdir())) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "the old file"
    assert list(tmp_path.iterdir()) == [path]

    writer = VideoWriter(path, (96, 128), times, encoding=FAST)
    writer.write(scene.frames[0])
    writer.abort()
    writer.abort()
    writer.close()
    assert path.read_text() == "the old file"
    assert list(tmp_path.iterdir()) == [path]

    write_frames(path, scene.frames[:5])
    with open_video(path) as reader:
        assert len(reader) == 5


def test_impossible_targets(tmp_path: Path, scene: Scene) -> None:
    times = FrameTimes.constant(24, 1)
    with pytest.raises(VideoWriteError, match="folder does not exist"):
        VideoWriter(tmp_path / "missing" / "out.mp4", (96, 128), times)
    with pytest.raises(VideoWriteError, match="cannot store alpha"):
        VideoWriter(tmp_path / "out.mp4", (96, 128), times, has_alpha=True)
    with pytest.raises(VideoWriteError, match="cannot be written"):
        VideoWriter(tmp_path / "out.mp4", (0, 128), times)
    (tmp_path / "folder.mp4").mkdir()
    writer = VideoWriter(tmp_path / "folder.mp4", (96, 128), times, encoding=FAST)
    writer.write(scene.frames[0])
    with pytest.raises(VideoWriteError, match="cannot be written"):
        writer.close()
    with pytest.raises(VideoOpenError, match="does not exist"):
        VideoWriter(tmp_path / "out.mp4", (96, 128), times, audio_from=tmp_path / "none.mp4")
    assert [child.name for child in tmp_path.iterdir()] == ["folder.mp4"]


FULL_DISK = """
import resource, signal, sys
import numpy as np
from sam2ov.errors import VideoWriteError
from sam2ov.video import FFV1, PRORES_4444, FrameTimes, VideoWriter, h264, vp9
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
noise = np.random.default_rng(0).integers(0, 256, (12, 240, 320, 3)).astype(np.uint8)
encodings = {".mp4": h264(preset="ultrafast"), ".mov": PRORES_4444, ".mkv": FFV1, ".webm": vp9()}
encoding = encodings[sys.argv[1][sys.argv[1].rindex("."):]]
try:
    with VideoWriter(sys.argv[1], (240, 320), FrameTimes.constant(24, 12),
                     encoding=encoding) as writer:
        for frame in noise:
            writer.write(frame)
except VideoWriteError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("suffix", "room"),
    [(".mp4", 0.1), (".mp4", 0.6), (".mp4", 0.999), (".mov", 0.6), (".mkv", 0.6), (".webm", 0.6)],
)
def test_full_disk(suffix: str, room: float, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk; it bites early, or at the very end."""
    if not sys.platform.startswith("linux"):
        pytest.skip("limiting the size of files needs setrlimit")
    path = tmp_path / f"out{suffix}"

    def write_with(limit: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", FULL_DISK, str(path), str(limit)],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            timeout=60,
        ).stdout

    assert write_with(0) == ""
    size = path.stat().st_size
    path.unlink()
    printed = write_with(int(size * room))
    assert "cannot be written" in printed
    assert "larger than allowed" in printed
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """Frames are encoded as they come; the only array that grows holds the times."""
    times = FrameTimes.constant(Fraction(30), 1500)
    assert times.pts.nbytes == 8 * 1500
    frame = np.zeros((16, 64, 3), np.uint8)
    path = tmp_path / "out.mp4"
    with VideoWriter(path, (16, 64), times, encoding=FAST) as writer:
        for number in range(1500):
            clips.stamp_frame_number(frame, number)
            writer.write(frame)
    with open_video(path, cache_bytes=0) as reader:
        assert len(reader) == 1500
        for number in (1499, 700, 1):
            assert read_frame_number(reader[number]) == number
