"""The editor's events, from payload to snapshot."""

import errno
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from sam2ov.engine.features import FrameFeatures
from sam2ov.ui.events import tracking as handlers_module
from sam2ov.ui.tabs.clip import Upload
from tests.click_model import NUM_FRAMES
from tests.clips import corrupt
from tests.ui.conftest import (
    Tab,
    event,
    leave,
    masks_of,
    request_of,
    snapshot_of,
    told,
    wait_for_closing,
)


@pytest.fixture(autouse=True)
def every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers_module, "_SECONDS_BETWEEN_FRAMES", 0.0)


def test_a_new_page_is_empty(tab: Tab) -> None:
    snapshot = snapshot_of(tab.editor.ready(tab.request))
    assert snapshot.clip is None
    assert snapshot.objects == ()
    assert snapshot.upload == tab.workspace.token


def test_the_sample_opens(tab: Tab) -> None:
    snapshot = tab.open("sample")
    assert snapshot.clip is not None
    assert (snapshot.clip.width, snapshot.clip.height) == (640, 360)
    assert snapshot.clip.num_frames == 96
    assert snapshot.clip.fps == 24
    assert snapshot.opened == 1
    assert snapshot.show_frame == 0
    assert [target.name for target in snapshot.objects] == ["Object 1"]


def test_a_damaged_upload_is_explained_and_changes_nothing(
    open_tab: Tab, clip_file: Path, tmp_path: Path
) -> None:
    before = open_tab.workspace.clip
    broken = open_tab.workspace.folder / "upload-1.video"
    broken.write_bytes(b"this is no video" * 100)
    open_tab.workspace.upload = Upload(broken, "<b>holiday</b>.mp4")
    with told(open_tab, "<b>holiday</b>.mp4 is not a video"):
        snapshot = open_tab.open("upload")
    assert snapshot.opened == 2, "the page knows that it was answered"
    assert open_tab.workspace.clip is before


def test_there_has_to_be_an_upload_to_open(tab: Tab) -> None:
    with told(tab, "Choose the clip again"):
        snapshot = tab.open("upload")
    assert snapshot.clip is None


def test_damaged_bytes_never_stop_the_server(open_tab: Tab, clip_file: Path) -> None:
    for seed in range(6):
        broken = open_tab.workspace.folder / f"upload-{seed}.video"
        broken.write_bytes(clip_file.read_bytes())
        corrupt(broken, seed, skip=40)
        open_tab.workspace.upload = Upload(broken, "broken.mp4")
        open_tab.open("upload")
        open_tab.click(0, 10, 10)
    assert snapshot_of(open_tab.editor.ready(open_tab.request)).seq > 0


def test_a_click_is_answered_with_the_masks(open_tab: Tab) -> None:
    snapshot = open_tab.click(3, 24, 32)
    assert snapshot.mask is not None
    assert snapshot.mask.frame == 3
    assert list(snapshot.objects[0].prompts[3].points) == [(24, 32, 1)]
    assert snapshot.undo == "Click on Object 1"
    assert snapshot.edits == 1


def test_malformed_and_late_edits_are_answered_too(open_tab: Tab) -> None:
    with told(open_tab, "Reload the page"):
        open_tab.edit("click", frame=-3)
    with told(open_tab, "reload the page"):
        snapshot = open_tab.edit("undo", clip="a-clip-of-yesterday")
    assert snapshot.edits == 2, "the page stops waiting, for the lost one too"
    assert snapshot.undo is None


def test_undo_shows_the_frame_that_it_changed(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    open_tab.click(7, 40, 32)
    snapshot = open_tab.edit("undo")
    assert snapshot.show_frame == 7
    assert snapshot.mask is not None
    assert snapshot.mask.frame == 7
    assert list(snapshot.objects[0].prompts) == [0]


def test_objects_are_added_changed_and_removed(open_tab: Tab) -> None:
    snapshot = open_tab.edit("add_object")
    assert [target.obj_id for target in snapshot.objects] == [1, 2]
    open_tab.edit("rename_object", object=2, name="<i>Ball</i>")
    snapshot = open_tab.edit("recolour_objects", objects=[2], colour="#00ff00")
    assert (snapshot.objects[1].name, snapshot.objects[1].colour) == ("<i>Ball</i>", "#00ff00")
    snapshot = open_tab.edit("remove_objects", objects=[1])
    assert [target.obj_id for target in snapshot.objects] == [2]


def test_clean_up_is_seen_at_once_and_taken_back(open_tab: Tab) -> None:
    before = open_tab.click(0, 24, 32)
    raw = masks_of(open_tab, 0)
    snapshot = open_tab.edit("clean_up", object=1, clean_up={"grow": 5, "feather": 2})
    assert (snapshot.objects[0].clean_up.grow, snapshot.objects[0].clean_up.smooth) == (5, 0)
    assert snapshot.undo == "Clean up Object 1"
    assert snapshot.revision > before.revision, "masks that the page holds are outdated"
    assert np.count_nonzero(masks_of(open_tab, 0)) > np.count_nonzero(raw)
    assert open_tab.edit("undo").objects[0].clean_up.grow == 0
    np.testing.assert_array_equal(masks_of(open_tab, 0), raw)


def test_tracking_tells_every_frame(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    snapshots = list(open_tab.track())
    first, *steps, last = snapshots
    assert first.job is not None
    assert (first.job.kind, first.job.total, first.job.done) == ("track", NUM_FRAMES - 1, 0)
    assert [step.mask.frame for step in steps if step.mask] == list(range(1, NUM_FRAMES))
    assert [step.show_frame for step in steps] == list(range(1, NUM_FRAMES))
    assert last.job is None
    assert last.objects[0].tracked == f"0-{NUM_FRAMES - 1}"
    assert last.revision > steps[-1].revision
    assert [s.seq for s in snapshots] == sorted({s.seq for s in snapshots})


def test_the_page_is_told_no_more_than_it_can_show(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers_module, "_SECONDS_BETWEEN_FRAMES", 60.0)
    open_tab.click(0, 24, 32)
    shown = [s.mask.frame for s in open_tab.track() if s.mask and s.job]
    assert shown == [1, NUM_FRAMES - 1], "the first and the last one"


def test_cancelling_keeps_what_is_done(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    for _ in range(4):
        snapshot = next(running)
    open_tab.editor.cancel(open_tab.request)
    *_, last = running
    assert last.job is None
    assert last.objects[0].tracked == "0-3"
    assert snapshot.mask is not None
    *_, last = open_tab.track(3)
    assert last.objects[0].tracked == f"0-{NUM_FRAMES - 1}", "it goes on from there"


def test_closing_the_tab_in_mid_track_frees_everything(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    workspace = open_tab.workspace
    running = open_tab.track()
    for _ in range(4):
        next(running)
    open_tab.workspaces.leave(workspace.token)
    running.close()  # type: ignore[attr-defined]
    wait_for_closing()
    assert workspace.job is None
    assert workspace.clip is None
    assert not workspace.folder.exists()
    assert len(open_tab.workspaces) == 0


@pytest.mark.parametrize("is_all_gone", [False, True])
def test_a_deleted_folder_is_told_at_once_and_nothing_is_lost(
    open_tab: Tab, *, is_all_gone: bool
) -> None:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    before, masks = open_tab.project.snapshot, masks_of(open_tab, 5)
    clip = open_tab.workspace.clip
    assert clip is not None
    shutil.rmtree(open_tab.workspaces.libraries.of("").folder if is_all_gone else clip.folder.path)
    with told(open_tab, "folder was deleted on the server. Nothing is lost"):
        snapshot = open_tab.click(3, 40, 40)
    assert snapshot.clip is not None
    assert snapshot.clip.token == clip.token, "the page goes on with the same clip"
    assert snapshot.project is not None
    token = snapshot.project.token
    assert open_tab.edit("undo").redo == "Click on Object 1", "told once"
    assert open_tab.project.snapshot.objects == before.objects
    with clip.new_reader() as reader:
        assert reader.read(5).any()
    open_tab.workspace.replace_clip(None)
    assert open_tab.open("project", token).project is not None
    assert np.array_equal(masks_of(open_tab, 5), masks)
    assert open_tab.edit("redo").undo == "Click on Object 1"


@pytest.mark.parametrize("is_all_gone", [False, True])
def test_a_folder_that_was_deleted_after_the_last_edit_is_there_again_when_the_tab_closes(
    open_tab: Tab, *, is_all_gone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    open_tab.click(0, 24, 32)
    masks, clip = masks_of(open_tab, 0), open_tab.workspace.clip
    assert clip is not None
    token = clip.folder.token
    library = open_tab.workspaces.libraries.of("")
    shutil.rmtree(library.folder if is_all_gone else clip.folder.path)
    leave(open_tab)
    assert "was deleted; it was written to another" in caplog.text
    later = open_tab.other(request_of("tab-2"))
    assert later.open("project", token).project is not None, "under the name that the page knows"
    assert np.array_equal(masks_of(later, 0), masks)


def test_a_folder_that_was_deleted_without_an_edit_stays_away(open_tab: Tab) -> None:
    clip = open_tab.workspace.clip
    assert clip is not None
    shutil.rmtree(clip.folder.path)
    leave(open_tab)
    assert not clip.folder.path.exists()


def test_a_folder_that_vanishes_while_tracking_is_told_then(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    for _ in range(3):
        next(running)
    assert open_tab.workspace.clip is not None
    shutil.rmtree(open_tab.workspace.clip.folder.path)
    with told(open_tab, "Nothing is lost"):
        *_, last = running
    assert last.objects[0].tracked == f"0-{NUM_FRAMES - 1}"


def test_without_a_new_folder_nothing_is_acknowledged(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_tab.workspace.clip is not None
    shutil.rmtree(open_tab.workspace.clip.folder.path)
    with monkeypatch.context() as patch:
        patch.setattr("sam2ov.ui.tabs.clip.shutil.copyfileobj", _full)
        with told(open_tab, "cannot be written to another: No space left"):
            snapshot = open_tab.click(3, 40, 40)
    assert snapshot.objects[0].prompts == {}
    assert len(list(open_tab.workspaces.libraries.of("").folder.iterdir())) == 1, "the tab's own"
    with told(open_tab, "Nothing is lost"):
        assert open_tab.click(3, 40, 40).objects[0].prompts.keys() == {3}


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_lost_connection_stops_the_work_and_keeps_it(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    for _ in range(4):
        next(running)
    workspace = open_tab.workspace
    job = workspace.job
    assert job is not None
    open_tab.editor.unload(open_tab.request)
    running.close()  # type: ignore[attr-defined]
    assert job.cancelled
    assert workspace.is_lost
    back = snapshot_of(open_tab.editor.ready(open_tab.request))
    assert back.job is None
    assert back.objects[0].tracked == "0-3"
    assert open_tab.workspace is workspace
    assert not workspace.is_lost


def test_prompts_can_be_changed_while_tracking(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    second = open_tab.edit("add_object").objects[-1].obj_id
    open_tab.click(0, 30, 32, obj=second)
    running = open_tab.track()
    for _ in range(4):
        next(running)
    open_tab.click(8, 60, 40)
    open_tab.edit("remove_objects", objects=[second])
    *_, last = running
    (only,) = last.objects
    assert sorted(only.prompts) == [0, 8]
    mask = open_tab.project.session.result(8, 1)
    assert mask is not None
    assert mask.prompted, "the correction has survived"


def test_a_correction_survives_tracking_again(open_tab: Tab) -> None:
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    open_tab.click(6, 80, 50)
    corrected = open_tab.project.session.mask_logits(6)
    list(open_tab.track(6, "both"))
    np.testing.assert_array_equal(corrected, open_tab.project.session.mask_logits(6))


def test_tracking_says_why_it_does_not_start(open_tab: Tab) -> None:
    with told(open_tab, "click on an object in the picture first"):
        (snapshot,) = open_tab.track()
    assert snapshot.job is None
    open_tab.click(0, 24, 32)
    list(open_tab.track())
    with told(open_tab, "tracked already"):
        list(open_tab.track())
    running = open_tab.track(0, "both")
    with told(open_tab, "tracked already"):
        next(running)


def test_a_failure_in_mid_track_keeps_what_is_done(
    open_tab: Tab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    open_tab.click(0, 24, 32)
    read = FrameFeatures.__getitem__

    def failing(self: FrameFeatures, frame_idx: int) -> object:
        if frame_idx == 5:
            raise RuntimeError("out of memory")
        return read(self, frame_idx)

    monkeypatch.setattr(FrameFeatures, "__getitem__", failing)
    with told(open_tab, "log of the server"):
        *_, last = open_tab.track()
    assert last.job is None
    assert last.objects[0].tracked == "0-4"
    assert "out of memory" in caplog.text


def test_clicks_do_not_wait_for_tracking(open_tab: Tab) -> None:
    """A click is answered between two steps, in another thread."""
    open_tab.click(0, 24, 32)
    running = open_tab.track()
    next(running)
    next(running)
    answered = threading.Event()

    def click() -> None:
        open_tab.click(9, 40, 40)
        answered.set()

    thread = threading.Thread(target=click)
    thread.start()
    assert answered.wait(10), "tracking stands still here, and the click was answered"
    thread.join()
    list(running)


def test_preparing_a_frame_makes_its_click_cheap(open_tab: Tab) -> None:
    assert open_tab.workspace.clip is not None
    token = open_tab.workspace.clip.token
    calls = open_tab.project.session._tracker.model.calls  # type: ignore[attr-defined]
    open_tab.editor.prepare(event({"clip": token, "frame": 4}), open_tab.request)
    assert calls == {"encode_image": 1}
    open_tab.click(4, 24, 32)
    assert calls == {"encode_image": 1, "encode_prompts": 1, "decode_masks": 1}
    open_tab.editor.prepare(event({"clip": "another-clip", "frame": 5}), open_tab.request)
    assert calls["encode_image"] == 1


def test_two_tabs_do_not_see_each_other(open_tab: Tab) -> None:
    other = open_tab.other(request_of("tab-2"))
    assert open_tab.workspace.clip is not None
    token = open_tab.workspace.clip.token
    with told(other, "reload the page"):
        snapshot = other.edit("undo", clip=token)
    assert snapshot.clip is None
    assert open_tab.workspace.edits == 0


def test_an_edit_that_is_refused_unread_is_answered_all_the_same(open_tab: Tab) -> None:
    """The page waits for each number: one that is never answered stops it for good."""
    with told(open_tab, "does not accept"):
        refused = open_tab.edit("take_found", found=1, chosen=list(range(51)))
    assert refused.edits == open_tab.edits
    answer = open_tab.editor.edit(event({"number": "many", "kind": "undo"}), open_tab.request)
    assert snapshot_of(answer).edits == open_tab.edits
