"""Image sequences: numbers are kept, gaps are known, shots are told apart."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2ov.errors import VideoOpenError
from sam2ov.video import open_video
from sam2ov.video.sequences import find_sequence, is_pattern
from sam2ov.video.served import open_in_process


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(np.full((8, 8, 3), len(name), np.uint8)).save(folder / name)
    return folder


def found(place: Path) -> list[tuple[str, int]]:
    sequence = find_sequence(place, "it")
    return list(zip((path.name for path in sequence.paths), sequence.numbers, strict=True))


def test_numbers_are_kept_and_gaps_are_known(tmp_path: Path) -> None:
    names = [f"plate.{number}.png" for number in (1001, 1002, 1003, 1006, 1007)]
    folder = touch(tmp_path / "plates", *names)
    for place in (folder, folder / "plate.####.png", folder / "plate.%04d.png"):
        with open_video(place) as reader:
            info = reader.info
            assert info.frame_numbers is not None
            assert info.frame_numbers.tolist() == [1001, 1002, 1003, 1006, 1007]
            assert (info.number_of(3), info.number_of(3, 0), info.missing_numbers) == (1006, 3, 2)
            assert reader.read(4).shape == (8, 8, 3)
    with open_in_process(folder / names[0]) as reader:
        assert len(reader) == 1, "an image is an image"


def test_the_number_that_changes_is_the_frame_s(tmp_path: Path) -> None:
    ten = touch(tmp_path / "ten", "8in10.png", "9in10.png", "10in10.png")
    assert found(ten) == [("8in10.png", 8), ("9in10.png", 9), ("10in10.png", 10)]
    take = touch(tmp_path / "take", "take2_099.png", "take2_100.png", "take02_101.png")
    assert [number for _, number in found(take)] == [99, 100, 101]


def test_two_shots_in_a_folder_are_told_apart(tmp_path: Path) -> None:
    names = [f"shot{shot}.{number:04d}.png" for shot in "AB" for number in (1, 2)]
    folder = touch(tmp_path / "shots", *names)
    with pytest.raises(VideoOpenError, match=r"2 sequences .*shotA\.####\.png, shotB\.####\.png"):
        open_video(folder)
    assert found(folder / "shotB.####.png") == [("shotB.0001.png", 1), ("shotB.0002.png", 2)]
    numbered = touch(tmp_path / "numbered", "1_01.png", "1_02.png", "2_01.png", "2_02.png")
    with pytest.raises(VideoOpenError, match=r"1_##\.png, 2_##\.png"):
        find_sequence(numbered, "it")
    touch(numbered, "cover.png")
    with pytest.raises(VideoOpenError, match="3 sequences"):
        find_sequence(numbered, "it")


def test_images_without_numbers_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = touch(tmp_path / "plain", "b.png", "A.png", "c.png")
    sequence = find_sequence(folder, "it")
    assert [path.name for path in sequence.paths] == ["A.png", "b.png", "c.png"]
    assert sequence.numbers == ()
    with open_in_process(folder) as reader:
        assert reader.info.number_of(2) == 2


def test_what_cannot_be_meant_is_told(tmp_path: Path) -> None:
    folder = touch(tmp_path / "twice", "a1.png", "a01.png")
    with pytest.raises(VideoOpenError, match=r"Two images of a##?\.png have the number 1"):
        find_sequence(folder, "it")
    with pytest.raises(VideoOpenError, match="There are no images it"):
        find_sequence(folder / "b.####.png", "it")
    long = touch(tmp_path / "long", "a_99999999999999999999.png", "a_7.png")
    assert find_sequence(long / "a_#.png", "it").numbers == (7,)
    assert not is_pattern(folder / "a1.png")
    assert not is_pattern(tmp_path / "nowhere" / "a.####.png")
    assert not is_pattern(tmp_path / "take #2.mp4"), "a clip that is not there"


@given(numbers=st.sets(st.integers(0, 10**6), min_size=1, max_size=30), padding=st.integers(1, 7))
def test_any_numbers_come_back(
    numbers: set[int], padding: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for number in numbers:
        (folder / f"v2_x.{number:0{padding}d}.exr").touch()
    assert find_sequence(folder, "it").numbers == tuple(sorted(numbers))


def test_gaps_are_held_by_choice(tmp_path: Path) -> None:
    folder = tmp_path / "plates"
    folder.mkdir()
    for number in (1001, 1002, 1006, 1007):
        picture = Image.fromarray(np.full((8, 8, 3), number - 900, np.uint8))
        picture.save(folder / f"plate.{number}.png")
    with open_video(folder, holds_gaps=True) as reader:
        info = reader.info
        assert (info.num_frames, info.num_held, info.missing_numbers) == (7, 3, 0)
        assert [info.number_of(frame) for frame in range(7)] == list(range(1001, 1008))
        shown = [int(frame[0, 0, 0]) for frame in reader]
        assert shown == [101, 102, 102, 102, 102, 106, 107]
        assert "3 images are missing: the one before each is shown" in info.treatment
    with open_video(folder) as reader:
        assert (reader.info.num_frames, reader.info.num_held) == (4, 0)


def test_a_number_far_away_is_no_million_frames(tmp_path: Path) -> None:
    folder = touch(tmp_path / "far", "a.1.png", "a.900000000.png")
    with open_video(folder) as reader:
        assert len(reader) == 2
    with pytest.raises(VideoOpenError, match="frames"):
        open_video(folder, holds_gaps=True)
