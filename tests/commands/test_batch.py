"""``sam2ov batch`` and ``watch``: what they print, and how they end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.clips import make_scene, write_clip
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips with prompts, one without, and a file that is no video."""
    folder = tmp_path_factory.mktemp("shots")
    for seed in range(2):
        scene = make_scene(6, (96, 128), seed=seed)
        clip = write_clip(folder / f"shot{seed}", scene.frames)
        ys, xs = np.nonzero(scene.masks[0, 0])
        box = [float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)]
        told = {"objects": [{"id": 1, "prompts": [{"frame": 0, "box": box}]}]}
        clip.with_suffix(".json").write_text(json.dumps(told))
    write_clip(folder / "lonely", make_scene(3, (96, 128), seed=9).frames)
    (folder / "broken.mp4").write_bytes(b"no video")
    (folder / "broken.json").write_bytes((folder / "shot0.json").read_bytes())
    return folder


def test_a_batch_names_what_failed_and_ends_with_1(run: Run, shots: Path, tmp_path: Path) -> None:
    command = ("batch", shots, "--out", tmp_path / "out", "--format", "coco", "--format", "matte")
    result = run(*command, "--keep-projects", "--at-once", "1", "--json")
    assert result.exit_code == 1, result.stderr
    told = json.loads(result.stdout)
    assert told["clips"] == 4
    assert told["done"] == ["shot0", "shot1"]
    assert "not a video file" in told["failed"]["broken"]
    assert "Nothing says what to track in lonely.mp4" in told["failed"]["lonely"]
    assert "2 of 4 clips done, 2 failed" in result.stderr
    names = sorted(path.name for path in (tmp_path / "out/shot0").iterdir())
    assert names == ["job.json", "shot0-coco.json", "shot0-matte.mp4", "shot0.sam2ov"]
    exported = run(
        "export", tmp_path / "out/shot0/shot0.sam2ov", "--clip", shots / "shot0.mp4",
        "--out", tmp_path / "again.json", "--format", "coco",
    )  # fmt: skip
    assert exported.exit_code == 0, exported.stderr
    again = run(*command, "--keep-projects", "--json")
    assert json.loads(again.stdout)["unchanged"] == 2


def test_options_are_checked_before_anything_starts(run: Run, shots: Path, tmp_path: Path) -> None:
    result = run("batch", shots, "--out", tmp_path / "out", "--format", "overlay:crf=much")
    assert result.exit_code == 2
    assert "crf=much" in result.stderr
    assert not (tmp_path / "out").exists()
    result = run("batch", shots, "--out", tmp_path / "out", "--model", "no-such-model")
    assert result.exit_code == 1
    assert "no-such-model" in result.stderr


def test_results_within_the_watched_folder_are_refused(run: Run, shots: Path) -> None:
    result = run("watch", shots, "--out", shots / "out")
    assert result.exit_code == 2
    assert "taken for clips" in result.stderr
    result = run("batch", shots, "--out", shots / "a" / ".." / "out", "--prompts", "p.json")
    assert result.exit_code == 2
    assert "taken for clips" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for others")
def test_a_watched_folder_takes_clips_up_until_ctrl_c(shots: Path, tmp_path: Path) -> None:
    incoming, out = tmp_path / "in", tmp_path / "out"
    incoming.mkdir()
    command = [sys.executable, "-m", "sam2ov", "watch", str(incoming), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--still", "0.5", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        for name in ("shot0.json", "shot0.mp4"):
            (tmp_path / name).write_bytes((shots / name).read_bytes())
            (tmp_path / name).rename(incoming / name)
        for _ in range(1200):
            if (out / "shot0/job.json").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert json.loads(told)["done"] == ["shot0"], said
    assert process.returncode == 0, said
