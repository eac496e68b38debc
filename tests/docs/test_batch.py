"""The walk-through of docs/batch.md, line by line, as a reader would type it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.skipif(sys.platform == "win32", reason="the walk-through is for a POSIX shell")
def test_the_walk_through_does_what_it_says(tmp_path: Path) -> None:
    text = (DOCS / "batch.md").read_text(encoding="utf-8")
    found = re.search(r"## A walk-through\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None
    script = found[1].replace("sam2ov ", f"{sys.executable} -m sam2ov ")
    script = script.replace("$(python ", f"$({sys.executable} ")
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["done"] == ["one", "three", "two"], done.stderr
    assert told["unchanged"] == 3
    assert list(told["failed"]) == ["four"]
    assert "no video" in told["failed"]["four"] or "not a video" in told["failed"]["four"]
    assert len(list((tmp_path / "results/two/two-masks").rglob("*.png"))) == 12
    names = {path.name for path in (tmp_path / "results/one").iterdir()}
    assert names == {"job.json", "one-coco.json", "one-masks"}
