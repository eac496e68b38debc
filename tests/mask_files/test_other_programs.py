"""Masks and boxes of MOTS, Label Studio and detectors; pictures of one object in several kinds."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.mask_files.reading import Choice, read_masks
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle
from tests.mask_files.shapes import ALL, SIZE_HW, boxes_of, masks_of, names_of, square

# ---- MOTS


def test_mots_texts(tmp_path: Path) -> None:
    lines = []
    for frame in (4, 3):
        for value, class_id, x in ((1001, 1, 2), (2001, 2, 20), (3007, 3, 40), (10000, 10, 50)):
            rle = encode_rle(square(x, 5))
            lines.append(f"{frame} {value} {class_id} 40 60 {rle.counts}")
    (tmp_path / "0002.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "labels.txt").write_text("car\npedestrian\nkite\n")
    found = read_masks(tmp_path, ALL)
    assert names_of(found) == {1: "car", 2: "pedestrian", 7: "kite"}, "two of number 1 are two"
    assert masks_of(found).keys() == {(f, obj) for f in (3, 4) for obj in (1, 2, 7)}
    np.testing.assert_array_equal(masks_of(found)[3, 7], square(40, 5))


@pytest.mark.parametrize("file", ["classes.txt", "labels.txt"])
def test_mots_pictures_have_the_names_of_their_classes(tmp_path: Path, file: str) -> None:
    values = square(2, 5) * 1001 + square(20, 5) * 2001 + square(40, 5) * 3007
    (tmp_path / "instances").mkdir()
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "instances" / "000004.png")
    listed = {"classes.txt": "1 car\n3 kite\n", "labels.txt": "car\npedestrian\nkite\n"}
    (tmp_path / file).write_text(listed[file])
    found = read_masks(tmp_path, ALL)
    assert names_of(found) == {
        1: "car",
        2: "pedestrian" if file == "labels.txt" else "",
        7: "kite",
    }


@pytest.mark.parametrize(
    "line", ["3 1001 1 40 60 zz", "3 1001 1 99999 99999 0", "3 1001 1 40", "x"]
)
def test_malformed_lines_of_mots_are_said(tmp_path: Path, line: str) -> None:
    good = f"3 1001 1 40 60 {encode_rle(square(2, 5)).counts}"
    (tmp_path / "0.txt").write_text(f"{good}\n{line}\n")
    with pytest.raises(PromptError):
        read_masks(tmp_path / "0.txt")


# ---- Results of detectors


def test_lists_of_coco_results(tmp_path: Path) -> None:
    def result(image_id: int, x: int, **more: Any) -> dict[str, Any]:
        made = encode_rle(square(x, 3))
        rle = {"size": list(SIZE_HW), "counts": made.counts}
        return {"image_id": image_id, "category_id": 3, "segmentation": rle, "score": 0.9, **more}

    path = tmp_path / "results.json"
    path.write_text(json.dumps([result(7, 1), result(5, 9)]))
    found = read_masks(path, ALL)
    np.testing.assert_array_equal(masks_of(found)[5, 1], square(9, 3))
    assert masks_of(found).keys() == {(5, 1), (7, 1)}
    path.write_text(json.dumps([result(7, 1), result(7, 9)]))
    with pytest.raises(PromptError, match="picture 7 has several of 'category 3', and no track_id"):
        read_masks(path)
    box = {"image_id": 7, "category_id": 1, "bbox": [2, 3, 10, 20], "score": 0.5, "track_id": 4}
    path.write_text(json.dumps([result(7, 1, track_id=2), box]))
    assert boxes_of(read_masks(path)) == {(7, 4): (2, 3, 12, 23)}


# ---- Label Studio


def packed(values: npt.NDArray[np.uint8]) -> list[int]:
    """As ``@thi.ng/rle-pack`` does it: runs that repeat one value, or list their values."""
    text = f"{len(values):032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (2, 4, 8, 16))
    place = 0
    while place < len(values):
        end = place + 1
        while end < len(values) and values[end] == values[place] and end - place < 1 << 16:
            end += 1
        if end - place > 2:
            text += f"1{3:02b}{end - place - 1:016b}{values[place]:08b}"
        else:
            end = min(place + 4, len(values))
            text += f"0{0:02b}{end - place - 1:02b}"
            text += "".join(f"{value:08b}" for value in values[place:end])
        place = end
    text += "0" * (-len(text) % 8)
    return [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


def brush(mask: BoolArray, label: str) -> dict[str, Any]:
    rgba = np.repeat(mask.astype(np.uint8)[..., None] * 255, 4, axis=2)
    rgba[mask, :3] = (13, 200, 77)
    return {
        "type": "brushlabels",
        "original_width": SIZE_HW[1],
        "original_height": SIZE_HW[0],
        "value": {"format": "rle", "rle": packed(rgba.ravel()), "brushlabels": [label]},
    }


def task(number: int, *regions: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 50 - number,
        "data": {"image": f"/data/upload/1/a1b2-frame_{number:05d}.jpg"},
        "annotations": [{"was_cancelled": True, "result": []}, {"result": list(regions)}],
    }


def test_brushes_of_label_studio(tmp_path: Path) -> None:
    polygon = {
        "type": "polygonlabels",
        "original_width": SIZE_HW[1],
        "original_height": SIZE_HW[0],
        "value": {
            "points": [[10, 25], [20, 25], [20, 40], [10, 40]],
            "polygonlabels": ["cat"],
            "closed": True,
        },
    }
    rectangle = polygon | {
        "type": "rectanglelabels",
        "value": {"x": 50, "y": 50, "width": 10, "height": 25, "rectanglelabels": ["cat"]},
    }
    tasks = [
        task(12, brush(square(30, 20), "dog"), rectangle),
        task(9, brush(square(3, 4), "dog"), polygon),
    ]
    path = tmp_path / "project.json"
    path.write_text(json.dumps(tasks))
    found = read_masks(path, ALL)
    assert names_of(found) == {1: "dog", 2: "cat"}
    np.testing.assert_array_equal(masks_of(found)[9, 1], square(3, 4))
    np.testing.assert_array_equal(masks_of(found)[12, 1], square(30, 20))
    np.testing.assert_array_equal(masks_of(found)[9, 2], square(6, 10))
    assert boxes_of(found) == {(12, 2): pytest.approx((30, 20, 36, 30))}


def test_damaged_brushes_are_said(tmp_path: Path) -> None:
    path = tmp_path / "project.json"
    good = brush(square(3, 4), "dog")
    for change, message in (
        ({"rle": good["value"]["rle"][:-9]}, "is cut off"),
        ({"rle": [255] * 40}, "does not fit a picture of 60×40"),
        ({"rle": [256]}, "malformed at 0.annotations.1.result.0.value.rle"),
    ):
        path.write_text(json.dumps([task(1, good | {"value": good["value"] | change})]))
        with pytest.raises(PromptError, match=message):
            read_masks(path)
    path.write_text(json.dumps([task(1, good, good)]))
    with pytest.raises(PromptError, match="frame 1 has several of 'dog'"):
        read_masks(path)


def test_boxes_of_videos_in_label_studio(tmp_path: Path) -> None:
    region = {
        "type": "videorectangle",
        "value": {
            "labels": ["dog"],
            "sequence": [
                {"frame": 3, "x": 10, "y": 20, "width": 50, "height": 25, "enabled": True},
                {"frame": 9, "x": 20, "y": 20, "width": 50, "height": 25, "enabled": False},
            ],
        },
    }
    path = tmp_path / "project.json"
    content = {"data": {"video": "clip.mp4"}, "annotations": [{"result": [region, region]}]}
    path.write_text(json.dumps([content]))
    with pytest.raises(UnknownSizeError):
        read_masks(path)
    found = boxes_of(read_masks(path, Choice(every=1, size_hw=SIZE_HW)))
    assert found.keys() == {(2, 1), (8, 1), (2, 2), (8, 2)}
    assert found[2, 1] == pytest.approx((6, 8, 36, 18))


def test_key_points_of_label_studio_are_no_rectangles(tmp_path: Path) -> None:
    point = {
        "type": "keypointlabels",
        "original_width": 60,
        "original_height": 40,
        "value": {"x": 10, "y": 10, "width": 0.4},
    }
    path = tmp_path / "project.json"
    path.write_text(json.dumps([task(12, brush(square(30, 20), "dog"), point)]))
    assert names_of(read_masks(path, ALL)) == {1: "dog"}


# ---- Pictures


def test_one_object_stays_one_however_its_pictures_are_stored(tmp_path: Path) -> None:
    soft = cv2.GaussianBlur((square(20, 12, 16) * 255).astype(np.uint8), (0, 0), 2)
    faded = (soft * 0.4).astype(np.uint8)
    for number, values in enumerate((soft, (square(20, 12, 16) * 255).astype(np.uint8), soft)):
        Image.fromarray(values).save(tmp_path / f"m.{number}.png")
    Image.fromarray(square(20, 12, 16)).save(tmp_path / "m.3.png")
    Image.fromarray(faded).save(tmp_path / "m.4.png")
    found = read_masks(tmp_path, ALL)
    assert [target.id for target in found.objects] == [1]


def test_colours_tell_objects_also_where_one_is_alone(tmp_path: Path) -> None:
    for number, labels in enumerate(((1,), (1, 2), (2,))):
        picture = np.zeros((*SIZE_HW, 3), np.uint8)
        for label in labels:
            picture[square(20 * label, 8, 12)] = ((255, 0, 0), (0, 255, 0))[label - 1]
        Image.fromarray(picture).save(tmp_path / f"m.{number}.png")
    found = read_masks(tmp_path, ALL)
    assert names_of(found) == {1: "#ff0000", 2: "#00ff00"}
    assert masks_of(found).keys() == {(0, 1), (1, 1), (1, 2), (2, 2)}
