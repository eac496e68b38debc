"""The installed ffprobe and ffmpeg as independent witnesses.

They are another build (often another version) than the FFmpeg inside PyAV.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


def run(program: str, *arguments: str | Path) -> bytes:
    """Run ffmpeg or ffprobe and return what it prints; skip the test where it is missing."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: no independent check of the file")
    command = [found, "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def probe(path: Path, *arguments: str) -> dict[str, Any]:
    """Return ffprobe's JSON."""
    text = run("ffprobe", *arguments, "-of", "json", path)
    found: dict[str, Any] = json.loads(text)
    return found


def stream(path: Path, kind: str = "v") -> dict[str, Any]:
    """Return facts about the first stream of a kind."""
    found: dict[str, Any] = probe(path, "-show_streams", "-select_streams", f"{kind}:0")
    first: dict[str, Any] = found["streams"][0]
    return first


def frame_times(path: Path) -> list[Fraction]:
    """Return the exact presentation times in seconds of all video frames that ffprobe decodes."""
    base = Fraction(stream(path)["time_base"])
    entries = "frame=best_effort_timestamp"
    found = probe(path, "-select_streams", "v:0", "-show_entries", entries)
    return [int(frame["best_effort_timestamp"]) * base for frame in found["frames"]]


def packets(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the packets of the first stream of a kind, with MD5 sums of their data."""
    found = probe(path, "-select_streams", f"{kind}:0", "-show_packets", "-show_data_hash", "md5")
    listed: list[dict[str, Any]] = found["packets"]
    return listed


def decode_rgb(path: Path, size_hw: tuple[int, int], *filters: str) -> NDArray[np.uint8]:
    """Decode a video with ffmpeg's own conversion, [T, H, W, 3]."""
    video_filter = ("-vf", ",".join(filters)) if filters else ()
    raw = run(
        "ffmpeg", "-i", path, *video_filter, "-an", "-fps_mode", "passthrough",
        "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
    )  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(-1, *size_hw, 3)
