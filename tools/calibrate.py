"""Find out how often the masks of a model are right of which it says so, and write it down.

    python -m tools.calibrate --cache FOLDER [--model NAME] [--fit 10] [--test 4]
        [--davis FOLDER] [--write]

Clips are drawn (``training.unseen``), objects are prompted by box, click and mask, tracked, and
compared with the true masks. Curves are fitted on some clips and tested on others, and on DAVIS if
it is given, which has no part in the fit. ``--write`` puts ``calibration.json`` into the model's
folder and the reliability plot into ``docs/``. What was tracked is kept in the cache by the model's
weights, so that a run that was stopped goes on, and one that is repeated takes seconds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sam2ov.commands.console import progress_display
from sam2ov.engine.tracker import Tracker
from sam2ov.evaluation.report.plots import draw_reliability
from sam2ov.evaluation.trust import (
    LOOKED_AT,
    JudgedTrack,
    calibration_error,
    found_early,
    reliability,
)
from sam2ov.project.confidence import Signal, confidence
from sam2ov.unfinished import unfinished_file
from sam2ov.zoo.calibration import (
    CALIBRATION_FILE,
    RIGHT_FROM,
    Calibration,
    TestedOn,
)
from sam2ov.zoo.catalogue import BUNDLED_NAME
from sam2ov.zoo.loading import prepare_model
from tools.fitting import Judged
from tools.judged_sets import (
    FITTED_FROM,
    HELD_OUT_FROM,
    DrawnSet,
    judged_dataset,
    judged_drawn,
)

PLOT: Final = Path("docs/reliability.svg")
WEIGHTS: Final = {"easy": 1.0, "hard": 1.0, "distractors": 0.25}
"""Clips of look-alikes are made to fail, on more than half of their frames: they count less."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True, help="for what was tracked")
    parser.add_argument("--model", default=BUNDLED_NAME)
    parser.add_argument("--fit", type=int, default=10, help="clips of each kind that are fitted to")
    parser.add_argument("--test", type=int, default=4, help="clips of each kind to test on")
    parser.add_argument("--davis", type=Path, help="a data set to test on")
    parser.add_argument("--write", action="store_true", help="into the model's folder, and docs/")
    arguments = parser.parse_args()
    prepared = prepare_model(arguments.model)
    tracker = Tracker(prepared.compile())
    weights = tracker.model.manifest.weights_file.sha256
    cache = arguments.cache / weights[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with progress_display() as progress:
        fitted = judged_drawn(
            DrawnSet("clips of the fit", FITTED_FROM, arguments.fit), tracker, cache, progress
        )
        held_out = judged_drawn(
            DrawnSet("other clips", HELD_OUT_FROM, arguments.test), tracker, cache, progress
        )
        tests = {f"drawn, {kind}": tracks for kind, tracks in held_out.items()}
        tests["drawn"] = [track for tracks in held_out.values() for track in tracks]
        if arguments.davis is not None:
            tests[arguments.davis.name] = judged_dataset(arguments.davis, tracker, cache, progress)
    judged = Judged([(WEIGHTS[kind], tracks) for kind, tracks in fitted.items()])
    found = Calibration(
        weights_sha256=weights,
        present=judged.fitted(absent=False),
        absent=judged.fitted(absent=True),
        frames=len(judged.right),
    )
    print(f"{'SET':20}  FRAMES  FAILED  FOUND (claimed, most)  ERROR (claimed)")
    tested = tuple(_test(name, tracks, found) for name, tracks in tests.items())
    found = found.model_copy(update={"tested": tested})
    print(found.model_dump_json(indent=1, exclude={"tested"}))
    if arguments.write:
        _write(prepared.folder, found, tests)


def _test(name: str, tracks: Sequence[JudgedTrack], found: Calibration) -> TestedOn:
    """Print a row: what the calibrated chances do, and in brackets what the model claims."""
    told, j = _told(tracks, found)
    claimed, _ = _told(tracks, None)
    failed = float((j < RIGHT_FROM).mean())
    most = min(1.0, LOOKED_AT / failed) if failed else 1.0
    error, before = (calibration_error(reliability(each, j)) for each in (told, claimed))
    early = found_early(told, j)
    print(
        f"{name:20}  {len(j):6}  {100 * failed:4.1f} %  {100 * early:3.0f} % "
        f"({100 * found_early(claimed, j):3.0f} %, {100 * most:3.0f} %)  "
        f"{100 * error:9.1f} ({100 * before:4.1f})"
    )
    return TestedOn(
        name=name,
        frames=len(j),
        failed=round(failed, 4),
        error=round(error, 4),
        found=round(early, 4),
    )


def _told(tracks: Sequence[JudgedTrack], found: Calibration | None) -> tuple[Signal, Signal]:
    """The confidence of all judged frames, and their J."""
    told = [confidence(each.track, found)[each.frames] for each in tracks]
    return np.concatenate(told), np.concatenate([each.j for each in tracks])


def _write(folder: Path, found: Calibration, tests: dict[str, list[JudgedTrack]]) -> None:
    with unfinished_file(folder / CALIBRATION_FILE) as unfinished:
        unfinished.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    shown = [name for name in tests if ", " not in name]
    curves = [(name, reliability(*_told(tests[name], found))) for name in shown]
    curves += [(f"{name}, as claimed", reliability(*_told(tests[name], None))) for name in shown]
    picture = draw_reliability(curves).replace("currentColor", "#1b1e24")
    start = picture.index(">") + 1  # by itself it has to bring its ground along
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    with unfinished_file(PLOT) as unfinished:
        unfinished.write_text(picture[:start] + ground + picture[start:] + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
