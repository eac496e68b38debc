"""Tracking: progress, cancel, corrections, playing."""

import numpy as np

from tests.e2e.conftest import NewPage
from tests.e2e.editor_page import ORANGE, EditorPage, ball, iou
from tools.driven_app import RunningApp
from tools.make_sample import ball_xy, balloon_xy


def test_tracking_follows_the_object_and_tells_how_far_it_is(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.until(lambda: "frames/s" in editor.status and "left" in editor.status)
    bar = editor.page.get_by_role("progressbar")
    editor.until(lambda: int(bar.get_attribute("aria-valuenow") or 0) > 10)
    assert editor.position > 0, "the picture goes along"
    editor.wait_until_tracked()
    for frame in (20, 30):
        editor.seek(frame)
        editor.until(lambda frame=frame: iou(editor.mask(), ball(frame)) > 0.4)  # type: ignore[misc]
    assert "Play it through" in editor.status


def test_cancel_keeps_what_is_done_and_tracking_goes_on_there(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.until(lambda: editor.position >= 8)
    editor.press("cancel")
    editor.wait_until_tracked()
    stopped = editor.position
    assert 8 <= stopped < 90
    editor.seek(5)
    editor.until(lambda: iou(editor.mask(), ball(5)) > 0.4)
    editor.seek(95)
    editor.page.wait_for_timeout(300)
    assert not editor.mask().any()
    editor.track()
    editor.until(lambda: "frames/s" in editor.status)
    assert f"of {95 - stopped} frames" in editor.status
    editor.wait_until_tracked()
    editor.page.keyboard.press("t")
    editor.until(lambda: "tracked already" in editor.problem)


def test_a_correction_survives_tracking_again(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.wait_until_tracked()
    editor.seek(75)
    editor.click(*ball_xy(75))
    editor.click(*balloon_xy(75), button="right")
    editor.until(lambda: iou(editor.mask(), ball(75)) > 0.3)
    editor.page.wait_for_timeout(200)
    corrected = editor.mask()
    assert "paler frames" in editor.status
    editor.track("both")
    editor.until(lambda: editor.position != 75)
    editor.wait_until_tracked()
    assert "Play it through" in editor.status
    editor.seek(75)
    editor.until(lambda: np.array_equal(editor.mask(), corrected))


def test_looking_elsewhere_while_tracking(editor: EditorPage) -> None:
    editor.open_sample()
    editor.click(*ball_xy(0))
    editor.track()
    editor.until(lambda: editor.position >= 3)
    editor.seek(0)
    editor.page.wait_for_timeout(600)
    assert editor.position == 0, "the picture stays where the user wants it"
    editor.add_object()
    editor.click(*balloon_xy(0))
    editor.until(lambda: editor.mask(ORANGE).any())
    editor.page.keyboard.press("Escape")
    editor.wait_until_tracked()


def test_playing_and_keys(editor: EditorPage) -> None:
    editor.open_sample()
    keyboard = editor.page.keyboard
    for key, frame in (
        ("ArrowRight", 1),
        ("Shift+ArrowRight", 11),
        ("ArrowLeft", 10),
        ("Shift+ArrowLeft", 0),
        ("End", 95),
        ("Home", 0),
    ):
        keyboard.press(key)
        editor.wait_for_frame(frame)
    keyboard.press("Space")
    editor.until(lambda: editor.position > 24)
    keyboard.press("Space")
    editor.page.wait_for_timeout(200)
    stopped = editor.position
    editor.page.wait_for_timeout(300)
    assert editor.position == stopped
    editor.wait_for_frame(stopped)
    keyboard.press("?")
    assert editor.page.get_by_role("heading", name="Keys and gestures").is_visible()
    keyboard.press("Escape")
    keyboard.press("s")
    assert editor.page.locator('[data-tool="negative"]').get_attribute("aria-checked") == "true"


def test_the_picture_is_the_frame(editor: EditorPage) -> None:
    editor.open_sample()
    for frame in (40, 7, 88):
        editor.seek(frame)
        x, y = (round(value) for value in ball_xy(frame))
        picture = editor.canvas("frame").astype(int)
        middle = picture[y, x, :3]
        assert np.abs(middle - (250, 244, 232)).max() < 40, f"the ball's hub on frame {frame}"


def test_closing_the_page_in_mid_track_frees_everything(
    own_server: RunningApp, new_page: NewPage
) -> None:
    bystander = new_page(url=own_server.url)
    bystander.until(lambda: own_server.tabs() == 1)
    leaving = new_page(url=own_server.url)
    leaving.open_sample()
    leaving.click(*ball_xy(0))
    leaving.track()
    leaving.until(lambda: leaving.position >= 3)
    assert own_server.tabs() == 2
    leaving.page.close()
    bystander.until(lambda: own_server.tabs() == 1)
    bystander.open_sample()
