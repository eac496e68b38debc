"""Labels of YOLO: polygons and boxes, with and without tracks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.export.polygons import centre_polygons
from sam2ov.mask_files.reading import Choice, read_masks
from sam2ov.values.masks import BoolArray
from tests.mask_files.shapes import ALL, SIZE_HW, boxes_of, masks_of, names_of, square


def yolo_line(mask: BoolArray, number: int, more: str = "") -> str:
    (ring,) = centre_polygons(mask, joined=True)
    shares = (ring / SIZE_HW[::-1]).ravel()
    return f"{number} " + " ".join(f"{share:.6f}" for share in shares) + more + "\n"


def test_yolo_polygons_and_boxes(tmp_path: Path) -> None:
    """As a data set of Ultralytics lies on the disk; the pictures tell the size."""
    for part, frame, x in (("train", 3, 4), ("val", 8, 30)):
        (tmp_path / "images" / part).mkdir(parents=True)
        (tmp_path / "labels" / part).mkdir(parents=True)
        Image.new("RGB", SIZE_HW[::-1]).save(tmp_path / f"images/{part}/clip_{frame:06d}.png")
        text = yolo_line(square(x, 7), 0) + "1 0.5 0.5 0.2 0.4\n"
        (tmp_path / f"labels/{part}/clip_{frame:06d}.txt").write_text(text)
    (tmp_path / "data.yaml").write_text("names: [dog, 'big cat']\n")
    found = read_masks(tmp_path, ALL)
    assert names_of(found) == {1: "dog", 2: "big cat"}
    np.testing.assert_array_equal(masks_of(found)[3, 1], square(4, 7))
    np.testing.assert_array_equal(masks_of(found)[8, 1], square(30, 7))
    assert boxes_of(found)[3, 2] == pytest.approx((24, 12, 36, 28))


def test_yolo_tracks_tell_objects_of_a_class(tmp_path: Path) -> None:
    """Ultralytics writes how sure it is, and the track, behind a line."""
    for frame in (1, 2):
        lines = [yolo_line(square(10 * track, 7), 0, f" 0.91 {track}") for track in (2, 4)]
        lines.append("0 0.5 0.5 0.2 0.4 0.77 5\n")
        (tmp_path / f"clip_{frame}.txt").write_text("".join(lines))
    found = read_masks(tmp_path, Choice(every=1, size_hw=SIZE_HW))
    assert masks_of(found).keys() == {(frame, track) for frame in (1, 2) for track in (2, 4)}
    assert boxes_of(found).keys() == {(1, 5), (2, 5)}


def test_yolo_without_size_or_tracks_is_said(tmp_path: Path) -> None:
    path = tmp_path / "clip_1.txt"
    path.write_text(yolo_line(square(1, 1), 0))
    with pytest.raises(UnknownSizeError, match=r"picture of clip_1\.txt is missing"):
        read_masks(path)
    path.write_text(yolo_line(square(1, 1), 0) * 2)
    with pytest.raises(PromptError, match=r"clip_1\.txt has several of '0', and no track"):
        read_masks(path, Choice(size_hw=SIZE_HW))
    path.write_text(yolo_line(square(1, 1), 0) + "0 1.5 0.2 3 0.4 0.1 0.2\n")
    with pytest.raises(PromptError, match="no label of YOLO"):
        read_masks(path, Choice(size_hw=SIZE_HW))


def test_the_first_track_of_yolo_is_a_track_too(tmp_path: Path) -> None:
    """Its number is 1, which a corner of a polygon might be."""
    path = tmp_path / "clip_1.txt"
    path.write_text("0 0.5 0.5 0.2 0.2 0.9 1\n")
    found = boxes_of(read_masks(path, Choice(size_hw=SIZE_HW)))
    assert found == {(1, 1): pytest.approx((24, 16, 36, 24))}
    (tmp_path / "clip_2.txt").write_text("0 .1 .1 .2 .1 .2 .2 .1 .2 .9 1\n")
    assert masks_of(read_masks(tmp_path, Choice(every=1, size_hw=SIZE_HW))).keys() == {(2, 1)}


def test_boxes_as_large_as_the_picture_have_no_tracks(tmp_path: Path) -> None:
    for frame in (1, 2):
        (tmp_path / f"clip_{frame}.txt").write_text("0 0.5 0.5 1 1\n")
    found = boxes_of(read_masks(tmp_path, Choice(every=1, size_hw=SIZE_HW)))
    assert found == {(frame, 1): (0, 0, 60, 40) for frame in (1, 2)}


def test_notes_and_lists_beside_labels_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "README.roboflow.txt").write_text("Provided by somebody\n")
    (tmp_path / "train.txt").write_text("data/images/clip_1.png\n")
    (tmp_path / "clip_1.txt").write_bytes(b"\xef\xbb\xbf" + yolo_line(square(4, 7), 0).encode())
    found = masks_of(read_masks(tmp_path, Choice(every=1, size_hw=SIZE_HW)))
    np.testing.assert_array_equal(found[1, 1], square(4, 7))


def test_labels_of_two_videos_are_refused(tmp_path: Path) -> None:
    for name in ("a_1.txt", "b_1.txt"):
        (tmp_path / name).write_text(yolo_line(square(4, 7), 0))
    with pytest.raises(PromptError, match="are of one frame"):
        read_masks(tmp_path, Choice(size_hw=SIZE_HW))


@pytest.mark.parametrize("names", ["!!bool maybe", "!!int ''", "!!timestamp x", "[!!float '']"])
def test_odd_yaml_is_no_crash(tmp_path: Path, names: str) -> None:
    (tmp_path / "data.yaml").write_text(f"names: {names}\n")
    (tmp_path / "clip_1.txt").write_text(yolo_line(square(4, 7), 0))
    assert names_of(read_masks(tmp_path, Choice(size_hw=SIZE_HW))) == {1: ""}
