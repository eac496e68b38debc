"""Exports read back without sam2ov: with pycocotools, Pillow, OpenCV, xml.etree, yaml and json.

Each reader gives the masks by frame number and object number; empty ones may be left out.
"""

import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image
from pycocotools import mask as rle_api
from pycocotools.coco import COCO

Mask = npt.NDArray[np.bool_]
Masks = dict[tuple[int, int], Mask]


def files_of(path: Path) -> dict[str, bytes]:
    """All files of a folder or an archive by their names in it."""
    if path.is_dir():
        return {
            p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()
        }
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def picture(content: bytes) -> npt.NDArray[Any]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def read_davis(path: Path) -> Masks:
    found: Masks = {}
    for name, content in files_of(path).items():
        if matched := re.fullmatch(r"Annotations/480p/my_clip/(\d+)\.png", name):
            labels = picture(content)
            for value in np.unique(labels[labels > 0]).tolist():
                found[int(matched[1]), value] = labels == value
    return found


def read_masks(path: Path) -> Masks:
    found: Masks = {}
    for name, content in files_of(path).items():
        obj_id, frame = Path(name).with_suffix("").parts
        values = picture(content)
        assert values.dtype == np.uint8
        assert set(np.unique(values)) <= {0, 255}
        found[int(frame), int(obj_id)] = values > 0
    return found


def read_coco(path: Path) -> Masks:
    coco = COCO(str(path))
    found: Masks = {}
    for annotation in coco.loadAnns(coco.getAnnIds()):
        image = coco.loadImgs(annotation["image_id"])[0]
        mask = coco.annToMask(annotation).astype(np.bool_)
        found[image["frame_id"], annotation["track_id"]] = mask
        x, y, w, h = annotation["bbox"]
        assert rle_api.toBbox(coco.annToRLE(annotation)).tolist() == [x, y, w, h]
        assert image["file_name"].startswith(f"{image['frame_id']:05d}.")
    return found


def read_mots(path: Path) -> Masks:
    files = files_of(path)
    found: Masks = {}
    for name, content in files.items():
        if matched := re.fullmatch(r"instances/my_clip/(\d{6})\.png", name):
            values = picture(content)
            for value in np.unique(values[values > 0]).tolist():
                found[int(matched[1]), value % 1000] = values == value
    # The text says the same.
    told: Masks = {}
    for line in files["instances_txt/my_clip.txt"].decode().splitlines():
        frame, value, class_id, height, width, counts = line.split(" ")
        assert int(value) // 1000 == int(class_id)
        rle = {"size": [int(height), int(width)], "counts": counts.encode()}
        told[int(frame), int(value) % 1000] = rle_api.decode(rle).astype(np.bool_)
    assert told.keys() == found.keys()
    assert all(np.array_equal(told[key], found[key]) for key in told)
    return found


def read_sav(path: Path) -> Masks:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["masklet_num"] == len(content["masklet_id"])
    found: Masks = {}
    every, first = content["masklet_every"], content["video_first_frame"]
    for index, masklets in enumerate(content["masklet"]):
        for obj_id, rle in zip(content["masklet_object_id"], masklets, strict=True):
            decoded = rle_api.decode({**rle, "counts": rle["counts"].encode()})
            found[first + index * every, obj_id] = decoded.astype(np.bool_)
    return found


def read_cvat_masks(path: Path) -> Masks:
    """As CVAT imports them: a mask belongs to a group, and the group is the object."""
    root = ET.parse(path).getroot()
    found: Masks = {}
    for image in root.iter("image"):
        assert image.attrib["name"] == f"frame_{int(image.attrib['id']):06d}.png"
        height, width = int(image.attrib["height"]), int(image.attrib["width"])
        for shape in image:
            values = {name: int(shape.attrib[name]) for name in ("left", "top", "width", "height")}
            runs = [int(length) for length in shape.attrib["rle"].split(",")]
            pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
            mask = np.zeros((height, width), np.bool_)
            rows = slice(values["top"], values["top"] + values["height"])
            columns = slice(values["left"], values["left"] + values["width"])
            mask[rows, columns] = pixels.reshape(values["height"], values["width"])
            found[int(image.attrib["id"]), int(shape.attrib["group_id"])] = mask
    return found


def read_yolo(path: Path, size_hw: tuple[int, int]) -> dict[tuple[int, int], Mask]:
    """By frame and class, drawn as Ultralytics draws them."""
    files = files_of(path)
    description = yaml.safe_load(files["data.yaml"])
    assert all(isinstance(name, str) for name in description["names"].values())
    found: dict[tuple[int, int], Mask] = {}
    for name, content in files.items():
        if not name.startswith("labels/"):
            continue
        assert name.replace("labels/", "images/").replace(".txt", ".jpg") in files
        frame = int(re.findall(r"\d+", name)[-1])
        for line in content.decode().splitlines():
            number, *numbers = line.split(" ")
            assert len(numbers) >= 6
            assert int(number) in description["names"]
            shares = np.array(numbers, np.float32).reshape(-1, 2)
            assert 0 <= shares.min() <= shares.max() <= 1
            drawn = np.zeros(size_hw, np.uint8)
            points = (shares * (size_hw[1], size_hw[0])).astype(np.int32)
            cv2.fillPoly(drawn, [points], (1,))
            earlier = found.get((frame, int(number)), np.zeros(size_hw, np.bool_))
            found[frame, int(number)] = earlier | (drawn > 0)
    return found


EXACT: dict[str, Callable[[Path], Masks]] = {
    "davis": read_davis,
    "masks": read_masks,
    "coco": read_coco,
    "mots": read_mots,
    "sav": read_sav,
    "cvat": read_cvat_masks,
}
"""Formats that give every mask back to the pixel."""

ON_TOP = ("davis", "mots")
"""Formats in which a pixel belongs to one object."""


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
