"""Videos that another process decodes: the same frames, whatever happens to that process."""

import gc
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sam2ov.errors import CancelledError, FrameDecodeError, VideoError, VideoOpenError
from sam2ov.video import FrameReader, PictureForm, VideoLimits, open_video, served
from sam2ov.video import isolated as isolated_module
from sam2ov.video.isolated import IsolatedReader
from sam2ov.video.served import open_in_process
from sam2ov.workers import worker as worker_module
from sam2ov.workers.confinement import Confinement
from tests.clips import (
    CLIP_KINDS,
    Encoding,
    Scene,
    write_clip,
    write_gif,
    write_image_folder,
    write_kind,
)
from tests.workers import misdeeds

SMALL = PictureForm(max_side=64)


def process_of(reader: object) -> int:
    """The process that decodes for a reader."""
    assert isinstance(reader, IsolatedReader)
    return reader._clip.worker()._process.popen.pid


def read_until_it_fails(reader: FrameReader, frame_idx: int) -> None:
    """A process that was killed may go on for a moment."""
    while True:
        reader.read(frame_idx)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("kind", ["h264-open-gop", "vp9-alpha", "h264-rotate-90", "h264-vfr"])
def test_frames_are_those_of_this_process(kind: str, tmp_path: Path, scene: Scene) -> None:
    assert kind in CLIP_KINDS
    path = write_kind(kind, tmp_path / "clip", scene.frames)
    with open_video(path) as reader, open_in_process(path) as here:
        assert reader.info == here.info
        assert reader.info.frame_pts.tolist() == here.info.frame_pts.tolist()
        assert reader.keyframes.tolist() == here.keyframes.tolist()
        for frame_idx in (*range(len(here)), 0, 5, 4, 3):
            np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))
        assert not reader.read(0).flags.writeable
        backwards = reader.iter_frames(8, 2, -2)
        for shown, expected in zip(backwards, here.iter_frames(8, 2, -2), strict=True):
            np.testing.assert_array_equal(shown, expected)
        with pytest.raises(IndexError, match="outside of"):
            reader.read(len(reader))


def test_gifs_folders_and_single_images(tmp_path: Path, scene: Scene) -> None:
    folder = write_image_folder(tmp_path / "images", scene.frames[:4])
    gif = write_gif(tmp_path / "clip.gif", scene.frames[:4])
    one = sorted(folder.iterdir())[2]
    for path, count in ((folder, 4), (gif, 4), (one, 1)):
        with open_video(path) as reader, open_in_process(path) as here:
            assert len(reader) == count
            for frame_idx in range(count):
                np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))


def test_twins_share_the_process(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    reader = open_video(path)
    process = process_of(reader)
    half = reader.twin(cache_bytes=0, form=SMALL)
    other = reader.twin(cache_bytes=1 << 20)
    assert process_of(half) == process_of(other) == process
    assert half.read(3).shape[:2] == half.size_hw == (48, 64)
    np.testing.assert_array_equal(other.read(3), reader.read(3))
    half.close()
    reader.close()
    other.read(5)
    assert is_alive(process)
    other.close()
    other.close()
    assert not is_alive(process), "the last one has ended it"
    with pytest.raises(VideoError, match="was closed"):
        other.read(0)


def test_readers_are_used_from_several_threads(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    wrong: list[object] = []
    with open_video(path) as reader, reader.twin(cache_bytes=0) as twin:

        def look(which: FrameReader, order: list[int]) -> None:
            try:
                for frame_idx in order:
                    frame = which.read(frame_idx)
                    if not np.array_equal(frame, expected[frame_idx]):
                        wrong.append(frame_idx)
            except BaseException as error:
                wrong.append(error)

        expected = [frame.copy() for frame in open_in_process(path)]
        orders = [
            list(np.random.default_rng(seed).integers(0, len(expected), 30)) for seed in (1, 2)
        ]
        threads = [
            threading.Thread(target=look, args=(which, [int(n) for n in order]))
            for which in (reader, reader, twin)
            for order in orders
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def allow_misdeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers find the code of their misdeeds."""
    tests = Path(misdeeds.__file__).parents[1]
    monkeypatch.setattr(
        isolated_module,
        "Confinement",
        lambda reads, memory_bytes: Confinement((*reads, tests), memory_bytes=memory_bytes),
    )


def test_a_process_that_is_killed_is_replaced_and_no_frame_is_missing(
    tmp_path: Path, scene: Scene
) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    with (
        open_video(path) as reader,
        reader.twin(cache_bytes=0, form=SMALL) as half,
        open_in_process(path) as here,
    ):
        seen = {process_of(reader)}
        for frame_idx in (*range(8), 3, 2):
            os.kill(process_of(reader), signal.SIGKILL)
            np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))
            seen.add(process_of(reader))
        assert half.read(2).shape[:2] == (48, 64)
        assert process_of(reader) == process_of(half)
        assert len(seen) > 3


def test_a_frame_that_stops_its_process_is_told_of_and_no_other(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_misdeeds(monkeypatch)
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 3.0)
    path = write_clip(tmp_path / "clip", scene.frames)
    with open_video(path) as reader, open_in_process(path) as here:
        monkeypatch.setattr(served, "read", misdeeds.read_frames)
        for frame_idx in range(10):
            if frame_idx in {misdeeds.CRASHING, misdeeds.HANGING}:
                said = "crashed" if frame_idx == misdeeds.CRASHING else "no sign of life"
                with pytest.raises(FrameDecodeError, match=rf"^frame {frame_idx} of .*{said}"):
                    reader.read(frame_idx)
            else:
                np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))
        # The one that hangs is asked for ahead, and not wanted after all.
        for frame_idx in (5, 6, 2, 3):
            np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))


def test_a_frame_that_raises_what_nobody_expected_is_the_only_one_that_fails(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_misdeeds(monkeypatch)
    path = write_clip(tmp_path / "clip", scene.frames)
    with open_video(path) as reader, open_in_process(path) as here:
        monkeypatch.setattr(served, "read", misdeeds.read_or_stumble)
        process = process_of(reader)
        for frame_idx in range(10):
            if frame_idx == misdeeds.STUMBLING:
                with pytest.raises(FrameDecodeError, match=f"^frame {frame_idx} of .*KeyError"):
                    reader.read(frame_idx)
            else:
                np.testing.assert_array_equal(reader.read(frame_idx), here.read(frame_idx))
        assert process_of(reader) == process, "which is as good as before"


def test_frames_that_are_kept_stay_as_they_are(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    with open_video(path) as reader, open_in_process(path) as here:
        kept = list(reader)
        parts = [reader.read(frame_idx)[2:5, ::2] for frame_idx in (3, 4, 9)]
        del kept[::2]
        gc.collect()
        again = list(reader)
        for frame, expected in zip(kept, list(here)[1::2], strict=True):
            np.testing.assert_array_equal(frame, expected)
        for frame, expected in zip(again, here, strict=True):
            np.testing.assert_array_equal(frame, expected)
        for part, frame_idx in zip(parts, (3, 4, 9), strict=True):
            np.testing.assert_array_equal(part, here.read(frame_idx)[2:5, ::2])
    assert again[5].any(), "also when the reader is closed"


def test_another_file_in_its_place_is_noticed(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    with open_video(path) as reader:
        write_clip(tmp_path / "clip", scene.frames[:5])
        with pytest.raises(VideoOpenError, match="not the file any more"):
            reader.twin(cache_bytes=0)
        os.kill(process_of(reader), signal.SIGKILL)
        with pytest.raises(VideoOpenError, match="not the file any more"):
            read_until_it_fails(reader, 4)


def test_a_video_that_hangs_whoever_opens_it(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_misdeeds(monkeypatch)
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(served, "open_first", misdeeds.hang_whatever)
    path = write_clip(tmp_path / "clip", scene.frames[:3])
    with pytest.raises(VideoOpenError, match=r"clip.* cannot be opened: reading it gave no sign"):
        open_video(path)
    monkeypatch.setattr(worker_module, "SILENCE_SECONDS", 60.0)
    deadline = time.monotonic() + 1
    with pytest.raises(CancelledError, match="Opening the clip was cancelled"):
        open_video(path, cancel=lambda: time.monotonic() > deadline)


def test_memory_of_the_process_is_bounded(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_module, "MEMORY_BYTES", 200 << 20)
    large = np.tile(scene.frames[:3], (1, 44, 44, 1))  # 24 million pixels
    path = write_clip(tmp_path / "clip", large, Encoding(options={"preset": "ultrafast"}))
    with pytest.raises(VideoOpenError, match=r"memory|none of the 3 pictures"):
        open_video(path)


def test_limits_hold_and_names_are_people_s(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    with pytest.raises(VideoOpenError, match=r"^holiday has more than 5 frames"):
        open_video(path, VideoLimits(max_frames=5), name="holiday")
    with pytest.raises(VideoOpenError, match=r"missing\.mp4 does not exist"):
        open_video(tmp_path / "missing.mp4")


def test_no_process_outlives_its_readers(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    reader = open_video(path)
    process = process_of(reader)
    del reader
    gc.collect()
    deadline = time.monotonic() + 20
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(process)


def test_readers_go_on_with_a_copy_of_a_file_that_was_deleted(tmp_path: Path, scene: Scene) -> None:
    path = write_clip(tmp_path / "clip", scene.frames)
    with open_video(path) as reader, reader.twin(cache_bytes=0) as other:
        before, first = reader.read(3), process_of(reader)
        copy = path.rename(tmp_path / "copy.mp4")
        reader.move(copy)
        with reader.twin(cache_bytes=0) as late:
            for one in (reader, other, late):
                assert np.array_equal(one.read(3), before)
        assert process_of(reader) != first
        gc.collect()
        deadline = time.monotonic() + 20
        while is_alive(first) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_alive(first), "nobody reads by it any more"
