"""What else users wait for: the start, the answer to a click, a clip with its objects coloured."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2ov.bench.clip import BenchClip, clip_job
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ModelError
from sam2ov.jobs import Output, run_clip_job
from sam2ov.unfinished import ScratchFolder
from sam2ov.values.prompts import make_point_prompt
from sam2ov.video import open_video
from sam2ov.workers.environment import module_environment
from sam2ov.zoo.loading import PreparedModel

_START = "sam2ov.bench.start"


@dataclass(frozen=True)
class ClickTimes:
    """Seconds from a click to its mask at video size.

    Attributes:
        median: on a frame that is embedded already.
        p95: 95 of 100 clicks there take no longer.
        first_median: on a frame that is read and embedded for it.
    """

    median: float
    p95: float
    first_median: float


@dataclass(frozen=True)
class StartTimes:
    """Seconds from the model folder to networks that are ready to run.

    Attributes:
        cold: nothing has been compiled before.
        cached: OpenVINO finds what it compiled before.
    """

    cold: float
    cached: float


def click_times(
    tracker: Tracker, clip: BenchClip, *, clicks: int = 20, first_clicks: int = 5
) -> ClickTimes:
    """Click on new objects: on one frame again and again, and on frames that are new, too.

    Args:
        tracker: of the model.
        clip: of at least ``first_clicks + 2`` frames.
        clicks: on the embedded frame.
        first_clicks: on new frames.
    """
    x0, y0, x1, y1 = clip.boxes[0]
    point = [[(x0 + x1) / 2, (y0 + y1) / 2]]
    prompt = make_point_prompt(point, [1], None, clip.size_hw)
    with VideoSession(tracker, open_video(clip.path)) as session:

        def answer(frame_idx: int, obj_id: int) -> float:
            started = time.perf_counter()
            session.add_points(frame_idx, obj_id, prompt)
            masks = session.logits_at(frame_idx, clip.size_hw, [obj_id]) > 0
            seconds = time.perf_counter() - started
            assert masks.shape == (1, *clip.size_hw)
            return seconds

        answer(0, 1)  # prepares what is prepared once
        embedded = [answer(0, 2 + number) for number in range(clicks)]
        first = [answer(2 + number, 1) for number in range(first_clicks)]
    return ClickTimes(
        statistics.median(embedded), percentile(embedded, 0.95), statistics.median(first)
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that a ``share`` of all are at most."""
    ordered = sorted(values)
    return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)]


def overlay_fps(tracker: Tracker, clip: BenchClip, folder: Path) -> float:
    """Frames per second from a file to an mp4 with one object coloured, as by ``sam2ov track``.

    Args:
        tracker: of the model.
        clip: what is tracked, from its first frame to its last.
        folder: to write into.

    Raises:
        VideoError: it cannot be written.
    """
    overlay = Output(path=folder / "overlay.mp4", format="overlay")
    started = time.perf_counter()
    outcome = run_clip_job(clip_job(clip, outputs=(overlay,)), tracker)
    assert outcome is not None
    return outcome.frames / (time.perf_counter() - started)


def start_times(prepared: PreparedModel, device: str, precision: str) -> StartTimes:
    """Compile a model in processes of their own, without and with compiled graphs at hand.

    Raises:
        ModelError: such a process failed.
    """
    with ScratchFolder("sam2ov-bench-") as cache:
        cold, cached = (_start(prepared, device, precision, cache) for _ in range(2))
    return StartTimes(cold, cached)


def _start(prepared: PreparedModel, device: str, precision: str, cache: Path) -> float:
    place, size = os.fspath(prepared.folder.absolute()), str(prepared.image_size)
    command = [sys.executable, "-P", "-m", _START, place, size, device, precision, str(cache)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=module_environment()
    )
    if done.returncode != 0:
        raise ModelError(
            f"Compiling {prepared.folder} for {device} failed:\n{done.stderr.rstrip()}"
        )
    seconds: float = json.loads(done.stdout.splitlines()[-1])
    return seconds
