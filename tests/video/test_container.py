"""Hostile, damaged and oversized files."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import FrameDecodeError, VideoError, VideoOpenError
from sam2ov.video import VideoLimits
from sam2ov.video.served import open_in_process
from tests.clips import (
    CLIP_KINDS,
    Encoding,
    Scene,
    corrupt,
    make_scene,
    read_frame_number,
    truncate,
    write_clip,
    write_gif,
    write_kind,
)
from tests.conftest import REPOSITORY
from tests.video.watch import OpenWatch

SCRIPTS = {
    "concat": "ffconcat version 1.0\nfile secret.mp4\n",
    "hls": (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nsecret.mp4\n"
        "#EXT-X-ENDLIST\n"
    ),
    "dash": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>secret.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    ),
    "sdp": (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    ),
    "subtitles": "1\n00:00:00,000 --> 00:00:01,000\nsecret.mp4\n",
    "text": "file secret.mp4\n",
    "empty": "",
}


@pytest.fixture
def secret(tmp_path: Path, scene: Scene) -> Path:
    return write_clip(tmp_path / "secret", scene.frames[:4])


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.m3u8", "clip.ffconcat"])
def test_scripts_that_refer_to_other_files_are_refused(
    script: str, name: str, tmp_path: Path, secret: Path
) -> None:
    path = tmp_path / name
    path.write_text(SCRIPTS[script])
    with OpenWatch(secret) as watch, pytest.raises(VideoOpenError, match=name):
        open_in_process(path)
    assert watch.count == 0


def test_the_watch_would_have_seen_it(tmp_path: Path, secret: Path) -> None:
    """Without the allow-list FFmpeg does follow the script."""
    path = tmp_path / "clip.mp4"
    path.write_text(SCRIPTS["concat"])
    with OpenWatch(secret) as watch, av.open(str(path)):
        pass
    assert watch.count > 0


@pytest.mark.parametrize(
    "address",
    [
        "concat:secret.mp4|secret.mp4",
        "subfile,,start,0,end,0,,:secret.mp4",
        "http://127.0.0.1:9/clip.mp4",
        "file:secret.mp4",
        "data:video/mp4;base64,AAAA",
        "-i",
        "%05d.png",
    ],
)
def test_addresses_are_not_paths(
    address: str, tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = "does not exist|There are no images"  # a pattern is one of names in its folder alone
    with OpenWatch(secret) as watch, pytest.raises(VideoOpenError, match=told):
        open_in_process(Path(address))
    assert watch.count == 0


def test_names_that_look_like_addresses_or_patterns_are_opened_as_files(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a|b", "%05d.png", "clip.m3u8", "-i", "no suffix", "ünïcode 🎞.mp4"):
        path = tmp_path / name
        path.write_bytes(secret.read_bytes())
        with open_in_process(Path(name)) as reader:
            assert len(reader) == 4


@pytest.mark.parametrize("kind", ["missing", "device", "pipe"])
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    if kind == "device":
        path = Path("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(VideoOpenError, match=r"does not exist|not a regular file"):
        open_in_process(path)


def test_other_media_are_refused(tmp_path: Path, scene: Scene) -> None:
    picture = tmp_path / "picture.mp4"
    Image.fromarray(scene.frames[0]).save(picture, format="ICO")
    with pytest.raises(VideoOpenError, match="not a video file of a supported kind"):
        open_in_process(picture)
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        container.mux([*stream.encode(silence), *stream.encode(None)])
    with pytest.raises(VideoOpenError, match="no video stream"):
        open_in_process(sound)


def test_codecs_that_are_not_on_the_list_are_refused(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames[:3], Encoding(".avi", "snow"))
    with pytest.raises(VideoOpenError, match=r"clip\.avi is encoded with 'snow'"):
        open_in_process(path)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (VideoLimits(max_bytes=1000), "bytes, the limit is 1,000"),
        (VideoLimits(max_pixels=96 * 128 - 1), "128×96 pixels, the limit is 12,287 pixels"),
        (VideoLimits(max_duration_s=0.9), "1 s long, the limit is 1 s"),
        (VideoLimits(max_frames=23), "more than 23 frames"),
        (VideoLimits(max_streams=1), "has 2 streams, the limit is 1"),
    ],
    ids=["bytes", "pixels", "duration", "frames", "streams"],
)
def test_limits(limits: VideoLimits, message: str, tmp_path: Path, scene: Scene) -> None:
    path = write_kind("h264-mp4", tmp_path / "clip", scene.frames)
    with pytest.raises(VideoOpenError, match=message):
        open_in_process(path, limits)


BOMB = """
import sys
from pathlib import Path
from sam2ov.errors import VideoOpenError
from sam2ov.video.served import open_in_process
for path in sys.argv[1:]:
    try:
        open_in_process(Path(path))
    except VideoOpenError as error:
        print(error)
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) // 1024)
"""

MAKE_BOMB = """
import sys
import av
picture = av.VideoFrame(8192, 8192, "yuv420p")
for path in sys.argv[1:]:
    with av.open(path, "w") as container:
        options = {"preset": "ultrafast", "rc-lookahead": "0", "threads": "1"}
        stream = container.add_stream("libx264", rate=1, options=options)
        stream.width, stream.height, stream.pix_fmt = 8192, 8192, "yuv420p"
        container.mux([*stream.encode(picture), *stream.encode(None)])
"""


def test_huge_pictures_in_a_small_file_are_refused_before_they_are_decoded(
    tmp_path: Path, scene: Scene
) -> None:
    """8192×8192 pixels take 100 MB per decoded picture, 65535×65535 pixels 17 GB."""
    paths = [tmp_path / "bomb.ts", tmp_path / "bomb.mkv"]
    # In processes of their own, whose memory can be measured.
    subprocess.run([sys.executable, "-c", MAKE_BOMB, *map(str, paths)], check=True, timeout=100)
    gif = write_gif(tmp_path / "bomb", scene.frames[:2])
    gif.write_bytes(gif.read_bytes()[:6] + b"\xff" * 4 + gif.read_bytes()[10:])
    paths.append(gif)
    # The container says 128×96, the pictures themselves 65500×65500.
    jpeg = write_kind("mjpeg-avi", tmp_path / "bomb-inside", scene.frames[:2])
    size = b"\x00\x60\x00\x80"
    start_of_frame = b"\xff\xc0\x00\x11\x08"
    assert start_of_frame + size in jpeg.read_bytes()
    bomb = jpeg.read_bytes().replace(start_of_frame + size, start_of_frame + b"\xff\xdc" * 2)
    jpeg.write_bytes(bomb)
    paths.append(jpeg)

    assert all(path.stat().st_size < 500_000 for path in paths)
    command = [sys.executable, "-c", BOMB, *map(str, paths)]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=60
    )
    *messages, peak_megabytes = finished.stdout.splitlines()
    assert len(messages) == len(paths)
    assert ["8192×8192" in message for message in messages[:2]] == [True, True]
    assert "bomb.gif does not say how large" in messages[2]
    assert "none of the 2 pictures" in messages[3]
    assert int(peak_megabytes) < 300, "of which Python and its libraries are most"


def test_pictures_that_change_size_in_mid_stream_are_scaled(tmp_path: Path) -> None:
    small, large = make_scene(6, (96, 128), 1), make_scene(6, (192, 256), 2)
    parts = [
        write_clip(tmp_path / name, scene.frames, Encoding(".ts", options={"g": "6", "bf": "0"}))
        for name, scene in (("small", small), ("large", large))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with open_in_process(path) as reader:
        assert len(reader) == 12
        assert reader.size_hw == (96, 128)
        shrunk = large.frames[5].reshape(96, 2, 128, 2, 3).mean(axis=(1, 3))
        assert np.abs(reader[11] - shrunk).mean() < 6


def test_pictures_that_grow_beyond_the_limit_in_mid_stream_are_not_decoded(
    tmp_path: Path, scene: Scene
) -> None:
    path = write_kind("mjpeg-avi", tmp_path / "clip", scene.frames[:4])
    marker = b"\xff\xc0\x00\x11\x08"
    before, first, second, *rest = path.read_bytes().split(marker)
    third = b"\xff\xdc\xff\xdc" + rest[0][4:]
    path.write_bytes(marker.join([before, first, second, third, *rest[1:]]))
    with open_in_process(path) as reader:
        assert [read_frame_number(reader[i]) for i in (0, 1, 3)] == [0, 1, 3]
        with pytest.raises(FrameDecodeError, match="frame 2 of"):
            reader[2]


@pytest.mark.parametrize("keep", [0.95, 0.6, 0.3])
@pytest.mark.parametrize(
    "kind", ["h264-fragmented", "h264-mkv", "h264-ts", "vp9-webm", "h264-avi", "h264-flv"]
)
def test_truncated_file_gives_the_frames_that_are_there(
    kind: str, keep: float, tmp_path: Path, scene: Scene
) -> None:
    path = truncate(write_kind(kind, tmp_path / "clip", scene.frames), keep)
    expected = count_frames_until_damage(path)
    if not expected:
        with pytest.raises(VideoOpenError, match=r"cut off|damaged"):
            open_in_process(path)
        return
    with open_in_process(path) as reader:
        assert len(reader) == expected
        # The very last picture may be incomplete.
        for number, frame in enumerate(reader.iter_frames(0, len(reader) - 2)):
            assert read_frame_number(frame) == number
        backwards = list(reader.iter_frames(step=-1))
        assert len(backwards) == len(reader)


@pytest.mark.parametrize("kind", ["h264-long-gop", "h264-mkv"])
def test_a_file_that_is_cut_off_says_how_much_is_missing(
    kind: str, tmp_path: Path, scene: Scene
) -> None:
    frames = np.concatenate([scene.frames] * 3)
    whole = write_kind(kind, tmp_path / "clip", frames)
    path = tmp_path / f"front{whole.suffix}"  # with its index at the front, as downloads have it
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with open_in_process(path) as reader:
        assert reader.info.missing_seconds == 0
        seconds = float(reader.info.duration)
    with open_in_process(truncate(path, 0.5)) as reader:
        missing = seconds - float(reader.info.duration)
        assert missing > 0.5
        assert reader.info.missing_seconds == pytest.approx(missing, abs=0.1)
        assert "cut off" in reader.info.treatment[0]


def count_frames_until_damage(path: Path) -> int:
    count = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            try:
                for packet in container.demux(stream):
                    with suppress(av.FFmpegError):
                        count += len(packet.decode())
            except av.FFmpegError:
                count += len(stream.codec_context.decode(None))
    except av.FFmpegError:
        return count
    return count


def test_truncated_mp4_without_its_index_is_refused(tmp_path: Path, scene: Scene) -> None:
    path = truncate(write_kind("h264-long-gop", tmp_path / "clip", scene.frames), 0.7)
    with pytest.raises(VideoOpenError, match="cannot be opened as a video"):
        open_in_process(path)


FUZZ = """
import sys
from pathlib import Path
from sam2ov.errors import VideoError
from sam2ov.video import VideoLimits
from sam2ov.video.served import open_in_process
limits = VideoLimits(max_pixels=1_000_000, max_frames=1000)
for path in sys.argv[1:]:
    for verify in (False, True):
        try:
            with open_in_process(Path(path), limits, verify=verify) as reader:
                for frame_idx in (*range(len(reader)), 0, len(reader) // 2):
                    try:
                        frame = reader.read(frame_idx)
                        assert frame.shape == (*reader.size_hw, 3)
                    except VideoError as error:
                        assert str(frame_idx) in str(error)
        except VideoError:
            pass
print("survived")
"""


@pytest.mark.parametrize("kind", ["h264-mp4", "h264-mkv", "vp9-webm", "h264-ts", "mpeg4-avi"])
def test_corrupt_files_raise_nothing_but_our_errors(
    kind: str, tmp_path: Path, scene: Scene
) -> None:
    assert kind in CLIP_KINDS
    paths = []
    for seed in range(8):
        path = write_kind(kind, tmp_path / f"clip{seed}", scene.frames[:12])
        paths.append(corrupt(path, seed, count=5 + 30 * (seed % 3), skip=0 if seed % 2 else 600))
    # In a process of its own, because a crash would take the test run with it.
    finished = subprocess.run(
        [sys.executable, "-c", FUZZ, *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.strip().endswith("survived")


def test_tags_in_a_broken_encoding_do_not_matter(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames[:3], Encoding(".mkv"))
    data = path.read_bytes()
    assert b"ENCODER" in data
    path.write_bytes(data.replace(b"Lavf", b"\xff\xfe\xc3\x28"))
    with open_in_process(path) as reader:
        assert len(reader) == 3


def test_errors_are_of_one_family() -> None:
    assert issubclass(VideoOpenError, VideoError)
    assert issubclass(FrameDecodeError, VideoError)
