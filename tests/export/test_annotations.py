"""What annotation formats say besides masks: classes, tracks, boxes, splits."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from sam2ov.errors import ExportError
from sam2ov.export import FORMATS, ExportSettings
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import FrameReader, open_video
from tests.clips import Encoding, write_clip
from tests.export.conftest import EMPTY, StoredLogits, Write
from tests.export.readers import files_of, iou, picture, read_coco, read_sav, read_yolo

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

UNNAMED = tuple(ClipObject(i, f"Object {i}", "#000000") for i in (1, 7))
SIZE_HW = (96, 128)


def union(logits: FloatArray) -> BoolArray:
    return np.asarray((logits > 0).any(axis=1))


def box_of(mask: BoolArray) -> tuple[int, int, int, int]:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return int(x), int(y), int(w), int(h)


# ---- COCO and SA-V


def test_coco_tells_of_clip_tracks_and_times(write: Write, tmp_path: Path) -> None:
    (path,) = write("coco", tmp_path / "a.json", frames=range(2, 12), options={"images": "png"})
    coco = COCO(str(path))
    (video,) = coco.dataset["videos"]
    assert (video["name"], video["length"]) == ("my clip.mp4", 10)
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["dog", "ball"]
    assert [t["object_id"] for t in coco.dataset["tracks"]] == [1, 7]
    images = coco.loadImgs(coco.getImgIds())
    assert [image["file_name"] for image in images] == [f"{i:05d}.png" for i in range(2, 12)]
    assert np.diff([image["time"] for image in images]).min() > 0
    for image in images:
        empty = image["frame_id"] in EMPTY
        assert len(coco.getAnnIds(imgIds=image["id"])) == (0 if empty else 2)


def test_coco_polygons_can_be_edited_and_are_the_masks(
    write: Write, logits: FloatArray, tmp_path: Path
) -> None:
    options = {"segmentation": "polygon", "every": 4}
    (path,) = write("coco", tmp_path / "a.json", options=options)
    annotations = json.loads(path.read_text())["annotations"]
    assert all(isinstance(a["segmentation"][0][0], float) for a in annotations)
    found = read_coco(path)
    assert {frame for frame, _ in found} == {0, 4, 8, 12, 16, 20}
    for (frame, obj_id), mask in found.items():
        assert iou(mask, logits[frame, int(obj_id == 7)] > 0) > 0.98


def test_objects_without_names_are_one_category(write: Write, tmp_path: Path) -> None:
    (path,) = write("coco", tmp_path / "a.json", objects=UNNAMED)
    assert [c["name"] for c in json.loads(path.read_text())["categories"]] == ["object"]


def test_a_class_comes_before_a_name(write: Write, tmp_path: Path) -> None:
    classed = [
        ClipObject(1, "Anna", "#000000", category=" person "),
        ClipObject(7, "Ball", "#000000"),
    ]
    (path,) = write("coco", tmp_path / "a.json", objects=classed)
    assert [c["name"] for c in json.loads(path.read_text())["categories"]] == ["person", "Ball"]


def test_sav_counts_what_it_shows(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    (path,) = write("sav", tmp_path / "a.json", frames=range(4, 20), options={"every": 2})
    content = json.loads(path.read_text())
    assert len(content["masklet"]) == 8
    assert content["masklet_frame_count"] == [8, 8]
    assert content["masklet_visibility_changes"] == [2, 2], "gone and back"
    assert content["masklet_first_appeared_frame"] == [0, 0]
    areas = [(logits[i, 0] > 0).sum() for i in range(4, 20, 2) if i not in EMPTY]
    assert content["masklet_size_abs"][0] == pytest.approx(np.mean(areas))
    assert {frame for frame, _ in read_sav(path)} == set(range(4, 20, 2))


# ---- MOTS


def test_mots_knows_cars_and_pedestrians(write: Write, tmp_path: Path) -> None:
    named = [ClipObject(1, "Person", "#000000"), ClipObject(7, "kite", "#000000")]
    (path,) = write("mots", tmp_path / "a", objects=named, frames=range(1))
    files = files_of(path)
    values = picture(files["instances/my_clip/000000.png"])
    assert values.dtype == np.uint16
    assert set(np.unique(values)) == {0, 2001, 3007}
    assert files["classes.txt"].decode() == "2 Person\n3 kite\n"


def test_mots_refuses_numbers_that_it_cannot_hold(
    write: Write, logits: FloatArray, tmp_path: Path
) -> None:
    stored = StoredLogits(logits, obj_ids=(1, 1000))
    with pytest.raises(ExportError, match="objects 1 to 999, not 1000"):
        write("mots", tmp_path / "a", masks=stored, objects=[ClipObject(1000, "", "#000000")])


# ---- YOLO


@pytest.mark.parametrize("parts", ["auto", "separate"])
def test_yolo_polygons_are_the_masks(
    write: Write, logits: FloatArray, tmp_path: Path, parts: str
) -> None:
    (path,) = write("yolo", tmp_path / "a", options={"parts": parts, "val": 0})
    found = read_yolo(path, SIZE_HW)
    present = [i for i in range(24) if i not in EMPTY]
    assert found.keys() == {(i, number) for i in present for number in (0, 1)}
    for (frame, number), mask in found.items():
        assert iou(mask, logits[frame, number] > 0) >= 0.98


def test_yolo_has_pictures_of_all_frames_and_says_so(write: Write, tmp_path: Path) -> None:
    (path,) = write("yolo", tmp_path / "a.zip", options={"gap": 0.1})
    files = files_of(path)
    described = yaml.safe_load(files["data.yaml"])
    assert described == {
        "train": "images/train",
        "val": "images/val",
        "names": {0: "dog", 1: "ball"},
    }
    assert picture(files["images/train/my_clip_000000.jpg"]).shape == (*SIZE_HW, 3)
    numbers = {
        part: sorted(int(n[-10:-4]) for n in files if n.startswith(f"images/{part}"))
        for part in ("train", "val")
    }
    assert numbers["val"] == list(range(19, 24))
    assert numbers["train"][-1] < 19 - 1, "a gap"
    assert files["labels/train/my_clip_000005.txt"] == b"", "nothing is to be seen there"


def test_yolo_without_empty_frames_and_without_validation(write: Write, tmp_path: Path) -> None:
    (path,) = write("yolo", tmp_path / "a", options={"empty": False, "every": 2, "gap": 60})
    files = files_of(path)
    assert "images/train/my_clip_000006.jpg" not in files
    assert "images/train/my_clip_000004.jpg" in files
    # A minute in between is more than this clip has.
    assert yaml.safe_load(files["data.yaml"])["val"] == "images/train"
    assert b"these frames were trained on" in files["data.yaml"]


def test_yolo_joins_parts_or_leaves_specks_out_where_that_changes_little(
    tmp_path: Path, reader: FrameReader
) -> None:
    made = np.full((24, 1, *SIZE_HW), -1, np.float32)
    made[:, 0, 20:60, 20:60] = made[:, 0, 20:60, 63:100] = 1  # behind a pole
    far = made.copy()
    far[:, 0, 20:60] = -1
    far[:, 0, 20:26, 20:26] = far[:, 0, 80:86, 110:116] = 1
    speck = far.copy()
    speck[:, 0, 20:60, 20:60] = 1
    speck[:, 0, 80:86, 110:116] = -1
    speck[:, 0, 84:87, 112:116] = 1  # 12 of 1612 pixels, further away than its lines may be long
    counts = []
    for number, logits in enumerate((made, far, speck)):
        masks = TrackedMasks(StoredLogits(logits, (1,)), UNNAMED[:1], range(1))
        source = ExportSource.of("a.mp4", reader, masks)
        (path,) = run_export(FORMATS["yolo"], [source], tmp_path / str(number))
        counts.append(len(files_of(path)["labels/train/a_000000.txt"].splitlines()))
    assert counts == [1, 2, 1]


# ---- Label Studio and CVAT


def test_label_studio_boxes_follow_the_objects(
    write: Write, reader: FrameReader, logits: FloatArray, tmp_path: Path
) -> None:
    (path,) = write("label-studio", tmp_path / "a.json", options={"every": 3})
    (task,) = json.loads(path.read_text())
    assert task["data"] == {"video": "my clip.mp4"}
    interface = ET.fromstring(task["meta"]["labeling_config"])
    rate = float(next(interface.iter("Video")).attrib["frameRate"])
    times = [float(reader.info.time_of(frame_idx)) for frame_idx in range(24)]
    assert reader.info.is_vfr
    # As Label Studio's player counts: by time, at this rate.
    numbers = {round(seconds * rate) + 1: frame_idx for frame_idx, seconds in enumerate(times)}
    assert len(numbers) == 24
    regions = task["annotations"][0]["result"]
    assert [r["value"]["labels"] for r in regions] == [["dog"], ["ball"]]
    for number, region in enumerate(regions):
        value = region["value"]
        assert region["type"] == "videorectangle"
        assert value["framesCount"] == round(float(reader.info.duration) * rate)
        frames = [numbers[entry["frame"]] + 1 for entry in value["sequence"]]
        # The first after a gap, every third, and the last before a gap: from 1 on.
        assert frames == [1, 4, 5, 9, 10, 13, 16, 19, 22, 24]
        sequence = value["sequence"]
        gone = [numbers[entry["frame"]] + 1 for entry in sequence if not entry["enabled"]]
        assert gone == [5, 24]
        for entry in sequence:
            frame_idx = numbers[entry["frame"]]
            assert entry["time"] == pytest.approx(times[frame_idx], abs=1e-5)
            x, y, w, h = box_of(logits[frame_idx, number] > 0)
            shown = [entry["x"], entry["y"], entry["width"], entry["height"]]
            expected = [100 * x / 128, 100 * y / 96, 100 * w / 128, 100 * h / 96]
            assert shown == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("shapes", ["polygon", "box"])
def test_cvat_tracks_end_and_begin_again(
    write: Write, logits: FloatArray, tmp_path: Path, shapes: str
) -> None:
    (path,) = write("cvat", tmp_path / "a.xml", options={"shapes": shapes})
    root = ET.parse(path).getroot()
    assert root.findtext("meta/task/size") == "24"
    kinds = [label.findtext("type") for label in root.iter("label")]
    assert kinds == [{"box": "rectangle"}.get(shapes, shapes)] * 2
    tracks = list(root.iter("track"))
    assert [track.attrib["label"] for track in tracks] == ["dog", "ball"]
    for number, track in enumerate(tracks):
        assert [int(shape.attrib["frame"]) for shape in track] == [
            i for i in range(24) if i not in EMPTY or i == EMPTY.start
        ]
        gone = [int(s.attrib["frame"]) for s in track if s.attrib["outside"] == "1"]
        assert gone == [EMPTY.start]
        first = logits[0, number] > 0
        if shapes == "box":
            x, y, w, h = box_of(first)
            corners = [int(track[0].attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr")]
            assert corners == [x, y, x + w, y + h]
        else:
            pairs = [p.split(",") for p in track[0].attrib["points"].split(";")]
            drawn = np.zeros(SIZE_HW, np.uint8)
            # Through the middle of the outermost pixels lies half a pixel inside of the edges.
            points = np.array(pairs, np.float64)
            cv2.fillPoly(drawn, [np.round(points * 16).astype(np.int32) - 8], (1,), shift=4)
            assert iou(drawn > 0, first) > 0.9


def test_label_studio_is_told_the_rate_of_even_frames(tmp_path: Path, logits: FloatArray) -> None:
    frames = np.zeros((24, 96, 128, 3), np.uint8)
    path = write_clip(tmp_path / "even", frames, Encoding(fps=Fraction(30000, 1001)))
    with open_video(path) as reader:
        masks = TrackedMasks(StoredLogits(logits[:, :1], (1,)), UNNAMED[:1])
        source = ExportSource.of("a.mp4", reader, masks)
        (made,) = run_export(FORMATS["label-studio"], [source], tmp_path / "a.json")
    (task,) = json.loads(made.read_text())
    assert 'frameRate="29.97"' in task["meta"]["labeling_config"]
    value = task["annotations"][0]["result"][0]["value"]
    assert value["framesCount"] == 24
    assert [entry["frame"] for entry in value["sequence"]][:2] == [1, 2]


@pytest.mark.parametrize("shapes", ["polygon", "box"])
def test_cvat_tracks_end_with_the_range(
    write: Write, reader: FrameReader, tmp_path: Path, shapes: str
) -> None:
    (path,) = write("cvat", tmp_path / "a.xml", options={"shapes": shapes}, frames=range(10, 20))
    for track in ET.parse(path).getroot().iter("track"):
        assert (track[-1].attrib["frame"], track[-1].attrib["outside"]) == ("20", "1")
        assert track[-2].attrib["outside"] == "0"
    (whole,) = write("cvat", tmp_path / "b.xml", options={"shapes": shapes}, frames=range(10, 24))
    for track in ET.parse(whole).getroot().iter("track"):
        assert track[-1].attrib["outside"] == "0", "there is no frame behind the last"


def test_names_with_markup_do_no_harm(write: Write, tmp_path: Path) -> None:
    evil = [ClipObject(1, '<a b="&">\'', "#000000")]
    for name, suffix in (("cvat", ".xml"), ("label-studio", ".json"), ("yolo", "")):
        write(name, tmp_path / f"a{suffix}", objects=evil, clip_name="<clip>&.mp4")
    assert next(ET.parse(tmp_path / "a.xml").iter("mask")).attrib["label"] == evil[0].name
    config = json.loads((tmp_path / "a.json").read_text())[0]["meta"]["labeling_config"]
    assert next(ET.fromstring(config).iter("Label")).attrib["value"] == evil[0].name
    assert yaml.safe_load((tmp_path / "a/data.yaml").read_text())["names"] == {0: evil[0].name}


# ---- Training sets


@pytest.fixture
def clips(clip: Path, logits: FloatArray) -> Iterator[list[ExportSource]]:
    """Four clips, two of one name; the second has other objects."""
    with ExitStack() as stack:
        sources = []
        for number, name in enumerate(("one.mp4", "two.mp4", "one.mov", "four.mp4")):
            reader = stack.enter_context(open_video(clip))
            names = ("dog", "ball") if number != 1 else ("cat", "Object 7")
            objects = [ClipObject(i, n, "#000000") for i, n in zip((1, 7), names, strict=True)]
            masks = TrackedMasks(StoredLogits(logits), objects)
            sources.append(ExportSource.of(name, reader, masks))
        yield sources


def dataset(
    sources: list[ExportSource], path: Path, **options: object
) -> tuple[dict[str, bytes], dict[str, list[str]]]:
    """All files, and the names of the pictures of each part."""
    settings = ExportSettings(options=FORMATS["dataset"].parse_options(options))
    run_export(FORMATS["dataset"], sources, path, settings)
    files = files_of(path)
    parts = {
        part: sorted(Path(n).stem for n in files if n.startswith(f"images/{part}/"))
        for part in ("train", "val")
    }
    return files, parts


def test_a_data_set_of_several_clips_loads_in_every_format(
    clips: list[ExportSource], logits: FloatArray, tmp_path: Path
) -> None:
    files, parts = dataset(clips, tmp_path / "set", val=0.25)
    assert len(parts["train"]) == 72
    assert len(parts["val"]) == 24
    assert not {n.rsplit("_", 1)[0] for n in parts["train"]} & {
        n.rsplit("_", 1)[0] for n in parts["val"]
    }, "whole clips"
    assert any(name.startswith("one-2_") for name in parts["train"] + parts["val"])
    for part, names in parts.items():
        coco = COCO(str(tmp_path / "set" / "annotations" / f"instances_{part}.json"))
        images = coco.loadImgs(coco.getImgIds())
        assert sorted(Path(image["file_name"]).stem for image in images) == names
        assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == [
            *("dog", "ball", "cat", "object"),
        ]
        for image in images[::5]:
            stem = Path(image["file_name"]).stem
            frame = image["frame_id"]
            classes = picture(files[f"masks/{part}/{stem}.png"])
            objects = picture(files[f"objects/{part}/{stem}.png"])
            np.testing.assert_array_equal(objects > 0, union(logits)[frame])
            np.testing.assert_array_equal(classes > 0, objects > 0)
            found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
            assert {a["category_id"] for a in found} >= set(np.unique(classes)) - {0}
            for annotation, mask in zip(found, logits[frame] > 0, strict=False):
                np.testing.assert_array_equal(coco.annToMask(annotation) > 0, mask)
            assert f"labels/{part}/{stem}.txt" in files
    assert yaml.safe_load(files["data.yaml"])["names"][3] == "object"
    assert "Split by clips" in files["README.txt"].decode()
    split = json.loads(files["split.json"])
    assert [clip["clip"] for clip in split["clips"]][1] == "two.mp4"


def test_stretches_leave_no_neighbours(clips: list[ExportSource], tmp_path: Path) -> None:
    files, parts = dataset(clips, tmp_path / "set.zip", split="stretches", gap=0.2)
    for stem in ("one", "two", "one-2", "four"):
        train = [int(n[-5:]) for n in parts["train"] if n.rsplit("_", 1)[0] == stem]
        val = [int(n[-5:]) for n in parts["val"] if n.rsplit("_", 1)[0] == stem]
        times = clips[0].video.info.time_of
        assert times(min(val)) - times(max(train)) >= 0.2
        assert len(val) == 5
    assert "Split by stretches" in files["README.txt"].decode()


def test_the_same_clips_are_split_in_the_same_way(
    clips: list[ExportSource], tmp_path: Path
) -> None:
    _, first = dataset(clips, tmp_path / "a")
    _, again = dataset(clips, tmp_path / "b")
    assert first == again
    one = dataset(clips[:1], tmp_path / "c", split="clips")[1]
    assert not one["val"], "one clip is for training"


def test_other_formats_hold_one_clip(clips: list[ExportSource], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="coco holds one clip, here are 4"):
        run_export(FORMATS["coco"], clips, tmp_path / "a.json")
