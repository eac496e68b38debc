"""Exports and prompt files, read back."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.export import FORMATS
from sam2ov.mask_files.prompt_file import read_prompt_file
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.video import open_video
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.ui.conftest import Tab, event, masks_of, snapshot_of, told


def last_of(texts: Iterator[str]) -> Snapshot:
    *_, text = texts
    return snapshot_of(text)


def downloaded(tab: Tab, snapshot: Snapshot) -> Path:
    assert snapshot.download is not None
    path = tab.workspace.exported(snapshot.download.name)
    assert path is not None
    assert snapshot.download.url == f"media/{tab.workspace.token}/exports/{path.name}"
    return path


def exported(tab: Tab, name: str, **choices: Any) -> Path:
    return downloaded(tab, last_of(tab.export(name, **choices)))


def prompts_with(**prompt: object) -> bytes:
    content = {"version": 1, "objects": [{"id": 1, "prompts": [prompt]}]}
    return json.dumps(content).encode()


def prompts_of(ids: Iterable[int]) -> bytes:
    prompt = {"frame": 0, "points": [{"x": 1, "y": 1}]}
    objects = [{"id": i, "name": "x" * 99, "prompts": [prompt]} for i in ids]
    return json.dumps({"version": 1, "objects": objects}).encode()


@pytest.fixture
def tracked_tab(open_tab: Tab) -> Tab:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    return open_tab


def test_an_overlay_plays_and_is_coloured(tracked_tab: Tab) -> None:
    path = exported(tracked_tab, "overlay")
    assert path.name == "square-overlay.mp4"
    with open_video(path) as video:
        assert video.num_frames == NUM_FRAMES
        frame = video.read(6)
    assert frame[32, 36, 2] > 60, "blue over the red square"
    assert np.abs(frame[4, 90].astype(int) - 60).max() < 12, "nothing beside it"


def test_a_matte_is_white_where_the_object_is(tracked_tab: Tab) -> None:
    path = exported(tracked_tab, "matte")
    with open_video(path) as video:
        frame = video.read(6)
    assert frame[32, 36].min() > 240
    assert frame[4, 90].max() < 15


def masks_in(path: Path) -> dict[str, npt.NDArray[np.uint8]]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        return {n: np.asarray(Image.open(io.BytesIO(archive.read(n)))) for n in sorted(names)}


def test_masks_come_as_a_zip(tracked_tab: Tab) -> None:
    masks = masks_in(exported(tracked_tab, "davis"))
    assert len(masks) == NUM_FRAMES
    mask = masks["Annotations/480p/square/00006.png"]
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[32, 36] == 1
    assert mask[4, 90] == 0


def test_files_of_single_objects_come_as_a_zip(tracked_tab: Tab) -> None:
    tracked_tab.edit("add_object")
    tracked_tab.click(0, 80, 10, obj=2)
    path = exported(tracked_tab, "matte", per_object=True, names="{clip}_{object}")
    assert path.name == "square-matte.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["square_Object_1.mp4", "square_Object_2.mp4"]
    path = exported(tracked_tab, "davis", per_object=True)
    assert {name.split("/")[0] for name in masks_in(path)} == {
        "square-davis-1",
        "square-davis-2",
    }
    assert len(list(path.parent.iterdir())) == 2, "nothing else is left"


def test_files_are_called_and_numbered_as_asked(tracked_tab: Tab) -> None:
    path = exported(tracked_tab, "masks", first_number=1001, names="{object}.{frame:04d}")
    assert next(iter(masks_in(path))) == "Object_1.1001.png"
    for names, message in (
        ("../{frame}", "cannot be a file name"),
        ("{clip.__class__}{frame}", "has a placeholder that is none of"),
        ("x" * 201, "names: it is longer than 200"),
    ):
        refused = tracked_tab.export("davis", names=names)
        with told(tracked_tab, message):
            snapshot = last_of(refused)
        assert snapshot.download is None


def test_the_chosen_object_and_the_whole_clip_can_be_exported(tracked_tab: Tab) -> None:
    tracked_tab.edit("add_object")
    tracked_tab.click(0, 80, 10, obj=2)
    tracked_tab.edit("set_range", first=2, last=5)

    def masks(**choices: Any) -> tuple[int, set[int]]:
        found = masks_in(exported(tracked_tab, "davis", **choices))
        return len(found), {int(i) for mask in found.values() for i in np.unique(mask)}

    assert masks(whole_clip=True) == (NUM_FRAMES, {0, 1, 2})
    assert masks(objects=[1]) == (4, {0, 1})
    with told(tracked_tab, "What is chosen has no masks yet"):
        last_of(tracked_tab.export("davis", objects=[7]))


def test_every_export_says_what_is_missing(tab: Tab, open_tab: Tab) -> None:
    for name in FORMATS:
        with told(open_tab, "nothing to export yet"):
            snapshot = last_of(open_tab.export(name))
        assert snapshot.download is None
        assert snapshot.job is None


def test_other_exports_are_refused(tracked_tab: Tab) -> None:
    with told(tracked_tab, "Choose one from the list"):
        last_of(tracked_tab.export("../../etc/passwd"))


def test_a_cancelled_export_leaves_nothing(tracked_tab: Tab) -> None:
    running = tracked_tab.export("overlay")
    next(running)
    tracked_tab.editor.cancel(tracked_tab.request)
    snapshot = last_of(running)
    assert snapshot.download is None
    exports = tracked_tab.workspace.folder / "exports"
    assert list(exports.iterdir()) == []


def test_names_of_exports_suit_any_file_system(open_tab: Tab) -> None:
    clip = open_tab.workspace.clip
    assert clip is not None
    open_tab.click(0, 24, 32)
    for name, expected in (
        ("été: à la plage?.mp4", "été_à_la_plage-prompts.json"),
        ("..mp4", "clip-prompts.json"),
        ("浜辺" * 60 + ".mp4", "浜辺" * 24 + "-prompts.json"),
    ):
        clip.about = clip.about.model_copy(update={"clip_name": name})
        snapshot = snapshot_of(open_tab.files.save_prompts(open_tab.request))
        assert downloaded(open_tab, snapshot).name == expected


def test_prompts_come_back(open_tab: Tab, tmp_path: Path) -> None:
    second = open_tab.edit("add_object").objects[-1].obj_id
    open_tab.edit("rename_object", object=second, name="Ball")
    open_tab.edit("recolour_objects", objects=[second], colour="#00ff00")
    open_tab.click(0, 24, 32)
    open_tab.click(0, 60, 32, positive=False)
    open_tab.edit("box", frame=5, object=second, x0=10, y0=10, x1=40, y1=40)
    masks = [masks_of(open_tab, frame) for frame in (0, 5)]
    path = downloaded(open_tab, snapshot_of(open_tab.files.save_prompts(open_tab.request)))
    kept = path.rename(tmp_path / path.name)
    facts = read_prompt_file(kept).video
    assert facts is not None
    assert (facts.file, facts.num_frames) == ("square.mp4", NUM_FRAMES)

    open_tab.edit("remove_objects", objects=[1])
    snapshot = last_of(open_tab.open_prompts(kept, "first"))
    assert snapshot.undo == "Open prompts"
    assert [(t.name, t.colour) for t in snapshot.objects][1] == ("Ball", "#00ff00")
    assert [sorted(target.prompts) for target in snapshot.objects] == [[0], [5]]
    assert open_tab.edit("add_object").objects[-1].obj_id == 3, (
        "numbers go on after those of the file"
    )
    again = [masks_of(open_tab, frame) for frame in (0, 5)]
    np.testing.assert_array_equal(masks[1], again[1])
    assert again[0].shape == masks[0].shape
    list(open_tab.track(0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a prompt file"),
        (b"\xff\xfe\x00", "is not a prompt file"),
        (b'{"version": 1, "objects": []}', "is not a prompt file"),
        (prompts_with(frame=99, box=[1, 1, 9, 9]), "behind the end"),
        (prompts_with(frame=0, box=[1, 1, 999, 9]), "outside the picture"),
        (prompts_with(frame=0, mask="/etc/passwd"), "file name"),
        (prompts_of(range(1, 52)), "up to 50 objects"),
        (prompts_of([10**9]), "up to number 1,000,000,000"),
    ],
)
def test_prompts_that_do_not_fit_change_nothing(
    open_tab: Tab, tmp_path: Path, content: bytes, message: str
) -> None:
    open_tab.click(0, 24, 32)
    path = tmp_path / "prompts.json"
    path.write_bytes(content)
    before = masks_of(open_tab, 0)
    with told(open_tab, message):
        snapshot = last_of(open_tab.open_prompts(path, "first"))
    np.testing.assert_array_equal(before, masks_of(open_tab, 0))
    assert snapshot.undo == "Click on Object 1"
    assert snapshot.objects[0].prompts


def test_an_event_without_a_file_is_told_of(open_tab: Tab) -> None:
    with told(open_tab, "There is no file of prompts or masks"):
        last_of(open_tab.files.open_prompts(event({"masks": "first"}), open_tab.request))


@pytest.mark.parametrize("name", ["coco", "davis", "sav", "cvat", "mots", "masks"])
def test_exported_masks_can_be_opened(tracked_tab: Tab, tmp_path: Path, name: str) -> None:
    path = exported(tracked_tab, name)
    kept = path.rename(tmp_path / path.name)
    before = [masks_of(tracked_tab, frame)[0] for frame in (0, 6)]
    tracked_tab.edit("remove_objects", objects=[1])
    for which, frames in (("first", [0]), ("all", list(range(NUM_FRAMES)))):
        opened = tracked_tab.open_prompts(kept, which)
        (target,) = last_of(opened).objects
        assert sorted(target.prompts) == frames
        np.testing.assert_array_equal(masks_of(tracked_tab, 0)[0], before[0])
    np.testing.assert_array_equal(masks_of(tracked_tab, 6)[0], before[1])


def test_objects_of_a_file_can_be_changed_like_others(open_tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_bytes(prompts_of([7]))
    last_of(open_tab.open_prompts(path, "first"))
    snapshot = open_tab.edit("recolour_objects", objects=[7], colour="#0000ff")
    assert snapshot.objects[0].colour == "#0000ff"


def test_prompts_cannot_be_changed_while_others_are_loaded(open_tab: Tab, tmp_path: Path) -> None:
    open_tab.click(0, 24, 32)
    path = downloaded(open_tab, snapshot_of(open_tab.files.save_prompts(open_tab.request)))
    running = open_tab.open_prompts(path, "first")
    next(running)
    with told(open_tab, "still running"):
        open_tab.click(0, 30, 30)
    assert last_of(running).objects[0].prompts[0].points == ((24, 32, 1),)


def test_prompts_and_files_need_a_clip(tab: Tab) -> None:
    with told(tab, "no clip open"):
        last_of(tab.export("matte"))
    with told(tab, "no clip open"):
        tab.files.save_prompts(tab.request)
    with told(tab, "no clip open"):
        last_of(tab.files.open_prompts(event({"masks": "first"}), tab.request))


def test_saving_needs_prompts(open_tab: Tab) -> None:
    with told(open_tab, "no prompts to save"):
        open_tab.files.save_prompts(open_tab.request)


def test_requests_without_a_page_are_refused(tab: Tab) -> None:
    with pytest.raises(gr.Error):
        list(tab.files.export(event({}), gr.Request()))
