"""``sam2ov live`` on stand-in networks: segments, lines, orders, and mistakes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import av
import numpy as np
import pytest

from tests.commands.conftest import GONE, NUM_FRAMES, SIZE_HW, LoadedFakeModel, Run

POINT = ("--point", "0:1:30,20")


@pytest.fixture
def live(run: Run, networks: type[LoadedFakeModel], model_folder: Path, clip: Path) -> Run:
    """Runs ``sam2ov live CLIP`` on the stand-in; no frame is skipped."""

    def invoke(*arguments: object) -> object:
        return run("live", clip, "--keep-all", "--model", model_folder, *arguments)

    return invoke  # type: ignore[return-value]


def pictures_of(path: Path, form: str = "rgb24") -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([each.to_ndarray(format=form) for each in container.decode(video=0)])


def test_lines_say_where_the_square_is(live: Run) -> None:
    result = live("--json", "rle", *POINT)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["frame"] for line in lines] == [*range(NUM_FRAMES)]
    assert [line["dropped"] for line in lines] == [0] * NUM_FRAMES
    for number, line in enumerate(lines[1:], 1):
        (found,) = line["objects"]
        if number in GONE:
            assert found["box"] is None
        else:
            assert np.abs(np.subtract(found["box"], (8 + number, 8, 40 + number, 40))).max() <= 4
    assert "frames/s, latency" in result.stderr
    assert "20 frames, 0 skipped" in result.stderr


@pytest.mark.parametrize(
    ("kind", "suffix"), [("overlay", "mp4"), ("matte", "mkv"), ("alpha", "mkv")]
)
def test_segments_are_written(live: Run, tmp_path: Path, kind: str, suffix: str) -> None:
    out = tmp_path / f"live.{suffix}"
    result = live("--out", out, "--write", kind, "--set", "outline=0", *POINT)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("live-*")
    shown = pictures_of(path, "rgba" if kind == "alpha" else "rgb24")
    assert shown.shape[:3] == (NUM_FRAMES, *SIZE_HW)
    inside, outside = shown[8, 20, 30].astype(int), shown[8, 3, 3].astype(int)
    match kind:
        case "overlay":
            assert inside[2] > 60, "blue over the red"
            assert abs(outside - 90).max() < 12
        case "matte":
            assert inside.min() > 240
            assert outside.max() < 15
        case "alpha":
            assert (inside[3], outside[3]) == (255, 0)


def test_an_effect_is_shown_on_the_virtual_camera(
    live: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []

    class Camera:
        def __init__(self, **wanted: object) -> None:
            assert (wanted["width"], wanted["height"]) == (SIZE_HW[1], SIZE_HW[0])

        def send(self, image: np.ndarray) -> None:
            shown.append(image)

        def close(self) -> None:
            shown.append(np.zeros(0))

    module = types.ModuleType("pyvirtualcam")
    module.Camera = Camera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
    looks = ("--set", "effect=remove", "--set", "on=background", "--set", "paint=#00ff00")
    result = live("--virtual-camera", "", *looks, *POINT)
    assert result.exit_code == 0, result.output
    assert len(shown) == NUM_FRAMES + 1, "closed at the end"
    assert shown[8][3, 3].tolist() == [0, 255, 0]
    assert shown[8][20, 30, 0] > 200
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    result = live("--virtual-camera", "", *POINT)
    assert result.exit_code == 1
    assert "pip install 'sam2ov[camera]'" in result.stderr


def test_orders_of_a_program(live: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders.jsonl"
    orders.write_text('{"id": 3, "box": [8, 8, 40, 40], "frame": 0}\n')
    result = live("--json", "boxes", "--orders", orders)
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout.splitlines()[-1])
    assert [each["id"] for each in last["objects"]] == [3]


def test_who_keeps_orders_open_is_not_waited_for(live: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    os.mkfifo(orders)
    writer = os.open(orders, os.O_RDWR)
    late = threading.Timer(60, os.close, (writer,))  # or it would wait for ever
    late.start()
    os.write(writer, b'{"id": 3, "box": [8, 8, 40, 40], "frame": 0}\n')
    result = live("--json", "boxes", "--orders", orders, "--frames", "3")
    late.cancel()
    late.join()
    assert result.exit_code == 0, result.output
    os.close(writer)  # which fails where it was closed because it was waited for


def test_a_signal_completes_the_segment(
    live: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    def interrupt(number: int) -> None:
        if number == 6:
            signal.raise_signal(signal.SIGINT)

    networks.before_frame = staticmethod(interrupt)
    result = live("--out", tmp_path / "live.mp4", *POINT)
    assert result.exit_code == 130
    (path,) = tmp_path.glob("live-*")
    assert 0 < len(pictures_of(path)) < NUM_FRAMES


def test_only_so_many_frames(live: Run) -> None:
    result = live("--json", "boxes", "--frames", "3", *POINT)
    assert len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "nothing to follow"),
        (POINT, 2, "nothing to do with it"),
        ((*POINT, "--json", "boxes", "--size", "big"), 2, "--size"),
        ((*POINT, "--out", "live.avi"), 1, "should end in .mp4 or .mkv"),
        ((*POINT, "--out", "a.mkv", "--set", "effect=replace"), 1, "no effect replace"),
        ((*POINT, "--out", "a.mkv", "--set", "nonsense=1"), 2, "nonsense"),
        ((*POINT, "--out", "/no/such/folder/a.mkv"), 1, "is no folder"),
        (("--json", "boxes", "--point", "0:1:3000,20"), 1, "Object 1: (3000, 20)"),
    ],
)
def test_mistakes(live: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = live(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr.replace("\n", " ").replace("│", "")


def test_a_source_that_is_none(run: Run, model_folder: Path) -> None:
    result = run("live", "nothing", "--json", "boxes", "--model", model_folder, *POINT)
    assert result.exit_code == 1
    assert "no camera, no file and no address" in result.stderr


def test_segments_are_whole_after_a_kill(clip: Path, tmp_path: Path) -> None:
    """The program itself, on a stream that does not end, killed in the middle of a segment."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg to make a stream with")
    endless = [ffmpeg, "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip)]
    endless += ["-an", "-c:v", "mjpeg", "-q:v", "3", "-f", "matroska", "-"]
    command = [sys.executable, "-m", "sam2ov", "live", "-", *POINT, "--segment-seconds", "1"]
    command += ["--out", str(tmp_path / "live.mp4")]
    deadline = time.monotonic() + 120
    with (
        subprocess.Popen(endless, stdout=subprocess.PIPE) as sender,
        subprocess.Popen(command, stdin=sender.stdout, stderr=subprocess.DEVNULL) as process,
    ):
        try:
            while len([*tmp_path.glob("live-*.mp4")]) < 2 and time.monotonic() < deadline:
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            process.kill()
            sender.kill()
    whole = sorted(tmp_path.glob("live-*.mp4"))
    assert len(whole) >= 2
    for path in whole:
        assert len(pictures_of(path)) > 0
