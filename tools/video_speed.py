"""How fast clips are read and written: frames per second, and how long opening takes.

Usage, from the repository: python -m tools.video_speed [--seconds 4] [--repeat 3]

Clips are made with FFmpeg's test picture in the ordinary sizes. Reading goes through the process
that decodes for the app and for commands; the best of the repetitions counts, as others only make
things slower. Run it from two versions of the repository to compare them on one machine.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sam2ov.video import FrameTimes, VideoWriter, open_video
from tools.odd_clips.making import OddClip, make

_SIZES = {"720p": "1280x720", "1080p": "1920x1080"}


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, size in _SIZES.items():
            source = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={options.seconds}")
            codec = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "fast")
            clip = make(OddClip(f"{name}.mp4", "ordinary", (*source, *codec)), Path(folder))
            opening, reading, writing = (
                min(measure(clip) for _ in range(options.repeat))
                for measure in (_open, _read, _write)
            )
            count = round(options.seconds * 25)
            print(
                f"{name}: opened in {1000 * opening:.0f} ms, read at {count / reading:.0f} and "
                f"written at {count / writing:.1f} frames/s"
            )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _open(clip: Path) -> float:
    return _timed(lambda: open_video(clip).close())


def _read(clip: Path) -> float:
    with open_video(clip) as reader:
        reader.read(0)
        return _timed(lambda: [None for _ in reader.iter_frames()])


def _write(clip: Path) -> float:
    with open_video(clip) as reader:
        frames = [reader.read(index) for index in range(min(len(reader), 8))]
        count = len(reader)

    def write() -> None:
        times = FrameTimes.constant(25, count)
        height, width = frames[0].shape[:2]
        with VideoWriter(clip.with_name("written.mp4"), (height, width), times) as writer:
            for index in range(count):
                writer.write(frames[index % len(frames)])

    return _timed(write)


if __name__ == "__main__":
    main()
