"""What the bundled model has to be able to do: follow objects through clips it has never seen."""

from pathlib import Path

import pytest

from sam2ov.engine.tracker import Tracker
from sam2ov.evaluation.datasets import AnnotatedSequence, find_sequences
from sam2ov.evaluation.scores import overall
from sam2ov.evaluation.scoring import evaluate_sequence
from sam2ov.evaluation.user import PromptKind
from sam2ov.zoo.loading import load_model
from training.unseen import unseen_clip, write_sequence

CLIPS = 8
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def tracker() -> Tracker:
    return Tracker(load_model("micro"))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> list[AnnotatedSequence]:
    folder = tmp_path_factory.mktemp("easy")
    for index in range(CLIPS):
        write_sequence(unseen_clip("easy", index), folder / f"{index:02d}")
    return find_sequences(folder)


@pytest.mark.parametrize(("kind", "least"), [("mask", 80), ("box", 72), ("click", 60)])
def test_objects_are_followed_through_unseen_clips(
    tracker: Tracker,
    sequences: list[AnnotatedSequence],
    kind: PromptKind,
    least: float,
) -> None:
    scores = [evaluate_sequence(tracker, sequence, kind) for sequence in sequences]
    j = overall(scores).j
    print(f"mean J by {kind}: {j:.1f}")
    assert j >= least


def test_the_bundle_is_small(micro_model: Path) -> None:
    assert sum(path.stat().st_size for path in micro_model.iterdir()) < 20 * MEBIBYTE
