"""Frame N is the same picture, whatever the container, the codec and the way to reach it."""

import random
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam2ov.errors import FrameDecodeError, VideoError, VideoOpenError
from sam2ov.video import VideoReader
from sam2ov.video.decoder import StreamDecoder
from sam2ov.video.served import open_in_process
from tests.clips import (
    CLIP_KINDS,
    Encoding,
    Frames,
    Scene,
    cut_with_edit_list,
    make_scene,
    make_scene_with_alpha,
    read_frame_number,
    vfr_times,
    write_clip,
    write_gif,
    write_kind,
)

NUM_FRAMES = 30
SIZE_HW = (96, 128)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return make_scene(NUM_FRAMES, SIZE_HW, seed=1).frames


@pytest.fixture(scope="module")
def alpha_frames() -> Frames:
    return make_scene_with_alpha(NUM_FRAMES, SIZE_HW, seed=1)


@pytest.fixture
def started_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Records the keyframe of every seek."""
    keys: list[int] = []
    run_from = StreamDecoder.run_from

    def recorded(self: StreamDecoder, index: object, key: int) -> object:
        keys.append(key)
        return run_from(self, index, key)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamDecoder, "run_from", recorded)
    return keys


def read_in_order(path: Path, started_runs: list[int] | None = None) -> list[NDArray[np.uint8]]:
    with open_in_process(path) as reader:
        if started_runs is not None:
            started_runs.clear()  # opening may look at some frames
        return list(reader.iter_frames())


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_every_frame_is_found_by_number_in_any_order(
    kind: str, tmp_path: Path, frames: Frames, alpha_frames: Frames, started_runs: list[int]
) -> None:
    has_alpha = kind in {"prores-4444", "vp9-alpha"}
    written = alpha_frames if has_alpha else frames
    path = write_kind(kind, tmp_path / "clip", written)

    in_order = read_in_order(path, started_runs)
    assert len(started_runs) == 1, "reading in order must not seek"
    assert len(in_order) == NUM_FRAMES
    assert [read_frame_number(frame) for frame in in_order] == list(range(NUM_FRAMES))
    assert all(frame.shape == (*SIZE_HW, 3) for frame in in_order)
    expected = written[..., :3]
    if has_alpha:
        expected = expected * (written[..., 3:] > 127)  # on black
    difference = np.abs(np.stack(in_order).astype(int) - expected).mean()
    assert difference < 12, "the right colours, within what lossy compression does to noise"

    with open_in_process(path, cache_bytes=0) as reader:
        assert len(reader) == reader.info.num_frames == NUM_FRAMES
        order = random.Random(kind).sample(range(NUM_FRAMES), NUM_FRAMES)
        for frame_idx in order:
            np.testing.assert_array_equal(reader.read(frame_idx), in_order[frame_idx])

    frame_bytes = in_order[0].nbytes
    with open_in_process(path, cache_bytes=8 * frame_bytes) as reader:
        backwards = list(reader.iter_frames(step=-1))
    for frame, expected in zip(backwards, reversed(in_order), strict=True):
        np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_number_of_frames_is_that_of_a_full_decode(
    kind: str, tmp_path: Path, frames: Frames, alpha_frames: Frames
) -> None:
    written = alpha_frames if kind in {"prores-4444", "vp9-alpha"} else frames
    path = write_kind(kind, tmp_path / "clip", written)
    with av.open(str(path)) as container:
        expected = sum(1 for _ in container.decode(video=0))
    with open_in_process(path) as reader:
        assert len(reader) == expected


def test_gif_frames_depend_on_all_before(tmp_path: Path, frames: Frames) -> None:
    path = write_gif(tmp_path / "clip", frames, [50, 120] * (NUM_FRAMES // 2))
    in_order = read_in_order(path)
    assert [read_frame_number(frame) for frame in in_order] == list(range(NUM_FRAMES))
    with open_in_process(path, cache_bytes=0) as reader:
        assert reader.info.is_vfr
        assert reader.info.time_of(2) == Fraction(17, 100)
        for frame_idx in (20, 3, 29, 0, 11):
            np.testing.assert_array_equal(reader[frame_idx], in_order[frame_idx])


def test_edit_list_hides_frames_without_losing_their_references(
    tmp_path: Path, frames: Frames
) -> None:
    source = write_clip(
        tmp_path / "whole", frames, Encoding(options={"g": "10", "bf": "2"}, fps=Fraction(20))
    )
    path = cut_with_edit_list(source, tmp_path / "cut.mp4", Fraction(7, 20))
    in_order = read_in_order(path)
    assert [read_frame_number(frame) for frame in in_order] == list(range(7, NUM_FRAMES))
    with open_in_process(path, cache_bytes=0) as reader:
        assert reader.info.frame_pts[0] == 0
        for frame_idx in (5, 0, 22, 3, 13):
            np.testing.assert_array_equal(reader[frame_idx], in_order[frame_idx])


def test_an_edit_list_that_leaves_nothing(tmp_path: Path, frames: Frames) -> None:
    source = write_clip(tmp_path / "whole", frames, Encoding(options={"g": "10"}, fps=Fraction(20)))
    path = cut_with_edit_list(source, tmp_path / "cut.mp4", Fraction(100))
    for verify in (False, True):
        with pytest.raises(VideoOpenError, match=r"shows none of its 10 pictures.*edit list"):
            open_in_process(path, verify=verify)


def test_sound_of_an_unknown_kind_is_none(tmp_path: Path, frames: Frames) -> None:
    path = write_clip(tmp_path / "clip", frames, Encoding(".mkv", audio="libopus"))
    content = path.read_bytes()
    assert content.count(b"A_OPUS") == 1
    path.write_bytes(content.replace(b"A_OPUS", b"A_ZZZZ"))
    with open_in_process(path) as reader:
        assert len(reader) == NUM_FRAMES
        assert not reader.info.has_audio


def test_one_frame(tmp_path: Path, frames: Frames) -> None:
    path = write_clip(tmp_path / "one", frames[:1])
    with open_in_process(path) as reader:
        assert len(reader) == 1
        assert read_frame_number(reader[0]) == 0
        assert reader.info.duration == Fraction(1, 24)
        assert not reader.info.is_vfr


@pytest.mark.parametrize("size_hw", [(95, 127), (96, 127), (17, 65)])
def test_odd_sizes(size_hw: tuple[int, int], tmp_path: Path) -> None:
    frames = make_scene(4, size_hw, seed=2).frames
    path = write_clip(tmp_path / "odd", frames, Encoding(".mkv", "ffv1", "yuv420p"))
    with open_in_process(path) as reader:
        assert reader.size_hw == size_hw
        assert [read_frame_number(frame) for frame in reader] == [0, 1, 2, 3]
        assert np.abs(reader[3].astype(int) - frames[3]).mean() < 5


def test_pictures_before_the_first_keyframe_are_left_out(tmp_path: Path, frames: Frames) -> None:
    """A recording that begins in the middle of an open group of pictures."""
    x265 = "keyint=6:min-keyint=6:bframes=3:open-gop=1:log-level=none:scenecut=0"
    whole = write_clip(
        tmp_path / "whole", frames, Encoding(".mkv", "libx265", options={"x265-params": x265})
    )
    path = tmp_path / "late.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        keyframes = 0
        for packet in source.demux(video=0):
            keyframes += packet.is_keyframe
            if keyframes >= 2 and packet.size:
                packet.stream = copy
                target.mux(packet)
    in_order = read_in_order(path)
    numbers = [read_frame_number(frame) for frame in in_order]
    assert numbers == list(range(numbers[0], NUM_FRAMES))
    with av.open(str(path)) as container:
        assert len(numbers) == sum(1 for _ in container.decode(video=0))
    with av.open(str(path)) as container:
        assert len(numbers) < sum(1 for packet in container.demux(video=0) if packet.size)
    with open_in_process(path, cache_bytes=0) as reader:
        for frame_idx in reversed(range(0, len(numbers), 3)):
            np.testing.assert_array_equal(reader[frame_idx], in_order[frame_idx])


def test_frames_are_read_only_and_indexed_like_a_sequence(clip: Path) -> None:
    with open_in_process(clip) as reader:
        assert np.array_equal(reader[-1], reader.read(len(reader) - 1))
        with pytest.raises(ValueError, match="read-only"):
            reader[0][0, 0, 0] = 1
        for wrong in (len(reader), -len(reader) - 1):
            with pytest.raises(IndexError, match="which has frames 0 to 23"):
                reader[wrong]
        some = [read_frame_number(frame) for frame in reader.iter_frames(20, 3, -4)]
        assert some == list(range(20, 3, -4))
        some = [read_frame_number(frame) for frame in reader.iter_frames(-3, None)]
        assert some == [21, 22, 23]


def test_closed_reader_says_so(clip: Path) -> None:
    reader = open_in_process(clip)
    reader.read(0)
    reader.close()
    reader.close()
    with pytest.raises(VideoError, match="was closed"):
        reader.read(0)


def test_cache_stays_within_its_bytes(clip: Path, scene: Scene) -> None:
    budget = 5 * scene.frames[0].nbytes + 1
    with open_in_process(clip, cache_bytes=budget) as reader:
        for frame_idx in (0, 23, 5, 4, 3, 2, 1, 0, *range(24)):
            reader.read(frame_idx)
            assert reader._cache.num_bytes <= budget
        assert reader._cache.num_bytes == 5 * scene.frames[0].nbytes


def test_going_back_decodes_a_group_of_pictures_once(
    tmp_path: Path, frames: Frames, started_runs: list[int]
) -> None:
    path = write_kind("h264-long-gop", tmp_path / "clip", frames)
    with open_in_process(path) as reader:
        for frame_idx in reversed(range(NUM_FRAMES)):
            assert read_frame_number(reader.read(frame_idx)) == frame_idx
    # The first jump, and one more when it turns out that the user walks backwards.
    assert len(started_runs) == 2
    started_runs.clear()
    with open_in_process(path) as reader:
        assert len(list(reader.iter_frames(step=-1))) == NUM_FRAMES
    assert len(started_runs) == 1


def test_jumping_forward_within_a_group_of_pictures_decodes_on(
    tmp_path: Path, frames: Frames, started_runs: list[int]
) -> None:
    path = write_kind("h264-long-gop", tmp_path / "clip", frames)
    with open_in_process(path) as reader:
        for frame_idx in (0, 7, 19, 28):
            assert read_frame_number(reader.read(frame_idx)) == frame_idx
    assert len(started_runs) == 1


def test_threads_share_a_reader(clip: Path) -> None:
    wrong: list[tuple[int, int]] = []
    with open_in_process(clip, cache_bytes=0) as reader:

        def read_some(seed: int) -> None:
            for frame_idx in random.Random(seed).choices(range(24), k=15):
                number = read_frame_number(reader.read(frame_idx))
                if number != frame_idx:
                    wrong.append((frame_idx, number))

        threads = [threading.Thread(target=read_some, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_closing_while_another_thread_reads(clip: Path) -> None:
    outcome: list[BaseException | None] = []
    started = threading.Event()
    reader = open_in_process(clip, cache_bytes=0)

    def read_on() -> None:
        try:
            while True:
                for frame_idx in (0, 23, 11):
                    reader.read(frame_idx)
                    started.set()
        except VideoError as error:
            outcome.append(error)

    thread = threading.Thread(target=read_on)
    thread.start()
    assert started.wait(30)
    reader.close()
    thread.join(30)
    assert len(outcome) == 1


def test_file_that_vanishes_while_it_is_read(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip.read_bytes())
    with open_in_process(path, cache_bytes=0) as reader:
        assert isinstance(reader, VideoReader)
        path.unlink()
        with pytest.raises(VideoOpenError, match="does not exist"):
            reader._decoder.be_careful()
        # What is open stays usable.
        assert read_frame_number(reader.read(20)) == 20
        assert read_frame_number(reader.read(2)) == 2


def test_damage_stays_where_it_is(tmp_path: Path, frames: Frames) -> None:
    """Frames are decoded several at once, but a broken one does not take others with it."""
    path = write_clip(tmp_path / "clip", frames, Encoding(options={"g": "1", "preset": "veryfast"}))
    in_order = read_in_order(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for damaged in (9, 10, 29):
        position, size = packets[damaged].pos, packets[damaged].size
        assert position is not None
        data[position : position + size] = bytes(size)
    path.write_bytes(data)
    with open_in_process(path, cache_bytes=0) as reader:
        readable = []
        for frame_idx in range(NUM_FRAMES):
            try:
                frame = reader.read(frame_idx)
            except FrameDecodeError:
                continue
            readable.append(frame_idx)
            np.testing.assert_array_equal(frame, in_order[frame_idx])
    assert readable == [i for i in range(NUM_FRAMES) if i not in (9, 10, 29)]


def test_damaged_frames_are_named_and_can_be_left_out(tmp_path: Path, frames: Frames) -> None:
    path = write_kind("png-mov", tmp_path / "clip", frames)
    with av.open(str(path)) as container:
        positions = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for damaged in (7, 20):
        position = positions[damaged]
        assert position is not None
        data[position : position + 8] = bytes(8)
    path.write_bytes(data)
    with open_in_process(path) as reader:
        for damaged in (7, 20):
            with pytest.raises(FrameDecodeError, match=f"frame {damaged} of .* is damaged"):
                reader.read(damaged)
            assert read_frame_number(reader.read(damaged + 1)) == damaged + 1
    with open_in_process(path, verify=True) as reader:
        numbers = [read_frame_number(frame) for frame in reader]
        assert numbers == [i for i in range(NUM_FRAMES) if i not in (7, 20)]
        assert reader.info.time_of(7) == Fraction(8, 24)


def test_a_single_frame_is_found_where_seeking_fails(tmp_path: Path, scene: Scene) -> None:
    encoding = Encoding(".ts", options={"g": "2", "bf": "1"})
    path = write_clip(tmp_path / "clip", scene.frames[:1], encoding)
    with open_in_process(path, cache_bytes=0) as reader:
        for _ in range(2):
            assert read_frame_number(reader.read(0)) == 0


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    return write_kind("h264-mp4", folder / "clip", scene.frames)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_random_access_equals_sequential_reading(
    data: st.DataObject, tmp_path: Path, frames: Frames
) -> None:
    num_frames = data.draw(st.integers(1, NUM_FRAMES), "frames")
    gop = data.draw(st.integers(1, 16), "gop")
    b_frames = data.draw(st.integers(0, 4), "b-frames")
    open_gop = data.draw(st.booleans(), "open gop")
    pyramid = data.draw(st.sampled_from(["none", "strict", "normal"]), "pyramid")
    vfr = data.draw(st.booleans(), "vfr")
    suffix = data.draw(st.sampled_from([".mp4", ".mkv", ".ts", ".avi", ".flv"]), "container")
    x264 = f"open-gop={int(open_gop)}:b-pyramid={pyramid}"
    encoding = Encoding(
        suffix,
        options={"g": str(gop), "bf": str(b_frames), "x264-params": x264, "preset": "veryfast"},
        times=vfr_times(num_frames) if vfr and suffix != ".avi" else None,
        time_base=Fraction(1, 1000) if vfr and suffix != ".avi" else None,
    )
    path = write_clip(tmp_path / "clip", frames[:num_frames], encoding)
    in_order = read_in_order(path)
    assert [read_frame_number(frame) for frame in in_order] == list(range(num_frames))
    held = data.draw(st.integers(0, 6), "cached frames")
    order = data.draw(st.lists(st.integers(0, num_frames - 1), min_size=1, max_size=14), "order")
    with open_in_process(path, cache_bytes=held * in_order[0].nbytes) as reader:
        for frame_idx in order:
            np.testing.assert_array_equal(reader.read(frame_idx), in_order[frame_idx])
