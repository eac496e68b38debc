"""Files that come to the page by themselves: dropped anywhere, several at once, pasted."""

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.clips import make_scene, write_clip
from tests.e2e.editor_page import EditorPage

DROP = """
([kind, files, text]) => {
  const transfer = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  if (text) transfer.setData("text/plain", text);
  const at = document.querySelector("#side");
  const options = { bubbles: true, cancelable: true };
  if (kind === "paste") {
    document.body.dispatchEvent(new ClipboardEvent(kind, { ...options, clipboardData: transfer }));
    return;
  }
  for (const event of ["dragenter", "dragover", "drop"]) {
    at.dispatchEvent(new DragEvent(event, { ...options, dataTransfer: transfer }));
  }
}
"""


def arrive(editor: EditorPage, kind: str, *paths: Path, text: str = "") -> None:
    files = [
        (path.name, "image/png" if path.suffix == ".png" else "video/mp4", _encoded(path))
        for path in paths
    ]
    editor.page.evaluate(DROP, [kind, files, text])


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def counter(editor: EditorPage) -> str:
    return editor.page.locator(".s2-counter").inner_text()


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    scene = make_scene(12, (96, 128), seed=3)
    lengths = {"one": 12, "two": 9, "three": 7}
    return [write_clip(tmp_path / name, scene.frames[:count]) for name, count in lengths.items()]


def test_clips_that_are_dropped_beside_the_stage_are_opened_one_after_the_other(
    editor: EditorPage, clips: list[Path]
) -> None:
    arrive(editor, "drop", *clips)
    editor.until(lambda: "/ 11" in counter(editor))
    notice = editor.page.locator('.s2-notice[data-cause="waiting"]')
    expect(notice).to_contain_text("Next: two.mp4, three.mp4.")
    notice.get_by_role("button", name="Open next").click()
    editor.until(lambda: "/ 8" in counter(editor))
    expect(notice).to_contain_text("Next: three.mp4.")
    notice.get_by_role("button", name="Open next").click()
    editor.until(lambda: "/ 6" in counter(editor))
    expect(notice).to_have_count(0)


def test_an_image_is_pasted_and_a_link_is_told_of(editor: EditorPage, tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    Image.fromarray(make_scene(1, (96, 128), seed=3).frames[0]).save(picture)
    arrive(editor, "paste", picture)
    editor.until(lambda: "0 / 0" in counter(editor))
    arrive(editor, "paste", text="https://example.org/clip.mp4")
    editor.until(lambda: "Links are not fetched" in editor.status)


def test_images_that_are_dropped_together_are_one_clip(editor: EditorPage, tmp_path: Path) -> None:
    frames = make_scene(11, (96, 128), seed=3).frames
    paths = []
    for number, frame in enumerate(frames, start=1):  # 10 comes after 9, not after 1
        paths.append(tmp_path / f"shot_{number}.png")
        Image.fromarray(frame).save(paths[-1])
    arrive(editor, "drop", *reversed(paths))
    editor.until(lambda: "/ 10" in counter(editor))
    editor.size_wh = (128, 96)
    editor.page.locator(".s2-stage").focus()
    editor.page.keyboard.press("End")
    editor.wait_for_frame(10)
    editor.until(lambda: editor.canvas("frame").shape == (96, 128, 4))
    shown = editor.canvas("frame")[..., :3].astype(int)
    assert np.abs(shown - frames[10]).mean() < 8
    label = editor.page.locator(".s2-stage").get_attribute("aria-label") or ""
    assert "shot (11 images)" in label
