"""Follow a camera of the sample's frames for long, with prompts coming and going; is it flat?

    python -m tools.live_soak [--minutes 60] [--rate 15] [--model micro] [--json FILE]

Each minute it prints memory, disk, rate, latency and skipped frames. It fails if memory at the end
is more than 50 MB above what it was after the first tenth of the time. The picture goes to and fro.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sam2ov import LiveTracker
from sam2ov.jobs.live.meter import Meter
from sam2ov.samples import SAMPLE_PATH
from sam2ov.video import open_video
from sam2ov.video.cache import Image
from sam2ov.video.live import LiveSource

MOST_GROWTH_MB = 50.0
_PROMPT_SECONDS = 7.0
_OBJECTS = 3


@dataclass(frozen=True)
class Minute:
    """What is measured at the end of a minute, or of a shorter stretch."""

    seconds: float
    memory_mb: float
    fps: float
    latency_ms: float
    latency_95_ms: float
    frames: int
    dropped: int


def memory_mb() -> float:
    """What this process has in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("This system does not say how much memory a process has.")


def camera(rate: float) -> Iterator[Image]:
    """The sample to and fro, so many frames a second."""
    with open_video(SAMPLE_PATH) as reader:
        frames = [np.array(reader.read(frame)) for frame in range(reader.num_frames)]
    to_and_fro = itertools.cycle([*range(len(frames)), *range(len(frames) - 2, 0, -1)])
    began = time.monotonic()
    for count, number in enumerate(to_and_fro):
        time.sleep(max(began + count / rate - time.monotonic(), 0))
        yield frames[number]


def soak(minutes: float, rate: float, model: str, stretch: float = 60.0) -> list[Minute]:
    """Follow for so long; gives what was measured in each stretch of so many seconds."""
    found: list[Minute] = []
    rng = np.random.default_rng(7)
    with (
        LiveTracker.from_pretrained(model) as tracker,
        LiveSource(lambda: camera(rate)) as source,
    ):
        began = time.monotonic()
        meter, since, prompted = Meter(), began, 0.0
        for frame in source:
            tracker.step(frame.image, frame.seconds, dropped=frame.dropped)
            meter.note(frame.captured, frame.dropped)
            now = time.monotonic()
            if now - prompted >= _PROMPT_SECONDS:
                prompted = now
                prompt(tracker, frame.image, rng)
            if now - since >= stretch or now - began >= 60 * minutes:
                pace = meter.pace()
                found.append(
                    Minute(
                        round(now - began, 1),
                        round(memory_mb(), 1),
                        round(pace.fps, 1),
                        round(pace.latency_ms, 1),
                        round(pace.latency_95_ms, 1),
                        pace.frames,
                        pace.dropped,
                    )
                )
                print(found[-1], flush=True)
                meter, since = Meter(), now
            if now - began >= 60 * minutes:
                return found
    return found


def prompt(tracker: LiveTracker, image: Image, rng: np.random.Generator) -> None:
    """Click somewhere: a new object, or a correction of one; a fourth one has an old one go."""
    height, width = image.shape[:2]
    ids = tracker.obj_ids
    place = [[float(rng.uniform(0, width)), float(rng.uniform(0, height))]]
    if len(ids) >= _OBJECTS:
        tracker.remove_object(ids[0])
    elif ids and rng.random() < 0.5:
        held = tracker.frames
        frame = int(rng.integers(max(held[0], held[-1] - 5), held[-1] + 1))
        tracker.add_points(ids[-1], place, [1], frame=frame)
    else:
        tracker.add_points(max(ids, default=0) + 1, place, [1])


def growth_mb(found: list[Minute]) -> float:
    """Memory at the end beyond what it was after the first tenth of the time."""
    settled = next(each for each in found if each.seconds >= 0.1 * found[-1].seconds)
    return found[-1].memory_mb - settled.memory_mb


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=15.0)
    parser.add_argument("--model", default="micro")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    found = soak(wanted.minutes, wanted.rate, wanted.model)
    if wanted.json is not None:
        wanted.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    growth = growth_mb(found)
    print(f"Memory grew by {growth:.1f} MB.")
    if growth > MOST_GROWTH_MB:
        sys.exit(f"That is more than {MOST_GROWTH_MB:g} MB.")


if __name__ == "__main__":
    main()
