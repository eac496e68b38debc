"""The sound of the source in written videos."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from sam2ov.video import (
    FFV1,
    PRORES_422_HQ,
    Encoding,
    VideoWriter,
    h264,
    open_video,
    stored_sound,
    vp9,
)
from sam2ov.video.times import FrameTimes
from tests import clips
from tests.clips import Scene
from tests.video import ffmpeg

FAST = h264(preset="ultrafast")
RATE = 48000


def write_source(path: Path, scene: Scene, audio: str, suffix: str, *, start: int = 0) -> Path:
    """Two seconds at 12 fps, with 440 Hz from beginning to end."""
    how = clips.Encoding(suffix, audio=audio, fps=Fraction(12), options={"bf": "2"}, start=start)
    return clips.write_clip(path, scene.frames, how)


def write_click_track(path: Path, scene: Scene, codec: str) -> Path:
    """Write a clip whose sound is silence with a burst at frame 12, after one second."""
    path = path.with_suffix(".mov")
    samples = np.zeros((2, 2 * RATE), np.float32)
    samples[:, RATE : RATE + 2400] = 0.5
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        sound = cast("AudioStream", container.add_stream(codec, rate=RATE, layout="stereo"))
        for picture in scene.frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode(None))
        resampler = av.AudioResampler(sound.codec_context.format.name, "stereo", RATE)
        for begin in range(0, 2 * RATE, 1200):
            chunk = np.ascontiguousarray(samples[:, begin : begin + 1200])
            frame = av.AudioFrame.from_ndarray(chunk, "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, begin, Fraction(1, RATE)
            for converted in resampler.resample(frame):
                container.mux(sound.encode(converted))
        container.mux(sound.encode(None))
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


def sound_of(path: Path) -> NDArray[np.float32]:
    """Decode with ffmpeg; sample 0 is time 0 of the file (what a player plays there)."""
    raw = ffmpeg.run(
        "ffmpeg", "-i", path, "-map", "0:a", "-af", "aresample=async=1:first_pts=0",
        "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-",
    )  # fmt: skip
    return np.frombuffer(raw, np.float32)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("aac", ".mp4"),
        ("aac", ".mkv"),
        ("aac", ".ts"),
        ("libopus", ".mkv"),
        ("libopus", ".webm"),
        ("libmp3lame", ".avi"),
        ("ac3", ".mov"),
        ("flac", ".mkv"),
        ("alac", ".mov"),
    ],
)
def test_copied_bit_by_bit(codec: str, suffix: str, tmp_path: Path, scene: Scene) -> None:
    how = clips.Encoding(suffix, audio=codec, fps=Fraction(12))
    if suffix == ".webm":
        how = clips.Encoding(suffix, "libvpx-vp9", audio=codec, fps=Fraction(12))
    source = clips.write_clip(tmp_path / "source", scene.frames, how)
    path = copy_video(source, tmp_path / "out.mp4")
    before, after = ffmpeg.packets(source, "a"), ffmpeg.packets(path, "a")
    hashes = [packet["data_hash"] for packet in before]
    copied = [packet["data_hash"] for packet in after]
    if suffix == ".ts":
        # ADTS headers are taken off, as ffmpeg does.
        plain = tmp_path / "plain.mp4"
        ffmpeg.run("ffmpeg", "-i", source, "-map", "0:a", "-c", "copy", plain)
        hashes = [packet["data_hash"] for packet in ffmpeg.packets(plain, "a")]
        assert copied == hashes[: len(copied)]
        assert len(copied) > 85
    else:
        # What lies behind the end of the picture is left out.
        assert copied == hashes[: len(copied)]
        assert len(copied) > 0.95 * 2 * RATE / 4608
    base = Fraction(ffmpeg.stream(path, "a")["time_base"])
    times = [packet["pts"] * base for packet in after]
    assert times[0] <= Fraction(3, 100)
    assert Fraction(18, 10) <= times[-1] < 2


@pytest.mark.parametrize("codec", ["pcm_s16le", "mp2"])
def test_encoded_again_where_the_container_does_not_take_it(
    codec: str, tmp_path: Path, scene: Scene
) -> None:
    suffix = ".avi" if codec == "pcm_s16le" else ".ts"
    source = write_source(tmp_path / "source", scene, codec, suffix)
    path = copy_video(source, tmp_path / "out.mp4")
    facts = ffmpeg.stream(path, "a")
    assert facts["codec_name"] == "aac"
    assert int(facts["sample_rate"]) == RATE
    assert facts["channels"] == 2
    sound = sound_of(path)
    assert abs(len(sound) - 2 * RATE) < 4096
    spectrum = np.abs(np.fft.rfft(sound[RATE // 2 : RATE * 3 // 2]))
    assert int(spectrum.argmax()) == 440


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [("aac", FAST), ("pcm_s16le", FAST), ("pcm_s16le", PRORES_422_HQ), ("aac", FFV1)],
    ids=["copied", "encoded", "copied pcm", "copied to mkv"],
)
@pytest.mark.parametrize(("start", "stop"), [(0, 24), (5, 20), (11, 24)])
def test_sound_stays_with_the_picture(
    codec: str, encoding: Encoding, start: int, stop: int, tmp_path: Path, scene: Scene
) -> None:
    source = write_click_track(tmp_path / "source", scene, codec)
    path = copy_video(source, tmp_path / f"out{encoding.suffix}", start, stop, encoding)
    sound = sound_of(path)
    burst = np.flatnonzero(np.abs(sound) > 0.25)
    expected = (12 - start) / 12 * RATE
    # A copy is not cut within a packet, but neither moved; Matroska counts in milliseconds.
    assert abs(burst[0] - expected) < 0.003 * RATE
    assert abs(burst[-1] - burst[0] - 2400) < 0.003 * RATE
    assert len(sound) < (stop - start) / 12 * RATE + 2048


def test_late_start_of_the_container_does_not_move_the_sound(tmp_path: Path, scene: Scene) -> None:
    source = write_source(tmp_path / "source", scene, "aac", ".mkv", start=60)
    with open_video(source) as reader:
        assert reader.info.frame_pts[0] == 5000
    path = copy_video(source, tmp_path / "out.mp4")
    assert float(ffmpeg.stream(path, "v")["start_time"]) == 0
    assert float(ffmpeg.stream(path, "a")["start_time"]) < 0.03


def test_webm_takes_opus_and_encodes_the_rest(tmp_path: Path, scene: Scene) -> None:
    for codec, source_suffix in (("libopus", ".mkv"), ("aac", ".mp4")):
        source = write_source(tmp_path / codec, scene, codec, source_suffix)
        path = copy_video(source, tmp_path / "out.webm", encoding=vp9())
        assert ffmpeg.stream(path, "a")["codec_name"] == "opus"
        sound = sound_of(path)
        assert abs(len(sound) - 2 * RATE) < 3000
        spectrum = np.abs(np.fft.rfft(sound[RATE // 2 : RATE * 3 // 2]))
        assert int(spectrum.argmax()) == 440
        with open_video(path) as reader:
            assert reader.info.frame_pts[0] == 0


def test_sound_can_be_left_out(tmp_path: Path, scene: Scene) -> None:
    source = write_source(tmp_path / "source", scene, "aac", ".mp4")
    path = tmp_path / "out.mp4"
    with (
        open_video(source) as reader,
        VideoWriter.for_source(path, reader.info, encoding=FAST, audio="none") as writer,
    ):
        for frame in reader:
            writer.write(frame)
    with open_video(path) as reader:
        assert not reader.info.has_audio


def test_damaged_sound_does_not_stop_the_picture(tmp_path: Path, scene: Scene) -> None:
    source = write_source(tmp_path / "source", scene, "aac", ".mp4")
    data = bytearray(source.read_bytes())
    for packet in ffmpeg.packets(source, "a")[20:40]:
        begin = int(packet["pos"])
        data[begin : begin + int(packet["size"])] = b"\xff" * int(packet["size"])
    source.write_bytes(data)
    for encoding, suffix in ((FAST, ".mp4"), (vp9(), ".webm")):
        path = copy_video(source, tmp_path / f"out{suffix}", encoding=encoding)
        with open_video(path) as reader:
            assert len(reader) == 24
            assert reader.info.has_audio


def test_part_of_a_source_that_is_silent_meanwhile(tmp_path: Path, scene: Scene) -> None:
    """No empty track is made."""
    source = tmp_path / "source.mkv"
    whole = write_source(tmp_path / "whole", scene, "aac", ".mkv")
    with av.open(str(whole)) as reader, av.open(str(source), "w") as writer:
        copies = {s.index: writer.add_stream_from_template(s) for s in reader.streams}
        for packet in reader.demux():
            is_late_sound = packet.stream.type == "audio" and (packet.pts or 0) > 1000
            if packet.size and not is_late_sound:
                packet.stream = copies[packet.stream_index]
                writer.mux(packet)
    path = copy_video(source, tmp_path / "out.mp4", 14, 24)
    with open_video(path) as video:
        assert not video.info.has_audio


@pytest.fixture
def several_tracks(tmp_path: Path, scene: Scene) -> Path:
    """English, German as the one that plays, and one without a language; made by ffmpeg."""
    source = write_source(tmp_path / "one", scene, "aac", ".mp4")
    path = tmp_path / "several.mkv"
    sine = "sine=duration=2:sample_rate=48000:frequency="
    tracks = [
        word for hertz in (440, 880, 1320) for word in ("-f", "lavfi", "-i", f"{sine}{hertz}")
    ]
    ffmpeg.run(
        "ffmpeg", "-i", source, *tracks,
        "-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:a", "-c:v", "copy",
        "-c:a:0", "aac", "-c:a:1", "libopus", "-c:a:2", "flac",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:0", "title=Main mix",
        "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=Kommentar – Regie",
        "-disposition:a:0", "0", "-disposition:a:1", "default", "-disposition:a:2", "0", path,
    )  # fmt: skip
    return path


def sounds_of(path: Path) -> list[tuple[int, str, str, bool]]:
    """Frequency, language, title, default flag of each track, by ffmpeg."""
    found = []
    streams = json.loads(
        ffmpeg.run(
            "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-select_streams", "a", path
        )
    )["streams"]
    for number, stream in enumerate(streams):
        raw = ffmpeg.run(
            "ffmpeg", "-i", path, "-map", f"0:a:{number}", "-ac", "1", "-ar", str(RATE),
            "-f", "f32le", "-",
        )  # fmt: skip
        sound = np.frombuffer(raw, np.float32)[RATE // 4 : RATE * 5 // 4]
        tags = stream.get("tags", {})
        language = tags.get("language", "und")
        # FFmpeg's own mp4 and mov have a title as the handler's name; "SoundHandler" is none.
        title = tags.get("title", tags.get("handler_name", "")).replace("SoundHandler", "")
        hertz = int(np.abs(np.fft.rfft(sound)).argmax())
        found.append((hertz, language, title, bool(stream["disposition"]["default"])))
    return found


@pytest.mark.parametrize(
    ("encoding", "suffix"),
    [(FAST, ".mp4"), (PRORES_422_HQ, ".mov"), (FFV1, ".mkv"), (vp9(), ".webm")],
)
def test_all_tracks_are_carried_with_their_languages_and_titles(
    several_tracks: Path, tmp_path: Path, encoding: Encoding, suffix: str
) -> None:
    path = copy_video(several_tracks, tmp_path / f"out{suffix}", encoding=encoding)
    assert sounds_of(path) == [
        (440, "eng", "Main mix", False),
        (880, "ger" if suffix == ".mov" else "deu", "Kommentar – Regie", True),
        (1320, "und", "", False),
    ]


def test_the_first_track_is_the_one_that_players_choose(
    several_tracks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out.mp4"
    with (
        open_video(several_tracks) as reader,
        VideoWriter.for_source(path, reader.info, start=3, encoding=FAST, audio="first") as writer,
    ):
        for frame in reader.iter_frames(3):
            writer.write(frame)
    assert sounds_of(path) == [(880, "deu", "Kommentar – Regie", True)]


def write_pcm(path: Path, scene: Scene, rate: int, gap: Fraction = Fraction(0)) -> Path:
    """Two seconds of picture; bursts of 50 ms at 0.25 s and, behind a gap at 0.5 s, at 1.5 s."""
    path = path.with_suffix(".mkv")
    samples = np.zeros((1, 2 * rate), np.float32)
    for at in (0.25, 1.5):
        samples[:, int(at * rate) : int((at + 0.05) * rate)] = 0.5
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for picture in scene.frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode(None))
        step = rate // 40
        for begin in range(0, 2 * rate, step):
            if rate // 2 <= begin < (Fraction(1, 2) + gap) * rate:
                continue
            chunk = (samples[:, begin : begin + step] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
            container.mux(sound.encode(frame))
    return path


@pytest.mark.parametrize("start", [0, 9])
def test_sound_behind_a_gap_is_in_step(start: int, tmp_path: Path, scene: Scene) -> None:
    source = write_pcm(tmp_path / "source", scene, RATE, gap=Fraction(3, 4))
    path = copy_video(source, tmp_path / "out.mp4", start)
    assert ffmpeg.stream(path, "a")["codec_name"] == "aac"
    loud = np.flatnonzero(np.abs(sound_of(path)) > 0.25) / RATE
    assert loud[-1] == pytest.approx(1.55 - start / 12, abs=0.003)
    begins = [time for time in loud if time > 1.3 - start / 12]
    assert begins[0] == pytest.approx(1.5 - start / 12, abs=0.003)


def test_silence_behind_a_gap_ends_with_the_picture(tmp_path: Path, scene: Scene) -> None:
    source = write_pcm(tmp_path / "source", scene, RATE, gap=Fraction(5, 4))
    path = copy_video(source, tmp_path / "out.mp4", 0, 15)
    assert abs(len(sound_of(path)) - 15 / 12 * RATE) < 2048


@pytest.mark.parametrize(("rate", "written"), [(47952, 48000), (37800, 44100), (6000, 7350)])
def test_rates_that_the_encoder_does_not_know(
    rate: int, written: int, tmp_path: Path, scene: Scene
) -> None:
    path = copy_video(write_pcm(tmp_path / "source", scene, rate), tmp_path / "out.mp4")
    assert int(ffmpeg.stream(path, "a")["sample_rate"]) == written
    loud = np.flatnonzero(np.abs(sound_of(path)) > 0.25) / RATE
    assert (loud[0], loud[-1]) == pytest.approx((0.25, 1.55), abs=0.01)


def test_sound_is_encoded_as_it_is_decoded(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film's would not fit into memory."""
    source = write_pcm(tmp_path / "source", scene, RATE)
    num_decoded = 0
    cut = stored_sound._cut

    def counted(*arguments: Any) -> Any:
        nonlocal num_decoded
        num_decoded += 1
        return cut(*arguments)

    monkeypatch.setattr(stored_sound, "_cut", counted)
    with open_video(source) as reader:
        times = FrameTimes.of(reader.info, 0, len(reader))
    with av.open(str(source)) as container, av.open(str(tmp_path / "x.mka"), "w") as stored:
        encoder = stored_sound._Encoder(container.streams.audio[0], times, stored, "aac")
        packets = encoder.packets(container)
        next(packets)
        assert num_decoded < 20
        assert len(list(packets)) > 80
