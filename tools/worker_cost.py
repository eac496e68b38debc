"""Measures what it costs that frames come from a process of their own.

Usage, from the repository:
    python -m tools.worker_cost [--clip clip.mp4] [--height 720] [--rounds 7]

Reads one clip in this process and through a worker, in turns, so that whatever else the computer
does falls on both: frames in order and by jumps; the pictures that the app's routes make of them
while it plays and while somebody scrubs; tracking with the bundled model; and a click on a frame
that nobody has looked at. Printed: the best round of each, and the change of speed by the worker,
of the best rounds and in the middle of all pairs.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.ui.media.pictures import FramePictures
from sam2ov.ui.media.proxies import Proxies
from sam2ov.values.prompts import make_point_prompt
from sam2ov.video import FrameReader, open_video
from sam2ov.video.served import open_in_process
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.loading import load_model
from tools.driven_app import processor_name
from tools.long_clip import make

CACHE_BYTES: Final = 64 << 20
"""As the app's readers have."""
FRAMES: Final = 240
JUMPS: Final = 10
TRACKED: Final = 24
CLICKS: Final = 8

Use = Callable[[FrameReader, Tracker], tuple[float, int]]
"""Uses a reader; gives the seconds that it took and how many frames it came to."""


def in_order(reader: FrameReader, _: Tracker) -> tuple[float, int]:
    """Frames one after another, as exports read them."""
    began = time.perf_counter()
    for frame in reader.iter_frames(0, FRAMES):
        frame[0, 0, 0]
    return time.perf_counter() - began, FRAMES


def jumps(reader: FrameReader, _: Tracker) -> tuple[float, int]:
    """Frames from anywhere."""
    order = Random(3).sample(range(len(reader)), JUMPS)  # noqa: S311 - not a secret
    began = time.perf_counter()
    for frame_idx in order:
        reader.read(frame_idx)
    return time.perf_counter() - began, JUMPS


@contextmanager
def _pictures(reader: FrameReader) -> Iterator[FramePictures]:
    """As the app makes them right after opening, with the small pictures of keyframes alone."""
    is_open = False
    with (
        tempfile.TemporaryDirectory() as folder,
        Proxies(reader, Path(folder), lambda: is_open) as proxies,
    ):
        proxies.has_overview.wait()
        is_open = True
        pictures = FramePictures(reader, proxies)
        yield pictures
        pictures.close()


def playing(reader: FrameReader, _: Tracker) -> tuple[float, int]:
    """The pictures of the route that plays, in order."""
    with _pictures(reader) as pictures:
        began = time.perf_counter()
        for frame_idx in range(FRAMES):
            pictures.jpeg(frame_idx, "proxy")
        return time.perf_counter() - began, FRAMES


def scrubbing(reader: FrameReader, _: Tracker) -> tuple[float, int]:
    """A picture nearby at once, then the frame itself, anywhere."""
    order = Random(4).sample(range(len(reader)), JUMPS)  # noqa: S311 - not a secret
    with _pictures(reader) as pictures:
        began = time.perf_counter()
        for frame_idx in order:
            pictures.near(frame_idx)
            pictures.jpeg(frame_idx, "view")
        return time.perf_counter() - began, JUMPS


def tracking(reader: FrameReader, tracker: Tracker) -> tuple[float, int]:
    """One object through the clip."""
    with VideoSession(tracker, reader.twin(cache_bytes=CACHE_BYTES)) as session:
        prompt = make_point_prompt([[100, 100]], [1], None, session.size_hw)
        session.add_points(0, 1, prompt)
        began = time.perf_counter()
        for _ in islice(session.propagate(), TRACKED):
            pass
        return time.perf_counter() - began, TRACKED


def clicking(reader: FrameReader, tracker: Tracker) -> tuple[float, int]:
    """A click on a frame that nobody has looked at."""
    order = Random(5).sample(range(len(reader)), CLICKS)  # noqa: S311 - not a secret
    with VideoSession(tracker, reader.twin(cache_bytes=CACHE_BYTES)) as session:
        prompt = make_point_prompt([[100, 100]], [1], None, session.size_hw)
        began = time.perf_counter()
        for frame_idx in order:
            session.add_points(frame_idx, 1, prompt)
        return time.perf_counter() - began, CLICKS


USES: Final[tuple[Use, ...]] = (in_order, jumps, playing, scrubbing, tracking, clicking)


def measure(clip: Path, tracker: Tracker, rounds: int, uses: tuple[Use, ...]) -> None:
    """Print a line per use."""
    for use in uses:
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds + 1):
            for through_worker in (False, True) if number % 2 else (True, False):
                reader = (
                    open_video(clip, cache_bytes=CACHE_BYTES)
                    if through_worker
                    else open_in_process(clip, cache_bytes=CACHE_BYTES)
                )
                with reader:
                    reader.read(0)
                    took, frames = use(reader, tracker)
                if number:  # the first is for warming up
                    seconds[through_worker].append(took / frames)
        here, there = (seconds[which] for which in (False, True))
        best = min(here) / min(there) - 1
        middle = statistics.median(a / b for a, b in zip(here, there, strict=True)) - 1
        print(
            f"{use.__name__:10} {1000 * min(here):7.2f} ms a frame here, {1000 * min(there):7.2f} "
            f"through a worker: {100 * best:+.1f} % speed in the best round, {100 * middle:+.1f} % "
            "in the middle",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", type=Path, help="a drawn one in H.264 if left out")
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--uses", default=",".join(use.__name__ for use in USES))
    options = parser.parse_args()
    uses = tuple(use for use in USES if use.__name__ in options.uses.split(","))
    tracker = Tracker(load_model(BUNDLED_NAME))
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            make(clip, 20 / 60, options.height)
        with open_video(clip) as reader:
            info = reader.info
        print(f"{info.width}×{info.height}, {info.num_frames} frames, {processor_name()}")
        measure(clip, tracker, options.rounds, uses)


if __name__ == "__main__":
    main()
