"""Masks and boxes as CVAT, YOLO, MOTS, Label Studio and detectors write them."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.export.polygons import centre_polygons
from sam2ov.mask_files.prompt_file import PromptFile, RleMask
from sam2ov.mask_files.reading import Choice, read_masks
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import Rle, decode_rle, encode_rle

SIZE_HW = (40, 60)
ALL = Choice(every=1)


def square(x: int, y: int, side: int = 6) -> BoolArray:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[y : y + side, x : x + side] = True
    return mask


def masks_of(prompts: PromptFile) -> dict[tuple[int, int], BoolArray]:
    """By frame and object."""
    found = {}
    for target in prompts.objects:
        for prompt in target.prompts:
            if isinstance(prompt.mask, RleMask):
                found[prompt.frame, target.id] = decode_rle(
                    Rle(prompt.mask.size, prompt.mask.counts)
                )
    return found


def boxes_of(prompts: PromptFile) -> dict[tuple[int, int], tuple[float, ...]]:
    return {
        (prompt.frame, target.id): tuple(prompt.box)
        for target in prompts.objects
        for prompt in target.prompts
        if prompt.box is not None
    }


def names_of(prompts: PromptFile) -> dict[int, str]:
    return {target.id: target.name for target in prompts.objects}


# ---- CVAT


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


# ---- YOLO


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


# ---- What a second look found


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
