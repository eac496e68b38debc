"""Masks, polygons, ellipses and boxes of CVAT, in tasks of videos and of images."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.mask_files.reading import read_masks
from tests.mask_files.shapes import ALL, SIZE_HW, boxes_of, masks_of, names_of, square


def cvat_mask(label: str, x: int, y: int, more: str = "") -> str:
    return f'<mask label="{label}" rle="0, 36" left="{x}" top="{y}" width="6" height="6" {more}/>'


def cvat_track(number: int, frame: int, label: str, x: int, group: str = "") -> str:
    mask = cvat_mask(label, x, 2, f'frame="{frame}" outside="0"')
    return f'<track id="{number}" label="{label}" {group}>{mask}</track>'


def cvat(tmp_path: Path, content: str, *, size: bool = True) -> Path:
    meta = (
        "<meta><task><original_size><width>60</width><height>40</height></original_size></task>"
        "</meta>"
    )
    path = tmp_path / "annotations.xml"
    path.write_text(f"<annotations>{meta if size else ''}{content}</annotations>")
    return path


def image(number: int, name: str, content: str) -> str:
    return f'<image id="{number}" name="{name}" width="60" height="40">{content}</image>'


def test_cvat_masks_without_groups_are_one_object_per_label(tmp_path: Path) -> None:
    tracks = [
        cvat_track(2 * frame + number, frame, label, 10 * number)
        for frame in range(4)
        for number, label in enumerate(("dog", "cat"))
    ]
    found = read_masks(cvat(tmp_path, "".join(tracks)), ALL)
    assert names_of(found) == {1: "dog", 2: "cat"}
    assert masks_of(found).keys() == {(frame, obj) for frame in range(4) for obj in (1, 2)}


def test_cvat_masks_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    tracks = cvat_track(0, 3, "dog", 0) + cvat_track(1, 3, "dog", 20)
    with pytest.raises(PromptError, match=r"frame 3 has several of 'dog', and no group"):
        read_masks(cvat(tmp_path, tracks), ALL)
    grouped = cvat_track(0, 3, "dog", 0, 'group_id="4"') + cvat_track(1, 3, "dog", 20)
    found = read_masks(cvat(tmp_path, grouped), ALL)
    assert names_of(found) == {1: "dog", 4: "dog"}


def test_cvat_for_images(tmp_path: Path) -> None:
    """Each picture has its size; the numbers of their names are the frames."""
    content = image(0, "a/plate.1001.png", cvat_mask("dog", 3, 4, 'group_id="2"')) + image(
        1, "a/plate.1003.png", '<box label="cat" xtl="1" ytl="2" xbr="9.5" ybr="8"/>'
    )
    found = read_masks(cvat(tmp_path, content, size=False), ALL)
    assert masks_of(found).keys() == {(1001, 2)}
    np.testing.assert_array_equal(masks_of(found)[1001, 2], square(3, 4))
    assert boxes_of(found) == {(1003, 1): (1, 2, 9.5, 8)}


def test_cvat_pictures_without_numbers_are_counted(tmp_path: Path) -> None:
    content = image(0, "x.png", cvat_mask("a", 1, 1)) + image(1, "y.png", cvat_mask("a", 2, 2))
    assert masks_of(read_masks(cvat(tmp_path, content), ALL)).keys() == {(0, 1), (1, 1)}


@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_cvat_ellipses_and_turned_boxes(tmp_path: Path, degrees: int) -> None:
    content = image(
        0,
        "0.png",
        f'<ellipse label="e" cx="30" cy="20" rx="16" ry="8" rotation="{degrees}"/>'
        f'<box label="b" xtl="14" ytl="12" xbr="46" ybr="28" rotation="{degrees + 0.001}"/>',
    )
    found = masks_of(read_masks(cvat(tmp_path, content), ALL))
    # OpenCV's angles turn clockwise too, where y points down; its centre is that of a pixel.
    scale = 16
    ellipse = np.zeros((SIZE_HW[0] * scale, SIZE_HW[1] * scale), np.uint8)
    cv2.ellipse(
        ellipse, (30 * scale, 20 * scale), (16 * scale, 8 * scale), degrees, 0, 360, (1,), -1
    )
    box = np.zeros_like(ellipse)
    corners = cv2.boxPoints(((30.0 * scale, 20.0 * scale), (32.0 * scale, 16.0 * scale), degrees))
    cv2.fillPoly(box, [np.rint(corners).astype(np.int32)], (1,))
    for number, drawn in ((1, ellipse), (2, box)):
        area = cv2.resize(drawn.astype(np.float32), SIZE_HW[::-1], interpolation=cv2.INTER_AREA)
        expected = area > 0.5
        assert (found[0, number] ^ expected).sum() <= 0.02 * expected.sum()


def test_cvat_lines_alone_are_said(tmp_path: Path) -> None:
    content = image(0, "0.png", '<polyline label="a" points="1,1;2,2"/>')
    with pytest.raises(PromptError, match=r"shapes without an area alone \(polyline\)"):
        read_masks(cvat(tmp_path, content))


def test_parts_of_an_object_are_one_mask(tmp_path: Path) -> None:
    parts = cvat_mask("dog", 3, 4, 'group_id="2"') + cvat_mask("dog", 30, 20, 'group_id="2"')
    found = masks_of(read_masks(cvat(tmp_path, image(0, "0.png", parts)), ALL))
    np.testing.assert_array_equal(found[0, 2], square(3, 4) | square(30, 20))
    mixed = parts + '<box label="dog" group_id="2" xtl="1" ytl="2" xbr="9" ybr="8"/>'
    with pytest.raises(PromptError, match="one of them is a box"):
        read_masks(cvat(tmp_path, image(0, "0.png", mixed)), ALL)


def test_several_tasks_of_cvat_are_refused(tmp_path: Path) -> None:
    tracks = cvat_track(0, 0, "a", 1, 'task_id="1"') + cvat_track(1, 0, "b", 20, 'task_id="2"')
    with pytest.raises(PromptError, match="holds 2 tasks"):
        read_masks(cvat(tmp_path, tracks), ALL)


def test_coordinates_and_numbers_beyond_reason_are_told(tmp_path: Path) -> None:
    image_of = {"id": 1, "file_name": "1.jpg", "height": 40, "width": 60}
    path = tmp_path / "a.json"
    for fields in (
        {"segmentation": [[-1e308, -1e308, 1e308, 1e308, 0, 5]]},
        {"bbox": [1e308, 0, 1e308, 5]},
    ):
        annotation = {"image_id": 1, "category_id": 1, **fields}
        path.write_text(json.dumps({"images": [image_of], "annotations": [annotation]}))
        with pytest.raises(PromptError, match="malformed at annotations"):
            read_masks(path)
    content = image(0, "0.png", cvat_mask("a", 1, 1, f'group_id="{10**30}"'))
    assert names_of(read_masks(cvat(tmp_path, content), ALL)) == {1: "a"}
