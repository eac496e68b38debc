"""Small pictures in the background: complete, within bounds, used again, and never in the way."""

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.errors import FrameDecodeError
from sam2ov.ui.media import exact
from sam2ov.ui.media import proxies as proxies_module
from sam2ov.ui.media.pictures import THUMBNAIL_HEIGHT, FramePictures
from sam2ov.ui.media.proxies import Proxies
from sam2ov.ui.media.proxy_file import ProxyFile
from sam2ov.video import FrameReader, open_video
from sam2ov.video.isolated import IsolatedReader
from tests.clips import Encoding, make_scene, read_frame_number, stamp_frame_number, write_clip

NUM_FRAMES = 40
KEYFRAMES = [0, 10, 20, 30]
SECONDS = 20


@pytest.fixture(scope="session")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """720 pixels wide, with the number of each frame in it and a keyframe every ten."""
    frames = make_scene(NUM_FRAMES, (400, 720), seed=2).frames.copy()
    for number, frame in enumerate(frames):
        stamp_frame_number(frame, number)
    encoding = Encoding(options={"g": "10", "sc_threshold": "0"})
    return write_clip(tmp_path_factory.mktemp("numbered") / "clip", frames, encoding)


@pytest.fixture
def reader(numbered_clip: Path) -> Iterator[FrameReader]:
    with open_video(numbered_clip) as opened:
        yield opened


def decoded(jpeg: bytes | None) -> npt.NDArray[np.uint8]:
    assert jpeg is not None
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def number_in(jpeg: bytes | None) -> int:
    """The frame that a picture of any size shows."""
    return read_frame_number(
        np.asarray(cv2.resize(decoded(jpeg), (720, 400), interpolation=cv2.INTER_LINEAR), np.uint8)
    )


def test_every_frame_gets_a_picture_of_its_own(reader: FrameReader, tmp_path: Path) -> None:
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        assert proxies.share == 1
        for frame_idx in range(NUM_FRAMES):
            jpeg = proxies.get(frame_idx)
            assert jpeg is not None
            assert number_in(jpeg) == frame_idx
            assert decoded(jpeg).shape == (356, 640, 3)


def test_keyframes_all_over_the_clip_come_first(
    reader: FrameReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []
    put = ProxyFile.put

    def recorded(self: ProxyFile, frame_idx: int, jpeg: bytes) -> None:
        order.append(frame_idx)
        put(self, frame_idx, jpeg)

    monkeypatch.setattr(ProxyFile, "put", recorded)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
    assert sorted(order[:4]) == KEYFRAMES
    assert order[4:] == [f for f in range(NUM_FRAMES) if f not in KEYFRAMES]


def test_what_was_made_is_used_again(
    reader: FrameReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        first = proxies.get(17)
    reads: list[int] = []
    read = IsolatedReader.read

    def counted(self: IsolatedReader, frame_idx: int) -> Any:
        reads.append(frame_idx)
        return read(self, frame_idx)

    monkeypatch.setattr(IsolatedReader, "read", counted)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        assert proxies.get(17) == first
    assert reads == []


def test_it_goes_on_where_it_was_killed(reader: FrameReader, tmp_path: Path) -> None:
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
    pictures, index = tmp_path / "proxy.jpegs", tmp_path / "proxy.index"
    pictures.write_bytes(pictures.read_bytes()[: pictures.stat().st_size // 2])  # power gone
    records = bytearray(index.read_bytes())
    records[512 + 16 * 5 : 512 + 16 * 6] = bytes(16)
    records[512 + 16 * 6 : 512 + 16 * 7] = b"\xff" * 16
    place = np.frombuffer(records, np.int64, 2, 512 + 16 * 7).copy()
    place[0] += 3  # not the beginning of a picture
    records[512 + 16 * 7 : 512 + 16 * 8] = place.tobytes()
    index.write_bytes(records)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        proxies.get(7)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        shown = [proxies.get(f) for f in range(NUM_FRAMES)]
    missing = [f for f, jpeg in enumerate(shown) if jpeg is None]
    assert missing in ([], [7]), "what is damaged counts as missing"
    assert all(number_in(jpeg) == f for f, jpeg in enumerate(shown) if jpeg is not None)


def test_pictures_of_another_clip_are_thrown_away(
    reader: FrameReader, tmp_path: Path, clip_file: Path
) -> None:
    with open_video(clip_file) as other, Proxies(other, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        jpeg = proxies.get(3)
        assert jpeg is not None
        assert number_in(jpeg) == 3


def test_a_long_clip_gets_every_nth_frame(reader: FrameReader, tmp_path: Path) -> None:
    with Proxies(reader, tmp_path / "all") as proxies:
        assert proxies.is_done.wait(SECONDS)
        everything = (tmp_path / "all" / "proxy.jpegs").stat().st_size
    with Proxies(reader, tmp_path / "some", budget_bytes=everything // 2) as proxies:
        assert proxies.is_done.wait(SECONDS)
        stored = [f for f in range(NUM_FRAMES) if proxies.get(f) is not None]
    assert set(KEYFRAMES) <= set(stored)
    rest = [f for f in stored if f not in KEYFRAMES]
    assert len(rest) >= 8
    assert len({f % 3 for f in rest}) == 1, "evenly"
    one_more = everything / NUM_FRAMES
    assert (tmp_path / "some" / "proxy.jpegs").stat().st_size <= everything // 2 + one_more


def test_it_waits_while_somebody_waits(reader: FrameReader, tmp_path: Path) -> None:
    busy = threading.Event()
    busy.set()
    with Proxies(reader, tmp_path, busy.is_set) as proxies:
        time.sleep(0.3)
        assert proxies.share == 0
        busy.clear()
        assert proxies.is_done.wait(SECONDS)
        assert proxies.share == 1


def test_closing_does_not_wait_for_the_rest(reader: FrameReader, tmp_path: Path) -> None:
    proxies = Proxies(reader, tmp_path, lambda: True)
    began = time.monotonic()
    proxies.close()
    proxies.close()
    assert time.monotonic() - began < 2
    assert proxies.get(0) is None
    assert proxies.nearest(0) is None


def test_a_full_disk_is_logged_and_no_more(
    reader: FrameReader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put = ProxyFile.put

    def filling(self: ProxyFile, frame_idx: int, jpeg: bytes) -> None:
        if len(self) == 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(self, frame_idx, jpeg)

    monkeypatch.setattr(ProxyFile, "put", filling)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        pictures = FramePictures(reader, proxies)
        assert number_in(pictures.jpeg(33, "proxy")) == 33
        shown, jpeg = pictures.near(29)
        assert shown == number_in(jpeg) == 30
    assert "No space left" in caplog.text


def test_a_folder_that_takes_nothing_is_logged(
    reader: FrameReader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with Proxies(reader, tmp_path / "file" / "proxies") as proxies:
        assert proxies.is_done.is_set()
        pictures = FramePictures(reader, proxies)
        shown, jpeg = pictures.near(17)
        assert shown == number_in(jpeg) == 10, "the keyframe before it"
        pictures.close()
    assert "Scrubbing will be slower" in caplog.text


def test_two_windows_of_one_project_do_not_write_into_each_other(
    reader: FrameReader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Proxies(reader, tmp_path) as first, Proxies(reader, tmp_path) as second:
        assert second.is_done.is_set()
        assert second.get(0) is None
        assert first.is_done.wait(SECONDS)
    assert "in use by another" in caplog.text


def test_damaged_frames_are_left_out(
    reader: FrameReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = IsolatedReader.read

    def damaged(self: IsolatedReader, frame_idx: int) -> Any:
        if frame_idx == 12:
            raise FrameDecodeError("damaged")
        return read(self, frame_idx)

    monkeypatch.setattr(IsolatedReader, "read", damaged)
    with Proxies(reader, tmp_path) as proxies:
        assert proxies.is_done.wait(SECONDS)
        assert [f for f in range(NUM_FRAMES) if proxies.get(f) is None] == [12]
        nearest = proxies.nearest(12)
        assert nearest is not None
        assert nearest[0] in {11, 13}


def test_before_anything_is_stored_the_keyframe_is_near(
    reader: FrameReader, tmp_path: Path
) -> None:
    with Proxies(reader, tmp_path, lambda: True) as proxies:
        pictures = FramePictures(reader, proxies)
        shown, jpeg = pictures.near(29)
        assert shown == number_in(jpeg) == 20
        assert pictures.near(29) == (shown, jpeg)
        assert pictures.thumbnail(5) is None, "the strip asks for nothing to be decoded"
        pictures.close()


def test_a_thumbnail_is_of_a_frame_nearby_until_its_own_is_there(
    reader: FrameReader, tmp_path: Path
) -> None:
    busy = threading.Event()
    busy.set()
    with Proxies(reader, tmp_path, busy.is_set) as proxies:
        pictures = FramePictures(reader, proxies)
        pictures.small(2)
        early = pictures.thumbnail(7)
        assert early is not None
        assert (early.frame_idx, early.is_final) == (2, False)
        assert decoded(early.jpeg).shape == (THUMBNAIL_HEIGHT, 130, 3)
        busy.clear()
        assert proxies.is_done.wait(SECONDS)
        late = pictures.thumbnail(7)
        assert late is not None
        assert (late.frame_idx, late.is_final) == (7, True)
        assert late.jpeg != early.jpeg
        pictures.close()


def test_a_frame_that_nobody_looks_at_any_more_is_given_up(
    reader: FrameReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "_STRETCH", 4)
    stations: list[int] = []
    read = IsolatedReader.read

    def recorded(self: IsolatedReader, frame_idx: int) -> Any:
        stations.append(frame_idx)
        if frame_idx == 34:  # on the way to 39, the user goes elsewhere
            looking.look_at(5)
        return read(self, frame_idx)

    monkeypatch.setattr(IsolatedReader, "read", recorded)
    looking = exact.ExactFrames(reader)
    assert looking.read_while_looked_at(28) is not None
    assert stations == [24, 28]
    stations.clear()
    assert looking.read_while_looked_at(39) is None
    assert stations == [34]
    assert read_frame_number(looking.read(33)) == 33


@pytest.mark.parametrize(("level", "size_wh"), [("proxy", (640, 356)), ("view", (720, 400))])
def test_levels(reader: FrameReader, tmp_path: Path, level: Any, size_wh: tuple[int, int]) -> None:
    with Proxies(reader, tmp_path, lambda: True) as proxies:
        pictures = FramePictures(reader, proxies)
        height, width = pictures.size_of(level)
        assert (width, height) == size_wh
        jpeg = pictures.jpeg(23, level)
        assert decoded(jpeg).shape == (height, width, 3)
        assert number_in(jpeg) == 23


def test_few_keyframes_of_many_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies_module, "KEYFRAMES_FIRST", 5)
    assert proxies_module._spread(np.arange(0, 1001, 10)) == [0, 1000, 500, 250, 750]
    assert proxies_module._spread(np.array([0])) == [0]
