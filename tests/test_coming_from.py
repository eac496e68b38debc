"""The examples for people who come from elsewhere run as they are written."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sam2ov.samples import SAMPLE_PATH
from sam2ov.video import open_video
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "coming-from.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").symlink_to(SAMPLE_PATH)
    with open_video(SAMPLE_PATH) as video:
        Image.fromarray(video.read(0)).save("image.png")
        size_hw = video.size_hw
    code = re.findall(r"<!-- run -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(code) == 4
    names: dict[str, Any] = {}
    for block in code:
        exec(compile(block, PAGE.name, "exec"), names)
    assert names["best"].shape == size_hw
    assert names["frame_idx"] == 3
    assert len(names["fields"]["xyxy"]) == len(names["everything"]) > 0
    assert names["masks"].shape == (1, 1, *size_hw)
