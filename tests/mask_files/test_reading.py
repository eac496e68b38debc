"""Masks of other programs as prompts: those of our exports, and files that we do not write."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as rle_api

from sam2ov.errors import PromptError
from sam2ov.export.polygons import edge_polygons
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.prompt_file import PromptFile, RleMask
from sam2ov.mask_files.reading import Choice, read_masks
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import Rle, decode_rle, encode_rle

SIZE_HW = (20, 30)


def square(x: int, y: int, side: int = 6) -> BoolArray:
    mask = np.zeros(SIZE_HW, np.bool_)
    mask[y : y + side, x : x + side] = True
    return mask


def masks_of(prompts: PromptFile) -> dict[tuple[int, int], BoolArray]:
    """By frame and object."""
    found = {}
    for target in prompts.objects:
        for prompt in target.prompts:
            assert isinstance(prompt.mask, RleMask)
            rle = Rle(prompt.mask.size, prompt.mask.counts)
            found[prompt.frame, target.id] = decode_rle(rle)
    return found


def png(values: Any, mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(np.asarray(values))
    if mode is not None:
        image = image.convert(mode)
    image.save(stream, "PNG")
    return stream.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def coco(path: Path, annotations: list[dict[str, Any]], **more: Any) -> Path:
    images = [
        {"id": 10 + i, "file_name": f"f/{i:05d}.jpg", "height": 20, "width": 30} for i in (3, 4, 9)
    ]
    content = {"images": images, "annotations": annotations, **more}
    path.write_text(json.dumps(content))
    return path


def rle(mask: BoolArray) -> dict[str, Any]:
    made = encode_rle(mask)
    return {"size": list(made.size_hw), "counts": made.counts}


# ---- COCO


def test_coco_of_other_programs(tmp_path: Path) -> None:
    uncompressed = {"size": [20, 30], "counts": [20 * 30 - 4, 4]}
    polygon = [[5.0, 5, 11, 5, 11, 11, 5, 11], [1.0, 1, 2, 1, 2, 2, 1, 2], [0.0, 0, 1, 1]]
    path = coco(
        tmp_path / "a.json",
        [
            {"image_id": 13, "category_id": 1, "segmentation": polygon, "instance_id": 5},
            {"image_id": 14, "category_id": 1, "segmentation": uncompressed, "instance_id": 5},
            {"image_id": 19, "category_id": 2, "segmentation": rle(square(2, 2)), "instance_id": 6},
            {"image_id": 99, "category_id": 2, "segmentation": rle(square(2, 2)), "instance_id": 6},
        ],
        categories=[{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
    )
    first = read_masks(path)
    assert [(t.id, t.name, [p.frame for p in t.prompts]) for t in first.objects] == [
        (5, "dog", [3]),
        (6, "cat", [9]),
    ]
    found = masks_of(read_masks(path, Choice(every=1, first_number=3)))
    assert found.keys() == {(0, 5), (1, 5), (6, 6)}
    expected = square(5, 5)
    expected[1, 1] = True
    np.testing.assert_array_equal(found[0, 5], expected)
    np.testing.assert_array_equal(np.argwhere(found[1, 5])[:, 1], [29] * 4)


def test_coco_without_tracks(tmp_path: Path) -> None:
    alone = [{"image_id": i, "category_id": 4, "segmentation": rle(square(2, 2))} for i in (13, 14)]
    assert masks_of(read_masks(coco(tmp_path / "a.json", alone), Choice(every=1))).keys() == {
        (3, 1),
        (4, 1),
    }
    with pytest.raises(PromptError, match="which masks belong to one object"):
        read_masks(coco(tmp_path / "b.json", alone * 2))


def test_tracks_of_cvat(tmp_path: Path) -> None:
    made = [
        {
            "image_id": i,
            "category_id": 4,
            "segmentation": rle(square(x, 2)),
            "attributes": {"track_id": x},
        }
        for i in (13, 14)
        for x in (1, 9)
    ]
    path = archive(
        tmp_path / "a.zip",
        {"annotations/instances_default.json": coco(tmp_path / "a.json", made).read_bytes()},
    )
    assert masks_of(read_masks(path)).keys() == {(3, 1), (3, 9)}


# ---- PNG


def test_label_maps(tmp_path: Path) -> None:
    labels = square(1, 1) * np.uint8(3) + square(12, 8) * np.uint8(7)
    labels[19] = 255
    for number, mode in enumerate(("L", "P")):
        folder = tmp_path / mode
        folder.mkdir()
        for frame in (5, 6):
            (folder / f"frame_{frame}.png").write_bytes(png(labels, mode))
        found = masks_of(read_masks(folder, Choice(every=1, first_number=number)))
        assert found.keys() == {(5 - number, 3), (5 - number, 7), (6 - number, 3), (6 - number, 7)}
        np.testing.assert_array_equal(found[6 - number, 7], square(12, 8))


def test_one_picture(tmp_path: Path) -> None:
    rgba = np.zeros((*SIZE_HW, 4), np.uint8)
    rgba[square(3, 3)] = (0, 200, 0, 255)
    rgba[square(12, 8)] = (9, 9, 9, 0)
    for picture in (square(3, 3) * np.uint8(255), square(3, 3), rgba):
        path = tmp_path / "mask.png"
        path.write_bytes(png(picture))
        found = masks_of(read_masks(path))
        assert found.keys() == {(0, 1)}
        np.testing.assert_array_equal(found[0, 1], square(3, 3))


def test_a_folder_for_each_object(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.zip",
        {
            "__MACOSX/dog/._00002.png": b"x",
            "dog/00002.png": png(square(3, 3) * np.uint8(255)),
            "dog/00001.png": png(np.zeros(SIZE_HW, np.uint8)),
            "4/00001.png": png(square(8, 3) * np.uint8(1)),
        },
    )
    prompts = read_masks(path)
    assert {target.name: target.prompts[0].frame for target in prompts.objects} == {"dog": 2, "": 1}
    assert {frame for frame, _ in masks_of(prompts)} == {1, 2}


def test_mots_pictures(tmp_path: Path) -> None:
    values = square(3, 3) * np.uint16(2001) + square(12, 8) * np.uint16(1005)
    values[19] = 10_000
    (tmp_path / "000004.png").write_bytes(png(values.astype(np.uint16)))
    assert masks_of(read_masks(tmp_path)).keys() == {(4, 1), (4, 5)}


# ---- What is wrong


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds nothing that can be read"),
        ({"a.txt": b"x"}, "holds nothing that can be read"),
        ({"a.json": b"{}", "b.json": b"{}"}, "holds 2 files of annotations"),
        ({"a.json": b"{"}, "is none of COCO, SA-V"),
        ({"a.json": b"[]"}, "is none of COCO, SA-V"),
        ({"a.json": b'{"images": 3, "annotations": []}'}, "malformed at images"),
        ({"a.json": b'{"images": [], "annotations": []}'}, "no mask in a.zip that is not empty"),
        ({"a.png": b"GIF89a"}, "no readable PNG"),
        ({"a.png": b"\x89PNG\r\n\x1a\n"}, "no readable PNG"),
        ({"1/a1.png": b"x", "1/b1.png": b"x"}, "are of one frame"),
        ({"a.xml": b"<x>"}, "no annotation from CVAT"),
        ({"a.xml": b"<annotations/>"}, "no original_size"),
        ({"a.xml": b"<!DOCTYPE x><x/>"}, "defines entities"),
        ({"a.xml": "<!DOCTYPE x><x/>".encode("utf-16")}, "defines entities"),
    ],
)
def test_what_is_none_of_them_is_said(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(PromptError, match=message):
        read_masks(archive(tmp_path / "a.zip", files))


def test_hostile_sizes_are_refused(tmp_path: Path) -> None:
    huge = {"size": [30_000, 30_000], "counts": [0, 900_000_000]}
    annotation = {"image_id": 13, "category_id": 1, "segmentation": huge}
    with pytest.raises(PromptError, match="malformed at annotations"):
        read_masks(coco(tmp_path / "a.json", [annotation]))
    xml = (
        "<annotations><meta><task><original_size><width>999999</width><height>999999</height>"
        "</original_size></task></meta></annotations>"
    )
    (tmp_path / "a.xml").write_text(xml)
    with pytest.raises(PromptError, match="999999×999999 pixels"):
        read_masks(tmp_path / "a.xml")
    with pytest.raises(PromptError, match=r"a\.json is larger than 0 MB"):
        read_masks(tmp_path / "a.json", max_text_bytes=10)


@pytest.mark.parametrize("runs", ["4611686018427387904," * 4 + "36", f"{10**30}", "-1,37", "35"])
def test_masks_of_cvat_must_fill_their_box(tmp_path: Path, runs: str) -> None:
    """Four times 2⁶² comes around to 0 in 64 bits."""
    xml = (
        "<annotations><meta><task><original_size><width>30</width><height>20</height>"
        '</original_size></task></meta><track id="0" label="a" group_id="1">'
        f'<mask frame="0" outside="0" rle="{runs}" left="1" top="1" width="6" height="6"/>'
        "</track></annotations>"
    )
    (tmp_path / "a.xml").write_text(xml)
    with pytest.raises(PromptError, match="does not fit its box"):
        read_masks(tmp_path / "a.xml")


def test_missing_files_and_numbers_before_the_first(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="No such file"):
        read_masks(tmp_path / "missing.json")
    annotation = {"image_id": 13, "category_id": 1, "segmentation": rle(square(1, 1))}
    with pytest.raises(PromptError, match="before the first number, 1001"):
        read_masks(coco(tmp_path / "a.json", [annotation]), Choice(first_number=1001))


def test_several_videos_or_label_maps_are_too_many(tmp_path: Path) -> None:
    content = json.loads(coco(tmp_path / "a.json", []).read_text())
    for number, image in enumerate(content["images"]):
        image["video_id"] = number
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(PromptError, match="holds 3 videos"):
        read_masks(tmp_path / "a.json")
    labels = png(square(1, 1) * np.uint8(3), "P")
    path = archive(tmp_path / "a.zip", {"one/0.png": labels, "two/0.png": labels})
    with pytest.raises(PromptError, match="label maps in 2 folders"):
        read_masks(path)


# ---- Polygons


@settings(max_examples=200, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_outlines_of_masks_are_filled_to_the_pixel(mask: BoolArray) -> None:
    np.testing.assert_array_equal(fill_polygons(edge_polygons(mask), mask.shape), mask)


points = st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 25)), min_size=3, max_size=8)


@settings(max_examples=100, deadline=None)
@given(points)
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools
def test_polygons_are_filled_much_as_pycocotools_does(corners: list[tuple[float, float]]) -> None:
    """Up to what lies on the line, and what crosses itself: there pycocotools counts otherwise."""
    hull = np.array(corners)
    centre = hull.mean(axis=0)
    order = np.argsort(np.arctan2(*(hull - centre).T))
    ring = hull[order].clip(0, 20)
    ours = fill_polygons([ring], (20, 20))
    theirs = rle_api.decode(rle_api.frPyObjects([ring.ravel().tolist()], 20, 20))[..., 0] > 0
    length = np.abs(np.diff(np.vstack([ring, ring[:1]]), axis=0)).sum()
    assert (ours != theirs).sum() <= length + 4
