"""The command line, as the runtime calls it: ``python -m convert``."""

import json
import subprocess
import sys
from pathlib import Path

from sam2ov.manifest import NETWORK_NAMES, read_manifest
from tests.convert.conftest import Small
from tests.parity.small import SMALL_CONFIG


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "convert", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_progress_as_json(small: Small, tmp_path: Path) -> None:
    done = run(
        small.checkpoint, "--out", tmp_path / "ir", "--config", SMALL_CONFIG,
        "--image-size", "128,64", "--weights", "f32", "--name", "mine", "--progress", "json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    stages = [*NETWORK_NAMES, *NETWORK_NAMES, "constants", "done"]
    told = [{"stage": s, "done": i, "total": 11} for i, s in enumerate(stages)]
    told.insert(0, {"note": "The checkpoint is read as small."})
    assert lines == told
    manifest = read_manifest(tmp_path / "ir")
    assert (manifest.name, manifest.image_sizes, manifest.weights) == ("mine", (128, 64), "f32")


def test_an_error_as_json(tmp_path: Path) -> None:
    (tmp_path / "page.pt").write_bytes(b"<!DOCTYPE html>")
    done = run(tmp_path / "page.pt", "--out", tmp_path / "ir", "--progress", "json")
    assert (done.returncode, done.stderr) == (1, "")
    failure = json.loads(done.stdout.splitlines()[-1])
    assert failure["error"] == "CheckpointError"
    assert "truncated, damaged, or no checkpoint (15 bytes)" in failure["message"]
    assert not (tmp_path / "ir").exists()


def test_an_error_for_people(small: Small, tmp_path: Path) -> None:
    done = run(small.checkpoint, "--out", tmp_path / "ir")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error: The checkpoint has an image encoder of a size that was never published"
    )
    assert "Traceback" not in done.stderr


def test_wrong_arguments() -> None:
    done = run("model.pt")
    assert done.returncode == 2
    assert "--out" in done.stderr
