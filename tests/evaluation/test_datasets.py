from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sam2ov.errors import DatasetError
from sam2ov.evaluation.datasets import find_sequences, read_labels
from tests.evaluation.conftest import NUM_FRAMES, square_masks, write_frames, write_masks


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """The layout of DAVIS: two sequences, each with two objects; 2016 lists one of them."""
    root = tmp_path / "DAVIS"
    masks = square_masks(3)
    labels = masks.astype(np.uint8)
    labels[:, 20:30, 12:20] *= 2
    labels[:, :4, :4] = 255
    for name in ("bear", "dance"):
        write_frames(root / "JPEGImages" / "480p" / name, masks)
        write_masks(root / "Annotations" / "480p" / name, labels, palette=True)
    for year, lines in (
        ("2016", "/JPEGImages/480p/dance/00000.jpg /Annotations/480p/dance/00000.png\n" * 2),
        ("2017", "dance\nbear\n\n"),
    ):
        (root / "ImageSets" / year).mkdir(parents=True)
        (root / "ImageSets" / year / "val.txt").write_text(lines)
    return root


def test_frames_and_masks(plain_dataset: Path) -> None:
    sequences = find_sequences(plain_dataset)
    assert [sequence.name for sequence in sequences] == ["left", "right"]
    assert [len(sequence.masks) for sequence in sequences] == [NUM_FRAMES] * 2
    assert sequences[0].num_frames == NUM_FRAMES
    for sequence in sequences:
        found = sequence.read_labels(sequence.masks[0])
        assert set(np.unique(found)) == {0, 1}
    [alone] = find_sequences(plain_dataset / "left")
    assert alone.name == "left"
    assert [s.name for s in find_sequences(plain_dataset, names=["right"])] == ["right"]


def test_davis_2017_keeps_objects_and_the_order_of_the_list(davis: Path) -> None:
    sequences = find_sequences(davis)
    assert [sequence.name for sequence in sequences] == ["dance", "bear"]
    assert set(np.unique(sequences[0].read_labels(sequences[0].masks[0]))) == {0, 1, 2}


def test_davis_2016_joins_objects(davis: Path) -> None:
    [sequence] = find_sequences(davis, year="2016")
    assert sequence.name == "dance"
    found = sequence.read_labels(sequence.masks[0])
    np.testing.assert_array_equal(found, square_masks(3)[0])


def test_youtube_vos(davis: Path, tmp_path: Path) -> None:
    root = tmp_path / "valid"
    for kind in ("JPEGImages", "Annotations"):
        (root / kind).mkdir(parents=True)
        (davis / kind / "480p" / "bear").rename(root / kind / "bear")
    (root / "Annotations" / "bear" / "00001.png").unlink()
    [sequence] = find_sequences(root)
    assert (sequence.name, sequence.num_frames, len(sequence.masks)) == ("bear", 3, 2)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA"])
def test_black_and_white_is_one_object(tmp_path: Path, mode: str) -> None:
    mask = square_masks(1)[0]
    Image.fromarray(mask.astype(np.uint8) * 255).convert(mode).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "m.png"), mask)


def test_grey_values_are_labels_and_255_is_void(tmp_path: Path) -> None:
    values = np.array([[0, 1], [7, 255]], np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    Image.fromarray(values).save(tmp_path / "m.png")
    assert read_labels(tmp_path / "m.png")[::4, ::4].tolist() == [[0, 1], [7, 0]]


def test_soft_masks_and_those_of_mots(tmp_path: Path) -> None:
    hard = np.zeros((60, 60), np.uint8)
    hard[20:40, 20:40] = 255
    soft = np.asarray(Image.fromarray(hard).filter(ImageFilter.GaussianBlur(2)))
    Image.fromarray(soft).save(tmp_path / "soft.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "soft.png"), soft > 127)
    mots = np.zeros((60, 60), np.uint16)
    mots[:20], mots[40:] = 1001, 2002
    Image.fromarray(mots).save(tmp_path / "mots.png")
    assert np.unique(read_labels(tmp_path / "mots.png")).tolist() == [0, 1, 2]


def test_mistakes_are_named(plain_dataset: Path, davis: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no folder"):
        find_sequences(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no annotated videos"):
        find_sequences(tmp_path / "data" / "left" / "frames")
    with pytest.raises(DatasetError, match=r"no sequence middle\. It has: left, right"):
        find_sequences(plain_dataset, names=["left", "middle"])
    with pytest.raises(DatasetError, match="--split"):
        find_sequences(davis, split="test-dev")
    (plain_dataset / "left" / "frames" / "00002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1 masks have no frame .* 00002.png"):
        find_sequences(plain_dataset)
    for path in (plain_dataset / "left" / "masks").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="contains no PNG"):
        find_sequences(plain_dataset)
    (davis / "Annotations" / "480p" / "bear").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="bear is incomplete"):
        find_sequences(davis)


def test_unreadable_masks(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="not a readable mask"):
        read_labels(path)
    colours = np.zeros((4, 4, 3), np.uint8)
    colours[:2], colours[2:] = (10, 20, 30), (30, 20, 10)
    Image.fromarray(colours).save(path)
    with pytest.raises(DatasetError, match="has an object #"):
        read_labels(path)
