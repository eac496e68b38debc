"""Clips whose pixels, fields and transparency the page has to show as they are meant."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import EditorPage
from tools.odd_clips.clips import CLIPS
from tools.odd_clips.making import OddClip, make

if shutil.which("ffmpeg") is None:
    pytest.skip("ffmpeg is not installed: no odd clips", allow_module_level=True)

SQUARE = (
    *("-f", "lavfi", "-i", "color=gray:s=720x576:r=25:d=1"),
    # 90 columns of 64:45 are as long as 128 rows.
    *("-vf", "drawbox=x=315:y=224:w=90:h=128:color=white:t=fill,setsar=64/45"),
    *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12"),
)


def opened(editor: EditorPage, clip: OddClip, folder: Path) -> EditorPage:
    page = editor.page
    page.set_input_files(".s2-file", str(make(clip, folder)))
    page.wait_for_selector('.s2[data-state="open"]')
    editor.wait_for_frame(0)
    return editor


def shown(editor: EditorPage) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
    """What is to be seen of the picture on the screen."""
    png = editor.page.locator(".s2-view").screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("width", [1440, 390])
def test_pixels_have_their_shape(new_page: NewPage, tmp_path: Path, width: int) -> None:
    editor = opened(new_page(width=width), OddClip("square.mp4", "", SQUARE), tmp_path)
    picture = shown(editor)
    height, wide = picture.shape[:2]
    assert wide / height == pytest.approx(16 / 9, rel=0.01)
    middle = slice(height // 5, -height // 5), slice(wide // 5, -wide // 5)
    is_white = picture[middle].min(axis=2) > 200
    rows, columns = is_white.any(axis=1).sum(), is_white.any(axis=0).sum()
    assert rows / columns == pytest.approx(1, abs=0.06), "a square is a square"
    assert "1024×576" in editor.page.locator(".s2-treatment").inner_text()


def test_the_brush_paints_where_it_is_and_round(new_page: NewPage, tmp_path: Path) -> None:
    editor = opened(new_page(), OddClip("square.mp4", "", SQUARE), tmp_path)
    page = editor.page
    bounds = page.locator(".s2-view").bounding_box()
    assert bounds is not None
    editor.choose_tool("brush")
    for _ in range(4):
        page.keyboard.press("]")
    page.mouse.move(bounds["x"] + bounds["width"] * 0.8, bounds["y"] + 20)
    before = shown(editor).astype(int)
    x, y = bounds["x"] + bounds["width"] * 0.2, bounds["y"] + bounds["height"] * 0.5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(bounds["x"] + bounds["width"] * 0.8, bounds["y"] + 20)
    page.wait_for_function("() => !document.querySelector('.s2-running')")
    page.wait_for_timeout(1000)
    left = slice(0, int(bounds["width"] * 0.45))
    changed = np.abs(shown(editor).astype(int) - before).max(axis=2)[:, left] > 12
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert len(rows) > 12
    assert len(rows) == pytest.approx(len(columns), abs=4)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(bounds["width"] * 0.2, abs=3)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(bounds["height"] * 0.5, abs=3)


@pytest.mark.parametrize("name", ["alpha-png", "alpha-vp9"])
def test_transparent_parts_show_a_checkerboard(
    new_page: NewPage, tmp_path: Path, name: str
) -> None:
    editor = opened(new_page(), CLIPS[name], tmp_path)
    picture = shown(editor)
    height, width = picture.shape[:2]
    hidden = picture[height // 4 : height // 2, : width // 5].astype(int)
    assert np.ptp(hidden, axis=2).max() < 30, "grey: the colour behind it stays hidden"
    assert hidden.max() - hidden.min() > 30, "light and dark squares"
    assert np.abs(picture[height // 2, -20].astype(int) - (255, 211, 0)).max() < 30


def test_fields_can_be_left_and_taken(new_page: NewPage, tmp_path: Path) -> None:
    editor = opened(new_page(), CLIPS["fields-mpeg2"], tmp_path)
    page = editor.page
    line = page.locator(".s2-treatment")
    assert "deinterlaced with bwdif" in line.inner_text()
    fields = line.locator("select")
    assert fields.input_value() == "auto"
    fields.select_option("off")
    page.wait_for_function(
        "() => document.querySelector('.s2-treatment').innerText.includes('left as it is')"
    )
    assert fields.input_value() == "off"
    editor.reload()
    page.wait_for_function(
        "() => document.querySelector('.s2-treatment').innerText.includes('left as it is')"
    )
    fields.select_option("tff")
    page.wait_for_function(
        "() => document.querySelector('.s2-treatment').innerText.includes('bwdif')"
    )
