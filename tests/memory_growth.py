"""Peak memory of tracking a short and a long video: ``python -m tests.memory_growth``.

Each length runs in a process of its own: a generated 1280×720 H.264 clip is tracked with two
objects, corrected in the middle and tracked again from there. Prints the peak resident memory of
each and the difference; exits with 1 where it exceeds ``--limit`` MB. The bound: what a session
keeps per frame is 11 bytes of timeline per object and 16 of the video's index.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE_HW = (720, 1280)


def write_clip(path: Path, num_frames: int) -> None:
    """A clip in which two squares wander over a drifting texture."""
    from sam2ov.video.times import FrameTimes
    from sam2ov.video.writer import VideoWriter

    height, width = SIZE_HW
    rng = np.random.default_rng(0)
    noise = rng.integers(60, 140, (height // 16, width // 8, 3), dtype=np.uint8)
    texture = noise.repeat(16, axis=0).repeat(16, axis=1)
    times = FrameTimes.constant(30, num_frames)
    with VideoWriter(path, SIZE_HW, times) as writer:
        for index in range(num_frames):
            shift = index % width
            frame = texture[:, shift : shift + width].copy()
            for color, speed, top in (((220, 40, 40), 3, 150), ((40, 80, 230), 5, 420)):
                left = abs((index * speed) % 1800 - 900) + 50
                frame[top : top + 160, left : left + 160] = color
            writer.write(frame)


def track(path: Path, model: str) -> None:
    """Track two objects, correct one in the middle, track again from there."""
    from sam2ov import SAM2VideoPredictor

    predictor = SAM2VideoPredictor.from_pretrained(model)
    with predictor.init_state(path) as state:
        middle = state.num_frames // 2
        for obj_id, top in ((1, 150), (2, 420)):
            predictor.add_new_points_or_box(state, 0, obj_id, box=[950, top, 1110, top + 160])
        for _ in predictor.propagate_in_video(state):
            pass
        predictor.add_new_points_or_box(state, middle, 1, points=[[640, 230]], labels=[1])
        for _ in predictor.propagate_in_video(state, middle, max_frame_num_to_track=100):
            pass


def measure(num_frames: int, model: str, folder: Path) -> float:
    """Peak resident memory in MB of a process that tracks ``num_frames`` frames."""
    clip = folder / f"{num_frames}.mp4"
    write_clip(clip, num_frames)
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.memory_growth", "--child", str(clip), "--model", model]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peak = float(output.strip().splitlines()[-1])
    seconds = time.monotonic() - started
    print(f"{num_frames:6d} frames: peak {peak:7.1f} MB, {seconds:6.1f} s", flush=True)
    return peak


def main() -> int:
    """Run the measurement, or one tracking process of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs=2, default=(300, 6000))
    parser.add_argument("--model", default="micro")
    parser.add_argument("--limit", type=float, default=300.0, help="MB")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        track(options.child, options.model)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        short, long = (measure(n, options.model, Path(folder)) for n in options.frames)
    print(f"difference: {long - short:.1f} MB (limit {options.limit:.0f} MB)")
    return int(long - short > options.limit)


if __name__ == "__main__":
    raise SystemExit(main())
