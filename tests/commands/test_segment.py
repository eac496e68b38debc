"""``sam2ov segment``: images in, masks of everything out."""

import io
import json
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from typer.testing import Result

from sam2ov.jobs.segment_images import SegmentJob, SegmentRun
from tests.commands.conftest import LoadedFakeModel, Run

SIZES = ((64, 96), (80, 64))


def square(size_hw: tuple[int, int]) -> Image.Image:
    """Red on grey; the stand-in finds what is red."""
    image = np.full((*size_hw, 3), 60, np.uint8)
    image[16:48, 16:48] = (255, 0, 0)
    return Image.fromarray(image)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, size_hw in zip(("a.png", "b.bmp"), SIZES, strict=True):
        square(size_hw).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture
def segment(run: Run, networks: type[LoadedFakeModel], model_folder: Path) -> Run:
    def invoke(*arguments: object) -> Result:
        options = ("--points-per-side", 4, "--pred-iou-thresh", 0.65)
        return run("segment", "--model", model_folder, *options, *arguments)

    return invoke


def test_a_folder_to_coco(segment: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    done = segment(images, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert "2 masks in 2 of 2 images" in done.stderr
    found = json.loads(out.read_text())
    assert [(each["file_name"], each["height"], each["width"]) for each in found["images"]] == [
        ("a.png", *SIZES[0]),
        ("b.bmp", *SIZES[1]),
    ]
    for number, each in enumerate(found["annotations"], 1):
        assert (each["id"], each["image_id"], each["category_id"]) == (number, number, 1)
        segmentation = each["segmentation"]
        assert segmentation["size"] == list(SIZES[number - 1])
        assert coco.area(segmentation) == each["area"]
        assert coco.toBbox(segmentation).tolist() == each["bbox"]
        assert abs(each["area"] - 32 * 32) < 200
        assert each["predicted_iou"] == 0.9
        assert 0.95 <= each["stability_score"] <= 1
        assert len(each["point_coords"]) == 1


def test_pictures_of_masks(segment: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks"
    assert segment(images, "--format", "png", "--out", out).exit_code == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == [
        "a/001.png",
        "b/001.png",
    ]
    mask = np.asarray(Image.open(out / "a" / "001.png"))
    assert mask.shape == SIZES[0]
    assert set(np.unique(mask)) == {0, 255}
    assert mask[20:44, 20:44].all()
    assert not mask[:, 60:].any()


def test_one_image_to_an_archive(segment: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks.zip"
    assert segment(images / "a.png", "--format", "png", "--out", out).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["001.png"]
        assert Image.open(io.BytesIO(archive.read("001.png"))).size == SIZES[0][::-1]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_overlay(segment: Run, images: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"seen{suffix}"
    assert segment(images / "a.png", "--format", "overlay", "--out", out).exit_code == 0
    before, after = (
        np.asarray(Image.open(path).convert("RGB"), int) for path in (images / "a.png", out)
    )
    assert np.abs(after - before)[24:40, 24:40].max() > 60
    assert np.abs(after - before)[:, 64:].max() < 12


def test_overlays_of_a_folder(segment: Run, images: Path, tmp_path: Path) -> None:
    square(SIZES[0]).save(images / "a.bmp")  # of two with one name, the whole name counts
    out = tmp_path / "seen"
    assert segment(images, "--format", "overlay", "--out", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.bmp.png", "a.png.png", "b.png"]


def test_no_two_images_have_one_name(segment: Run, images: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "a.jpg.png", "B.png"):
        square(SIZES[0]).save(images / name)
    out = tmp_path / "seen"
    assert segment(images, "--format", "overlay", "--out", out).exit_code == 0
    names = ["B.png.png", "a.jpg.png", "a.jpg.png.png", "a.png.png", "b.bmp.png"]
    assert sorted(path.name for path in out.iterdir()) == names


def test_a_signal_among_unreadable_images_is_heeded(
    networks: type[LoadedFakeModel], images: Path, model_folder: Path, tmp_path: Path
) -> None:
    for path in images.iterdir():
        path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    run = SegmentRun(SegmentJob(images=images, out=tmp_path / "x.json", model=str(model_folder)))
    run.load()
    assert len(list(run.work(lambda: len(run.outcome.unreadable) == 1))) == 1
    assert len(run.outcome.unreadable) == 1


def test_unreadable_images_are_told_and_left_out(
    segment: Run, images: Path, tmp_path: Path
) -> None:
    (images / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    out = tmp_path / "found.json"
    done = segment(images, "--out", out, "--json")
    assert done.exit_code == 1
    assert "Left out" in done.stderr
    assert "c.png" in done.stderr
    summary = json.loads(done.stdout)
    assert [each["masks"] for each in summary["images"]] == [1, 1]
    assert len(summary["unreadable"]) == 1
    assert len(json.loads(out.read_text())["images"]) == 2


def test_an_image_that_cannot_be_read_is_an_error(
    segment: Run, images: Path, tmp_path: Path
) -> None:
    (images / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    out = tmp_path / "found.json"
    done = segment(images / "c.png", "--out", out)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("Error:")
    assert not out.exists()


def test_a_signal_keeps_what_is_found(
    segment: Run, networks: type[LoadedFakeModel], images: Path, tmp_path: Path
) -> None:
    def interrupt(calls: int) -> None:
        if calls == 1:  # the second image
            signal.raise_signal(signal.SIGINT)

    networks.before_frame = staticmethod(interrupt)
    out = tmp_path / "found.json"
    done = segment(images, "--out", out)
    assert done.exit_code == 130
    assert [each["file_name"] for each in json.loads(out.read_text())["images"]] == ["a.png"]
    networks.before_frame = staticmethod(lambda calls: signal.raise_signal(signal.SIGINT))
    nothing = segment(images, "--out", tmp_path / "nothing.json")
    assert nothing.exit_code == 130
    assert "Nothing was written" in nothing.stderr
    assert not (tmp_path / "nothing.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "coco", "--out", "found.txt"), "does not end in .json"),
        (("--format", "overlay", "--out", "seen.gif"), "does not end in .png"),
        (("--out", "nowhere/found.json"), "does not exist"),
        (("--out", "there.json"), "is there already"),
        (("--out", "found.json", "--pred-iou-thresh", 7), "pred_iou_thresh"),
    ],
)
def test_what_would_fail_is_said_before(
    segment: Run,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("mine")
    done = segment(images / "a.png", *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert (tmp_path / "there.json").read_text() == "mine"


def test_what_stands_there_is_replaced_on_request(
    segment: Run, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "there.json"
    out.write_text("mine")
    assert segment(images, "--out", out, "--overwrite").exit_code == 0
    assert len(json.loads(out.read_text())["images"]) == 2


def test_a_folder_without_images_is_told(segment: Run, tmp_path: Path) -> None:
    done = segment(tmp_path, "--out", tmp_path / "found.json")
    assert done.exit_code == 1
    assert "has no images" in done.stderr


def test_videos_are_refused(segment: Run, clip: Path, tmp_path: Path) -> None:
    done = segment(clip, "--out", tmp_path / "found.json")
    assert done.exit_code == 1
    assert "20 frames" in done.stderr
