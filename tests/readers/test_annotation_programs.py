"""Datumaro, TrackEval, Ultralytics, supervision and Label Studio's SDK read our annotations."""

import json
from pathlib import Path
from typing import Any

import datumaro
import numpy as np
import pytest
import supervision
import trackeval
from label_studio_sdk.converter import brush
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset, polygon2mask

from sam2ov.mask_files.prompt_file import RleMask
from sam2ov.mask_files.reading import Choice, read_masks
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.rle import Rle, decode_rle
from sam2ov.video import FrameReader
from tests.clips import Scene
from tests.export.conftest import EMPTY, Write
from tests.export.readers import Mask, iou

SIZE_HW = (96, 128)
NUMBERS = [(frame, obj_id) for frame in range(24) if frame not in EMPTY for obj_id in (1, 7)]


def wanted(logits: FloatArray) -> dict[tuple[int, int], Mask]:
    return {(f, obj_id): logits[f, int(obj_id == 7)] > 0 for f, obj_id in NUMBERS}


def on_top(logits: FloatArray) -> dict[tuple[int, int], Mask]:
    """Where a pixel belongs to one object, the one that is surer of it has it."""
    masks = wanted(logits)
    for frame, obj_id in NUMBERS:
        if obj_id == 7:
            masks[frame, 7] &= ~masks[frame, 1]
    return masks


def agree(found: dict[tuple[int, int], Mask], expected: dict[tuple[int, int], Mask]) -> None:
    assert found.keys() == expected.keys()
    for key, mask in expected.items():
        np.testing.assert_array_equal(found[key], mask)


# ---- Datumaro

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Of pycocotools, about itself."""


def save_frames(scene: Scene, folder: Path, pattern: str) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(scene.frames):
        Image.fromarray(frame).save(folder / (pattern % number))


def test_datumaro_reads_coco(
    write: Write, logits: FloatArray, scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / "annotations").mkdir()
    save_frames(scene, tmp_path / "images" / "val", "%05d.jpg")
    write("coco", tmp_path / "annotations" / "instances_val.json")
    dataset = datumaro.Dataset.import_from(str(tmp_path), "coco")
    found = {
        (int(item.id), int(mask.attributes["track_id"])): np.asarray(mask.image, np.bool_)
        for item in dataset
        for mask in item.annotations
        if hasattr(mask, "image")
    }
    agree(found, wanted(logits))
    labels = dataset.categories()[datumaro.AnnotationType.label]
    assert [label.name for label in labels] == ["dog", "ball"]


def test_datumaro_reads_masks_of_cvat(
    write: Write, logits: FloatArray, scene: Scene, tmp_path: Path
) -> None:
    write("cvat", tmp_path / "annotations.xml")
    save_frames(scene, tmp_path / "images", "frame_%06d.png")
    dataset = datumaro.Dataset.import_from(str(tmp_path), "cvat")
    found = {
        (int(item.attributes["frame"]), int(mask.group)): np.asarray(mask.image, np.bool_)
        for item in dataset
        for mask in item.annotations
    }
    agree(found, wanted(logits))


@pytest.mark.parametrize("shapes", ["box", "polygon"])
def test_datumaro_reads_tracks_of_cvat(write: Write, tmp_path: Path, shapes: str) -> None:
    write("cvat", tmp_path / "annotations.xml", options={"shapes": shapes})
    dataset = datumaro.Dataset.import_from(str(tmp_path), "cvat")
    found = {
        (int(item.attributes["frame"]), int(shape.group))
        for item in dataset
        for shape in item.annotations
        if not shape.attributes["outside"]
    }
    assert found == set(NUMBERS)


def test_datumaro_reads_mots(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    write("mots", tmp_path / "mots")
    dataset = datumaro.Dataset.import_from(str(tmp_path / "mots"), "mots")
    labels = dataset.categories()[datumaro.AnnotationType.label]
    found, names = {}, {}
    for item in dataset:
        for mask in item.annotations:
            key = int(Path(item.id).name), int(mask.attributes["track_id"])
            found[key] = np.asarray(mask.image, np.bool_)
            names[key[1]] = labels[mask.label].name
    agree(found, on_top(logits))
    assert names == {1: "dog", 7: "ball"}


def test_datumaro_reads_davis_pictures(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    """By its reader of single pictures, since it has none of DAVIS."""
    (path,) = write("davis", tmp_path / "davis")
    folder = path / "Annotations" / "480p" / "my_clip"
    dataset = datumaro.Dataset.import_from(str(folder), "image_dir")
    masks = on_top(logits)
    assert len(dataset) == 24
    for item in dataset:
        with Image.open(folder / f"{item.id}.png") as opened:
            labels = np.asarray(opened)
        for obj_id in (1, 7):
            expected = masks.get((int(item.id), obj_id), np.zeros(SIZE_HW, np.bool_))
            np.testing.assert_array_equal(labels == obj_id, expected)


# ---- TrackEval


def test_trackeval_gives_mots_full_marks_against_itself_and_less_against_less(
    write: Write, tmp_path: Path
) -> None:
    person = [ClipObject(1, "person", "#000000"), ClipObject(7, "Person", "#ffffff")]
    # MOTSChallenge counts frames from 1, KITTI from 0.
    (path,) = write("mots", tmp_path / "mots", objects=person, first_number=1)
    text = (path / "instances_txt" / "my_clip.txt").read_text()
    (tmp_path / "gt" / "my_clip" / "gt").mkdir(parents=True)
    (tmp_path / "gt" / "my_clip" / "gt" / "gt.txt").write_text(text)
    lines = text.splitlines(keepends=True)
    for name, kept in (("all", lines), ("half", lines[::2])):
        folder = tmp_path / "trackers" / name / "data"
        folder.mkdir(parents=True)
        (folder / "my_clip.txt").write_text("".join(kept))
    config = {
        "GT_FOLDER": str(tmp_path / "gt"),
        "TRACKERS_FOLDER": str(tmp_path / "trackers"),
        "SEQ_INFO": {"my_clip": 24},
        "SKIP_SPLIT_FOL": True,
        "PRINT_CONFIG": False,
    }
    quiet = {"PRINT_CONFIG": False, "PRINT_RESULTS": False, "TIME_PROGRESS": False}
    evaluator = trackeval.Evaluator(quiet | {"OUTPUT_SUMMARY": False, "PLOT_CURVES": False})
    results, _ = evaluator.evaluate(
        [trackeval.datasets.MOTSChallenge(config)], [trackeval.metrics.HOTA()]
    )
    scores = {
        name: float(np.mean(found["COMBINED_SEQ"]["pedestrian"]["HOTA"]["HOTA"]))
        for name, found in results["MOTSChallenge"].items()
    }
    assert scores["all"] == pytest.approx(1)
    assert scores["half"] < 0.9


# ---- Ultralytics


@pytest.mark.parametrize("name", ["yolo", "dataset"])
def test_ultralytics_loads_every_label(
    write: Write, logits: FloatArray, tmp_path: Path, name: str
) -> None:
    (path,) = write(name, tmp_path / "set", options={"val": 0.3, "gap": 0.05})
    described = check_det_dataset(str(path / "data.yaml"), autodownload=False)
    assert described["names"] == {0: "dog", 1: "ball"}
    found: dict[tuple[int, int], Mask] = {}
    for part in ("train", "val"):
        dataset = YOLODataset(
            img_path=described[part], data=described, task="segment", imgsz=128, augment=False
        )
        assert dataset.labels
        for label in dataset.labels:
            frame = int(Path(label["im_file"]).stem.rsplit("_", 1)[-1])
            for class_id, shares in zip(label["cls"].ravel(), label["segments"], strict=True):
                corners = (shares * SIZE_HW[::-1]).reshape(1, -1)
                drawn = np.asarray(polygon2mask(SIZE_HW, corners, 1), np.bool_)
                found[frame, (1, 7)[int(class_id)]] = drawn
    assert len(found) > 30
    for key, drawn in found.items():
        assert iou(drawn, wanted(logits)[key]) >= 0.98


# ---- supervision


def test_supervision_reads_yolo(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("yolo", tmp_path / "set", options={"val": 0})
    dataset = supervision.DetectionDataset.from_yolo(
        str(path / "images" / "train"),
        str(path / "labels" / "train"),
        str(path / "data.yaml"),
        force_masks=True,
    )
    count = 0
    for image, _, detections in dataset:
        frame = int(Path(image).stem.rsplit("_", 1)[-1])
        for mask, class_id in zip(
            () if detections.mask is None else detections.mask,
            () if detections.class_id is None else detections.class_id,
            strict=True,
        ):
            count += 1
            expected = wanted(logits)[frame, (1, 7)[int(class_id)]]
            assert iou(np.asarray(mask, np.bool_), expected) >= 0.98
    assert count == len(NUMBERS)


def test_supervision_reads_coco(
    write: Write, logits: FloatArray, scene: Scene, tmp_path: Path
) -> None:
    (path,) = write("coco", tmp_path / "coco.json")
    images = tmp_path / "images"
    save_frames(scene, images, "%05d.jpg")
    dataset = supervision.DetectionDataset.from_coco(str(images), str(path), force_masks=True)
    assert dataset.classes == ["dog", "ball"]
    count = 0
    for image, _, detections in dataset:
        assert detections.mask is None or detections.class_id is not None
        for number in range(len(detections)):
            assert detections.mask is not None
            assert detections.class_id is not None
            obj_id = (1, 7)[int(detections.class_id[number])]
            mask = np.asarray(detections.mask[number], np.bool_)
            np.testing.assert_array_equal(mask, wanted(logits)[int(Path(image).stem), obj_id])
            count += 1
    assert count == len(NUMBERS)


# ---- Label Studio


def test_label_studio_takes_the_interface_the_task_and_the_boxes(
    write: Write, reader: FrameReader, logits: FloatArray, tmp_path: Path
) -> None:
    (path,) = write("label-studio", tmp_path / "task.json")
    (task,) = json.loads(path.read_text())
    interface = LabelInterface(task["meta"]["labeling_config"])
    assert interface.validate_task({"data": task["data"]})
    (annotation,) = task["annotations"]
    assert interface.validate_annotation(annotation), "its own schema of annotations"
    assert not interface.validate_annotation({"result": [{"from_name": "nothing"}]})


def test_brushes_that_label_studio_packs_come_back(logits: FloatArray, tmp_path: Path) -> None:
    mask = logits[0, 0] > 0
    region: dict[str, Any] = {
        "type": "brushlabels",
        "original_width": 128,
        "original_height": 96,
        "value": {
            "format": "rle",
            "rle": brush.mask2rle(mask.astype(np.uint8) * 255),
            "brushlabels": ["dog"],
        },
    }
    task = {"data": {"image": "/data/frame_00004.png"}, "annotations": [{"result": [region]}]}
    path = tmp_path / "project.json"
    path.write_text(json.dumps([task]))
    (target,) = read_masks(path, Choice(every=1)).objects
    (prompt,) = target.prompts
    assert isinstance(prompt.mask, RleMask)
    assert (target.name, prompt.frame) == ("dog", 4)
    np.testing.assert_array_equal(decode_rle(Rle(prompt.mask.size, prompt.mask.counts)), mask)
