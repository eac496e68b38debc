"""What detectors write, in each of its forms."""

import json
from pathlib import Path

import pytest

from sam2ov.errors import PromptError, UnknownSizeError
from sam2ov.mask_files.detections import Detection, read_detections
from sam2ov.mask_files.reading import Choice

SIZED = Choice(size_hw=(100, 200))
BOX = (10.0, 20.0, 50.0, 60.0)


def told(found: list[Detection]) -> list[tuple[int, str, float, tuple[float, ...]]]:
    return [(each.frame, each.label, each.score, each.box) for each in found]


def test_coco_results(tmp_path: Path) -> None:
    rows = [
        {"image_id": 3, "category_id": 1, "bbox": [10, 20, 40, 40], "score": 0.9},
        {"image_id": 0, "category_id": 2, "bbox": [0, 0, 5, 5], "score": 0.4},
        {"image_id": 3, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.95},
        {"image_id": 3, "category_id": 1, "bbox": [0, 0, 0, 9], "score": 0.95},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(rows))
    found = read_detections(path, SIZED)
    assert told(found) == [
        (0, "2", 0.4, (0, 0, 5, 5)),
        (3, "1", 0.95, (0, 0, 9, 9)),
        (3, "1", 0.9, BOX),
    ]
    assert len(read_detections(path, SIZED, ("1",), 0.92)) == 1


def test_coco_instances_have_names_and_need_no_tracks(tmp_path: Path) -> None:
    square = [10, 20, 50, 20, 50, 60, 10, 60]
    file = {
        "images": [{"id": 7, "file_name": "00005.jpg", "width": 200, "height": 100}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [10, 20, 40, 40]},
            {"image_id": 7, "category_id": 1, "segmentation": [square]},
        ],
        "categories": [{"id": 1, "name": "Car"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(file))
    found = read_detections(path, SIZED, ("car",))
    assert {(each.frame, each.label) for each in found} == {(5, "Car")}
    masks = [each for each in found if each.mask is not None]
    assert len(masks) == 1
    assert masks[0].box == pytest.approx(BOX, abs=1)


def test_rows_of_supervisions_sink(tmp_path: Path) -> None:
    row = {"x_min": "10", "y_min": "20", "x_max": "50", "y_max": "60", "class_id": 2}
    named = row | {"class_name": "dog", "confidence": "0.75", "tracker_id": "", "frame": "4"}
    path = tmp_path / "sink.json"
    path.write_text(json.dumps([named]))
    assert told(read_detections(path, SIZED)) == [(4, "dog", 0.75, BOX)]
    path.write_text(json.dumps([row]))
    with pytest.raises(PromptError, match="do not say their frame"):
        read_detections(path, SIZED)


def test_lines_of_mot_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "det.txt"
    path.write_text("1,-1,10,20,40,40,0.8,-1,-1,-1\n3,5,0,0,9,9,1,2,0.5\n")
    assert told(read_detections(path, SIZED)) == [
        (0, "", 0.8, BOX),
        (2, "2", 1.0, (0, 0, 9, 9)),
    ]


def test_yolo_has_shares_confidences_and_several_of_a_kind(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "clip_6.txt").write_text("1 0.15 0.4 0.2 0.4 0.7\n1 0.5 0.5 0.1 0.1 0.3\n")
    (folder / "classes.txt").write_text("cat\ndog\n")
    found = read_detections(folder, SIZED, min_score=0.5)
    assert [(each.frame, each.label, each.score) for each in found] == [(6, "dog", 0.7)]
    assert found[0].box == pytest.approx(BOX)
    with pytest.raises(UnknownSizeError):
        read_detections(folder, Choice())


def test_cvat_is_read_as_masks_are(tmp_path: Path) -> None:
    path = tmp_path / "annotations.xml"
    path.write_text(
        "<annotations><meta><task><original_size><width>200</width><height>100</height>"
        "</original_size></task></meta><track id='0' label='bus'>"
        "<box frame='2' outside='0' xtl='10' ytl='20' xbr='50' ybr='60'/></track></annotations>"
    )
    assert told(read_detections(path, SIZED)) == [(2, "bus", 1.0, BOX)]


def test_every_nth_frame_counts_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "det.txt"
    path.write_text("".join(f"{n},-1,0,0,9,9,1\n" for n in range(1, 12)))
    found = read_detections(path, Choice(every=5))
    assert [each.frame for each in found] == [0, 5, 10]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.json",
            '[{"image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 7}]',
            "has the score 7",
        ),
        ("a.txt", "1,-1,0,0,9,9,64.2\n", "has the score 64.2"),
        ("a.json", '[{"image_id": 0, "category_id": 1}]', "No detection in a.json"),
        ("a.txt", "1,-1,0,0,9,9,1\nnothing\n", "line 2: that is no detection of MOT"),
        ("a.json", "{}", "none of"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PromptError, match=said):
        read_detections(tmp_path / name, SIZED)


def test_kinds_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = tmp_path / "det.json"
    rows = [{"x_min": 0, "y_min": 0, "x_max": 9, "y_max": 9, "class_name": "cat", "frame": 0}]
    path.write_text(json.dumps(rows))
    with pytest.raises(PromptError, match="It has: cat"):
        read_detections(path, SIZED, ("dog",))
