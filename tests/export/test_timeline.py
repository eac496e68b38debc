"""Timelines, read back by OpenTimelineIO: what lies where, and that the mattes are there."""

import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest

from sam2ov.errors import CancelledError, ExportError
from sam2ov.export import FORMATS, ExportSettings
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import FloatArray
from sam2ov.video import FrameReader, open_video
from tests.clips import Encoding, Scene, write_clip
from tests.export.conftest import OBJECTS, StoredLogits, Write, settings_of
from tests.export.readers import files_of, iou
from tests.video import ffmpeg

NAMES = ["my_clip-1-dog.mp4", "my_clip-7-ball.mp4"]
TEN_HOURS = 36_000 * 25


@pytest.fixture
def coded(scene: Scene, tmp_path: Path) -> Iterator[FrameReader]:
    """The scene at 25 fps, whose first frame is called 10:00:00:00; made by ffmpeg."""
    plain = write_clip(tmp_path / "plain", scene.frames, Encoding(fps=Fraction(25)))
    path = tmp_path / "coded.mov"
    ffmpeg.run("ffmpeg", "-i", plain, "-c", "copy", "-timecode", "10:00:00:00", path)
    with open_video(path) as opened:
        yield opened


def export(
    reader: FrameReader, logits: FloatArray, path: Path, frames: range, **options: object
) -> Path:
    masks = TrackedMasks(StoredLogits(logits), OBJECTS, frames)
    source = ExportSource.of("my clip.mp4", reader, masks)
    settings = settings_of("timeline", options, {})
    (written,) = run_export(FORMATS["timeline"], [source], path, settings)
    return written


def seconds(time: otio.opentime.RationalTime) -> float:
    return float(time.value / time.rate)


def test_a_timeline_of_a_clip_with_timecode(
    coded: FrameReader, logits: FloatArray, tmp_path: Path
) -> None:
    path = export(coded, logits, tmp_path / "out", range(5, 20), media="/Volumes/Media/my clip.mov")
    assert sorted(files_of(path)) == [*(f"mattes/{name}" for name in NAMES), "my_clip.otio"]
    timeline = otio.adapters.read_from_file(str(path / "my_clip.otio"))
    assert timeline.global_start_time == otio.opentime.RationalTime(TEN_HOURS + 5, 25)
    assert timeline.global_start_time.to_timecode() == "10:00:00:05"
    clip, *mattes = [track[0] for track in timeline.video_tracks()]
    assert [track.name for track in timeline.video_tracks()] == ["Clip", "dog", "ball"]
    assert clip.media_reference.target_url == "/Volumes/Media/my clip.mov"
    held = clip.available_range()
    assert (held.start_time.value, held.duration.value) == (TEN_HOURS, 24)
    for shown in (clip, *mattes):
        assert shown.source_range.start_time.value == TEN_HOURS + 5
        assert shown.source_range.duration.value == 15
    for matte, name, target in zip(mattes, NAMES, OBJECTS, strict=True):
        assert matte.media_reference.target_url == f"mattes/{name}"
        assert matte.available_range() == matte.source_range
        assert matte.metadata["sam2ov"]["object"] == target.name
        # The file says the same of itself.
        tags = ffmpeg.probe(path / "mattes" / name, "-show_entries", "stream_tags=timecode")
        assert tags["streams"][0]["tags"]["timecode"] == "10:00:00:05"


def test_mattes_are_those_of_each_object(
    coded: FrameReader, logits: FloatArray, tmp_path: Path
) -> None:
    path = export(coded, logits, tmp_path / "out", range(5))
    for number, name in enumerate(NAMES):
        with open_video(path / "mattes" / name) as reader:
            assert len(reader) == 5
            for frame_idx, frame in enumerate(reader):
                assert iou(frame[..., 0] > 127, logits[frame_idx, number] > 0) > 0.99


def test_final_cut_and_edl(coded: FrameReader, logits: FloatArray, tmp_path: Path) -> None:
    path = export(coded, logits, tmp_path / "fcp", range(5, 20), timeline="fcpxml")
    text = files_of(path)["my_clip.fcpxml"].decode()
    found = otio.adapters.read_from_string(text, "fcpx_xml")
    assert {clip.name for clip in found.find_clips()} >= {"my clip.mp4", "my_clip-1-dog"}
    path = export(coded, logits, tmp_path / "edl", range(5, 20), timeline="edl")
    lists = sorted(name for name in files_of(path) if name.endswith(".edl"))
    assert lists == ["my_clip-1-dog.edl", "my_clip-7-ball.edl", "my_clip.edl"]
    for name in lists:
        found = otio.adapters.read_from_string(files_of(path)[name].decode(), "cmx_3600", rate=25)
        (clip,) = found.find_clips()
        assert clip.source_range.start_time.to_timecode() == "10:00:00:05"
        assert clip.source_range.duration.value == 15


def test_an_archive_of_a_clip_with_uneven_times(
    write: Write, reader: FrameReader, tmp_path: Path
) -> None:
    (path,) = write("timeline", tmp_path / "out.zip", frames=range(3, 20))
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == [*(f"mattes/{n}" for n in NAMES), "my_clip.otio"]
        timeline = otio.adapters.read_from_string(archive.read("my_clip.otio").decode())
        (tmp_path / "matte.mp4").write_bytes(archive.read(f"mattes/{NAMES[0]}"))
    clip = timeline.video_tracks()[0][0]
    start, stop = (float(reader.info.time_of(i)) for i in (3, 20))
    half_a_frame = 0.5 / float(reader.info.fps)
    assert seconds(clip.source_range.start_time) == pytest.approx(start, abs=half_a_frame)
    assert seconds(clip.source_range.duration) == pytest.approx(stop - start, abs=2 * half_a_frame)
    times = [float(time) for time in ffmpeg.frame_times(tmp_path / "matte.mp4")]
    wanted = [float(reader.info.time_of(i)) - start for i in range(3, 20)]
    np.testing.assert_allclose(times, wanted, atol=1e-3)


def test_nothing_stays_where_it_was_cancelled(write: Write, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        write("timeline", tmp_path / "out", cancel=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2ov.export.format.find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"pip install 'sam2ov\[otio\]'"):
        FORMATS["timeline"].check(tmp_path / "out", ExportSettings())
    FORMATS["overlay"].check(tmp_path / "out.mp4", ExportSettings())


def test_timecode_in_names(
    coded: FrameReader, reader: FrameReader, logits: FloatArray, tmp_path: Path
) -> None:
    def stills(video: FrameReader, path: Path) -> Path:
        source = ExportSource.of(
            "a.mov", video, TrackedMasks(StoredLogits(logits), OBJECTS, range(2))
        )
        settings = ExportSettings(names="{clip}.{timecode}")
        (written,) = run_export(FORMATS["png-matte"], [source], path, settings)
        return written

    for _ in range(2):  # and such a folder may be replaced
        path = stills(coded, tmp_path / "out")
    assert sorted(files_of(path)) == ["a.10-00-00-00.png", "a.10-00-00-01.png"]
    with pytest.raises(ExportError, match=r"a\.mov has no timecode to put into names"):
        stills(reader, tmp_path / "none")
    settings = ExportSettings(names="{object}-{timecode}", per_object=True)
    with pytest.raises(ExportError, match="for files of single frames"):
        FORMATS["matte"].check(tmp_path / "a.mp4", settings)


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(25, 2)], ids=str)
def test_rates_that_an_adapter_does_not_know_are_told_before_the_mattes(
    scene: Scene, logits: FloatArray, tmp_path: Path, fps: Fraction
) -> None:
    clip = write_clip(tmp_path / "clip", scene.frames, Encoding(fps=fps))
    with open_video(clip) as reader:
        path = export(reader, logits, tmp_path / "out", range(3))
        found = otio.adapters.read_from_file(str(path / "my_clip.otio"))
        assert found.global_start_time.rate == pytest.approx(float(fps))
        with pytest.raises(ExportError, match=r"fcpxml cannot tell of .* Choose timeline=otio"):
            export(reader, logits, tmp_path / "fcp", range(3), timeline="fcpxml")
    assert not (tmp_path / "fcp").exists()
