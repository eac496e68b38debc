"""Sets of clips on which confidence is compared with true masks, tracked once for each model.

What is kept of each object is small: its timeline and its J, not its masks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from sam2ov.engine.tracker import Tracker
from sam2ov.evaluation.datasets import AnnotatedSequence, find_sequences
from sam2ov.evaluation.trust import JudgedTrack, judge_sequence
from sam2ov.evaluation.user import PromptKind
from sam2ov.progress import Progress, ProgressCallback
from sam2ov.project.confidence import ObjectTrack
from sam2ov.unfinished import unfinished_file
from sam2ov.values.timeline import Timeline
from training.distractors import distractor_clip
from training.objects import Difficulty
from training.unseen import LEVELS, long_clip, write_sequence

PROMPTS: Final[tuple[PromptKind, ...]] = ("box", "click", "mask")
"""Clips of a drawn set take turns."""
DATASET_PROMPTS: Final[tuple[PromptKind, ...]] = ("box", "mask")
"""Each sequence of a data set is tracked with both."""
KINDS: Final = ("hard", "easy", "distractors")
FRAMES: Final = 48


@dataclass(frozen=True)
class DrawnSet:
    """Clips that are drawn: so many of each kind, from a number on that makes them others."""

    name: str
    first: int
    count: int


FITTED_FROM: Final = 1_000
HELD_OUT_FROM: Final = 5_000


def judged_drawn(
    wanted: DrawnSet, tracker: Tracker, cache: Path, progress: ProgressCallback
) -> dict[str, list[JudgedTrack]]:
    """The objects of a drawn set by kind: easy, hard and distractors."""
    found: dict[str, list[JudgedTrack]] = {}
    names = [
        (kind, number, PROMPTS[(number + place) % len(PROMPTS)])
        for number in range(wanted.first, wanted.first + wanted.count)
        for place, kind in enumerate(KINDS)
    ]
    for done, (kind, number, prompt) in enumerate(names, 1):
        path = cache / f"{kind}{number}.{prompt}.npz"
        if not path.is_file():
            with TemporaryDirectory() as folder:
                sequence = _drawn(kind, number, Path(folder))
                _keep(path, judge_sequence(tracker, sequence, prompt))
        found.setdefault(kind, []).extend(_kept(path))
        progress(Progress(f"Tracking {wanted.name}", done, len(names), "items"))
    return found


def judged_dataset(
    folder: Path, tracker: Tracker, cache: Path, progress: ProgressCallback
) -> list[JudgedTrack]:
    """The objects of a data set as ``sam2ov eval`` reads it, by box and by mask."""
    found: list[JudgedTrack] = []
    runs = [(each, prompt) for each in find_sequences(folder) for prompt in DATASET_PROMPTS]
    for done, (sequence, prompt) in enumerate(runs, 1):
        path = cache / f"{folder.name}-{sequence.name}.{prompt}.npz"
        if not path.is_file():
            _keep(path, judge_sequence(tracker, sequence, prompt))
        found += _kept(path)
        progress(Progress(f"Tracking {folder.name}", done, len(runs), "items"))
    return found


def _drawn(kind: str, number: int, folder: Path) -> AnnotatedSequence:
    level: Difficulty | None = next((level for level in LEVELS if level == kind), None)
    clip = distractor_clip(number) if level is None else long_clip(level, number, FRAMES)
    write_sequence(clip, folder / kind)
    (sequence,) = find_sequences(folder)
    return sequence


def _keep(path: Path, tracks: Sequence[JudgedTrack]) -> None:
    arrays: dict[str, Any] = {}
    for number, each in enumerate(tracks):
        arrays |= {f"{number}/{name}": values for name, values in vars(each.track.timeline).items()}
        arrays[f"{number}/prompted"] = np.array(each.track.prompted_frames)
        arrays[f"{number}/frames"], arrays[f"{number}/j"] = each.frames, each.j
    with unfinished_file(path) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _kept(path: Path) -> Iterator[JudgedTrack]:
    with np.load(path) as arrays:
        names = [name.split("/") for name in arrays.files]
        for number in range(1 + max((int(place) for place, _ in names), default=-1)):
            timeline = Timeline.empty(len(arrays[f"{number}/has_result"]))
            for name in vars(timeline):
                if [str(number), name] in names:  # what came later is not there
                    setattr(timeline, name, arrays[f"{number}/{name}"])
            prompted = tuple(arrays[f"{number}/prompted"].tolist())
            track = ObjectTrack(number + 1, timeline, prompted)
            yield JudgedTrack(track, arrays[f"{number}/frames"], arrays[f"{number}/j"])
