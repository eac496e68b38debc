"""Memory and undo with a mask on every frame: ``python -m tests.project.given_masks``.

Opens masks of 1080p from an SA-V file into a project, as the app does, and takes back one more
edit. Prints how much the peak of resident memory rose (MB), how many masks and results undo
decoded, and how long it took (ms).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.mask_files.prompt_file import fitting_prompts
from sam2ov.mask_files.reading import Choice, read_prompts_or_masks
from sam2ov.project import NewObject, Project
from sam2ov.store import results
from sam2ov.store.journal import Journal
from sam2ov.values import prompts
from sam2ov.values.objects import ClipObject
from sam2ov.values.rle import decode_rle, encode_rle
from tests.click_model import MODEL, ClickModel
from tests.fake_model import SIZE

SIZE_HW = (1080, 1920)
NUM_OBJECTS = 2


class GreyFrames:
    """A video of which every frame is grey; small pictures do, the model squashes them anyway."""

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self.size_hw = SIZE_HW
        self._frame = np.full((SIZE, SIZE, 3), 60, np.uint8)

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        """The frame."""
        return self._frame

    def close(self) -> None:
        """Nothing to release."""


def write_masks(path: Path, num_frames: int) -> None:
    """Discs with a rough outline that move to the right."""
    y, x = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    rough = np.random.default_rng(0).random(SIZE_HW) * 8
    masks = []
    for number in range(NUM_OBJECTS):
        disc = np.hypot(x - 400, y - 300 - 450 * number) + rough < 200
        masks.append([encode_rle(np.roll(disc, 40 * step, axis=1)) for step in range(25)])
    masklet = [
        [
            {"size": list(SIZE_HW), "counts": masks[number][frame % 25].counts}
            for number in range(NUM_OBJECTS)
        ]
        for frame in range(num_frames)
    ]
    ids = list(range(NUM_OBJECTS))
    path.write_text(json.dumps({"masklet": masklet, "masklet_id": ids, "masklet_every": 1}))


def open_masks(project: Project, path: Path) -> None:
    """What the app does with a file of masks."""
    found = read_prompts_or_masks(path, Choice(every=1), 512 << 20)
    project.objects.replace(
        [
            NewObject(
                ClipObject(obj_id, f"Object {obj_id}", "#ff0000"),
                {frame: (prompt,) for frame, prompt in by_frame.items()},
            )
            for obj_id, by_frame in fitting_prompts(
                found, project.session.num_frames, SIZE_HW
            ).items()
        ]
    )


def measure(folder: Path, num_frames: int) -> dict[str, float]:
    """Open ``all.json`` after ``few.json``, click, and take the click back."""
    tracker = Tracker(cast(SAM2Model, ClickModel()))
    with (
        Journal(folder / "journal.sqlite") as journal,
        VideoSession(tracker, GreyFrames(num_frames), journal) as session,
    ):
        project = Project(session, journal, MODEL)
        open_masks(project, folder / "few.json")
        before = peak_mb()
        open_masks(project, folder / "all.json")
        rise = peak_mb() - before
        project.prompts.click(1, num_frames // 2, (400, 300), positive=False)
        with (
            patch.object(prompts, "decode_rle", wraps=decode_rle) as decode_mask,
            patch.object(results, "_unpack", wraps=results._unpack) as decode_result,
        ):
            started = time.perf_counter()
            project.history.undo()
            took_ms = 1000 * (time.perf_counter() - started)
        return {
            "rise_mb": rise,
            "masks": sum(len(session.prompts(obj_id)) for obj_id in session.obj_ids),
            "decoded_masks": decode_mask.call_count,
            "decoded_results": decode_result.call_count,
            "undo_ms": took_ms,
        }


def peak_mb() -> float:
    """Of resident memory so far; what ``resource`` tells includes the parent's before ``exec``."""
    (line,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(line) / 1024


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, default=2000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    num_frames = options.masks // NUM_OBJECTS
    if options.child is not None:
        print(json.dumps(measure(options.child, num_frames)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_masks(Path(folder, "few.json"), 10)
        write_masks(Path(folder, "all.json"), num_frames)
        # In a process of its own: the peak of making the masks is none of it.
        command = [sys.executable, "-m", "tests.project.given_masks", "--child", folder]
        subprocess.run([*command, "--masks", str(options.masks)], check=True)


if __name__ == "__main__":
    main()
