"""Clips go in, results come out; bad ones do no harm."""

import io
import json
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    VideoFacts,
    read_prompt_file,
    write_prompt_file,
)
from sam2ov.samples import SAMPLE_PATH
from sam2ov.ui.settings import Settings
from sam2ov.video import open_video
from tests.clips import Scene, write_clip
from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage, ball, iou
from tools.driven_app import RunningApp
from tools.make_sample import ball_xy


@pytest.fixture
def clip(scene: Scene, tmp_path: Path) -> Path:
    return write_clip(tmp_path / "<b>my<b> clip", scene.frames)


def upload(editor: EditorPage, path: Path) -> None:
    with editor.page.expect_file_chooser() as waiting:
        editor.press("browse" if editor.page.locator(".s2-empty").is_visible() else "open")
    waiting.value.set_files(path)


def test_a_clip_is_uploaded(editor: EditorPage, clip: Path, scene: Scene) -> None:
    upload(editor, clip)
    editor.wait_for_frame(0)
    assert "/ 23" in editor.page.locator(".s2-counter").inner_text()
    frame = editor.canvas("frame")[..., :3].astype(int)
    assert np.abs(frame - scene.frames[0]).mean() < 8
    label = editor.page.locator(".s2-stage").get_attribute("aria-label") or ""
    assert label == "Frame 0 of <b>my<b> clip.mp4"


def test_a_clip_is_dropped(editor: EditorPage, clip: Path) -> None:
    data = editor.page.evaluate_handle(
        """async (bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.mp4"));
          return data;
        }""",
        list(clip.read_bytes()),
    )
    stage = editor.page.locator(".s2-stage")
    stage.dispatch_event("dragenter", {"dataTransfer": data})
    assert editor.page.get_by_text("Drop it to open it").is_visible()
    stage.dispatch_event("drop", {"dataTransfer": data})
    editor.wait_for_frame(0)
    assert "dropped.mp4" in (stage.get_attribute("aria-label") or "")


def test_what_is_no_video_is_explained(editor: EditorPage, tmp_path: Path) -> None:
    path = tmp_path / "<i>holiday<i>.mp4"
    path.write_bytes(b"GIF89a" + bytes(range(256)) * 40)
    upload(editor, path)
    editor.until(lambda: editor.problem)
    assert "<i>holiday<i>.mp4" in editor.problem, "shown as text, not as HTML"
    assert editor.page.locator(".s2").get_attribute("data-state") == "empty"
    editor.open_sample()
    upload(editor, path.rename(tmp_path / "again.mp4"))
    editor.until(lambda: "again.mp4" in editor.problem)
    editor.click(*ball_xy(0))  # the sample is still open
    editor.until(lambda: editor.problem == "")
    editor.until(lambda: editor.mask().any())


def test_a_truncated_clip_does_not_stop_the_server(editor: EditorPage, clip: Path) -> None:
    broken = clip.with_name("broken.mp4")
    broken.write_bytes(clip.read_bytes()[:-1500])
    upload(editor, broken)
    opened = editor.page.locator('.s2[data-state="open"]')
    editor.until(lambda: editor.problem or opened.count())
    upload(editor, clip)
    editor.until(lambda: "/ 23" in editor.page.locator(".s2-counter").inner_text())


def test_too_large_files_are_refused_before_they_are_sent(
    editor: EditorPage, tmp_path: Path
) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(Settings().video.max_bytes + 1)  # a hole: takes no space
    sent: list[str] = []
    editor.page.on("request", lambda request: sent.append(request.method))
    assert editor.page.get_by_text("up to 4 GB").is_visible()
    upload(editor, path)
    editor.until(lambda: "too large" in editor.status)
    assert "PUT" not in sent


def test_an_upload_can_be_cancelled(editor: EditorPage, tmp_path: Path, server: RunningApp) -> None:
    path = tmp_path / "slow.mp4"
    path.write_bytes(bytes(3_000_000))
    slow = editor.page.context.new_cdp_session(editor.page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000},
    )
    upload(editor, path)
    editor.until(lambda: "Uploading slow.mp4" in editor.status)
    editor.press("cancel")
    editor.until(lambda: "Uploading" not in editor.status)
    assert editor.problem == ""
    editor.until(lambda: not list(server.projects.glob(".tab-*/upload-*")))
    editor.open_sample()


def test_exports_are_what_was_tracked(editor: EditorPage, tmp_path: Path) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.wait_until_tracked()
    editor.seek(20)
    editor.until(lambda: editor.mask().any())
    shown = editor.mask()
    files = {}
    for label in ("Overlay or effect (mp4)", "Matte video (mp4)", "Masks, DAVIS (PNG)"):
        editor.page.locator("#export-kind").select_option(label=label)
        download = editor.download(editor.press_export)
        files[label[:5]] = tmp_path / download.suggested_filename
        download.save_as(files[label[:5]])
    with open_video(files["Overl"]) as video:
        assert video.num_frames == 96
        assert video.info.has_audio, "with the clip's sound"
    with open_video(files["Matte"]) as video:
        assert iou(video.read(20)[..., 0] > 128, shown) > 0.9
    with zipfile.ZipFile(files["Masks"]) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(names) == 96
        mask = np.asarray(Image.open(io.BytesIO(archive.read(sorted(names)[20])))) == 1
    assert iou(mask, shown) > 0.95
    assert iou(mask, ball(20)) > 0.4


def test_an_export_of_what_is_tracked_in_part_asks(editor: EditorPage) -> None:
    editor.open_sample()
    editor.seek(9)
    editor.page.keyboard.press("o")
    editor.seek(0)
    editor.click(*ball_xy(0))
    export = editor.page.locator("#export")
    question = editor.page.get_by_role("dialog", name="Please confirm")
    export.click()
    expect(question).to_contain_text("1 of 10 frames tracked.")
    editor.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    export.click()
    question.get_by_role("button", name="Track now").click()
    editor.until(lambda: "Tracking" in editor.status)
    editor.wait_until_tracked()
    editor.download(lambda: export.click())  # all is there: nobody asks
    editor.seek(4)
    editor.click(*ball_xy(4))
    export.click()
    expect(question).to_contain_text("tracked from earlier prompts")
    anyway = question.get_by_role("button", name="Export anyway")
    assert editor.download(lambda: anyway.click()).suggested_filename.endswith(".mp4")


def test_prompts_of_another_clip_are_fitted(editor: EditorPage, tmp_path: Path) -> None:
    editor.open_sample()
    x, y = ball_xy(0)
    facts = VideoFacts(file="large.mp4", num_frames=500, width=1280, height=1080)
    click = FramePrompt(frame=0, points=(Point(x=2 * x, y=3 * y),))
    late = FramePrompt(frame=300, points=(Point(x=1, y=1),))
    prompts = PromptFile(video=facts, objects=(ObjectPrompts(id=1, prompts=(click, late)),))
    path = tmp_path / "prompts.json"
    write_prompt_file(path, prompts)
    editor.open_panel("more")
    with editor.page.expect_file_chooser() as waiting:
        editor.page.locator("#open-prompts").click()
    waiting.value.set_files(path)
    editor.until(lambda: "were made for large.mp4 and are fitted" in editor.problem)
    editor.until(lambda: iou(editor.mask(), ball(0)) > 0.4)
    assert editor.marker(x, y) == "positive"


def test_no_text_of_the_validator_reaches_the_page(editor: EditorPage, tmp_path: Path) -> None:
    editor.open_sample()
    path = tmp_path / "prompts.json"
    entry = {"id": 1, "colour": "red", "prompts": [{"frame": 0, "box": [0, 0, 9, 9]}]}
    path.write_text(json.dumps({"version": 1, "objects": [entry]}))
    editor.open_panel("more")
    with editor.page.expect_file_chooser() as waiting:
        editor.page.locator("#open-prompts").click()
    waiting.value.set_files(path)
    editor.until(lambda: "objects.0.colour" in editor.problem)
    assert "this is not written as it should be" in editor.problem
    assert "pattern" not in editor.problem


def test_a_clip_that_is_cut_off_says_so(editor: EditorPage, tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", SAMPLE_PATH, "-c", "copy", str(tmp_path / "whole.mkv")],
        check=True,
    )
    whole = (tmp_path / "whole.mkv").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    upload(editor, path)
    line = editor.page.locator(".s2-treatment")
    editor.wait_for_frame(0)
    expect(line).to_contain_text(re.compile(r"The file is cut off: \d\.\d s at its end"))


def test_prompts_are_saved_and_opened(editor: EditorPage, tmp_path: Path) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.seek(10)
    editor.click(*ball_xy(10))
    editor.until(lambda: editor.mask().any())
    cleaned = editor.mask()
    editor.reset_clean_up()  # prompt files know nothing of it
    editor.until(lambda: editor.mask().any() and not np.array_equal(editor.mask(), cleaned))
    before = editor.mask()
    editor.open_panel("more")
    download = editor.download(lambda: editor.page.locator("#save-prompts").click())
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    (target,) = read_prompt_file(path).objects
    assert [prompt.frame for prompt in target.prompts] == [0, 10]

    editor.press_project("close")
    editor.page.wait_for_selector('.s2[data-state="empty"]')
    editor.open_sample()
    assert not editor.mask().any(), "a new project is a new beginning"
    editor.open_panel("more")
    with editor.page.expect_file_chooser() as waiting:
        editor.page.locator("#open-prompts").click()
    waiting.value.set_files(path)
    editor.until(lambda: not editor.page.locator('[data-track="forward"]').is_disabled())
    editor.seek(10)
    editor.until(lambda: np.array_equal(editor.mask(), before))


def test_reloading_frees_the_old_page(own_server: RunningApp, new_page: NewPage) -> None:
    editor = new_page(url=own_server.url)
    editor.open_sample()
    assert own_server.tabs() == 1
    editor.reload()
    editor.until(lambda: own_server.tabs() == 1)
    assert editor.objects.count() == 1


def test_opening_another_clip_loses_nothing(editor: EditorPage, clip: Path) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.until(lambda: editor.mask().any())
    before = editor.mask()
    upload(editor, clip)
    editor.until(lambda: "/ 23" in editor.page.locator(".s2-counter").inner_text())
    editor.until(lambda: not editor.mask().any())
    editor.press_project("recent")
    editor.page.get_by_role("dialog").get_by_role("button", name="sample.mp4").first.click()
    editor.until(lambda: "/ 95" in editor.page.locator(".s2-counter").inner_text())
    editor.until(lambda: np.array_equal(editor.mask(), before))


def test_addresses_cannot_be_guessed(editor: EditorPage) -> None:
    requested: list[str] = []
    editor.page.on("request", lambda request: requested.append(request.url))
    editor.open_sample()
    (address,) = {url for url in requested if url.endswith("/0.jpg")}
    assert editor.page.request.get(address).ok
    token = address.split("/")[-2]
    for other in ("x" * len(token), token[:-1] + ("a" if token[-1] != "a" else "b")):
        assert editor.page.request.get(address.replace(token, other)).status == 404
