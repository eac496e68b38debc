from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import DatasetError
from sam2ov.evaluation.contact_sheet import COLUMNS, ContactSheet
from sam2ov.evaluation.corrections import Correction, correct_worst_frame
from sam2ov.evaluation.datasets import AnnotatedSequence, find_sequences
from sam2ov.evaluation.scores import (
    ObjectScores,
    SequenceScores,
    average,
    overall,
    summarise_corrections,
)
from sam2ov.evaluation.scoring import ScoredFrame, evaluate_sequence
from sam2ov.evaluation.user import PROMPT_KINDS, PromptKind, first_prompt
from sam2ov.values.prompts import PointPrompt
from tests.evaluation.conftest import (
    NUM_FRAMES,
    SIZE_HW,
    square_masks,
    write_frames,
    write_masks,
)


def written(
    folder: Path, labels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
) -> AnnotatedSequence:
    write_frames(folder / "frames", square_masks(len(labels)))
    write_masks(folder / "masks", labels, palette=True)
    return find_sequences(folder)[0]


@pytest.mark.parametrize("kind", PROMPT_KINDS)
def test_the_square_is_found(tracker: Tracker, plain_dataset: Path, kind: PromptKind) -> None:
    sequence = find_sequences(plain_dataset)[0]
    tracked, frames = [], []
    scores = evaluate_sequence(
        tracker,
        sequence,
        kind,
        on_tracked=lambda: tracked.append(1),
        on_frame=lambda frame: frames.append(frame.frame_idx),
    )
    [square] = scores.objects
    counting = list(range(1, NUM_FRAMES - 1))
    assert list(square.j) == list(square.f) == frames == counting, "neither first nor last"
    assert min(square.j.values()) > 0.8
    assert min(square.f.values()) > 0.5
    assert scores.tracked_frames == len(tracked) == NUM_FRAMES - 1
    assert scores.seconds > 0


def test_an_object_that_comes_later_is_prompted_there(tracker: Tracker, tmp_path: Path) -> None:
    labels = square_masks().astype(np.uint8)
    labels[3:, 2:10, 80:90] = 4
    scores = evaluate_sequence(tracker, written(tmp_path / "late", labels), "mask")
    first, late = scores.objects
    assert (first.obj_id, late.obj_id) == (1, 4)
    assert list(first.j) == [1, 2, 3, 4, 5, 6]
    assert list(late.j) == [4, 5, 6]
    assert average([first]).j > 80
    assert average([late]).j == 0, "the stand-in sees red only, and overlaps go to the first"
    assert overall([scores]).j == pytest.approx(average([first]).j / 2)


def test_frames_without_annotation_are_tracked_but_not_scored(
    tracker: Tracker, tmp_path: Path
) -> None:
    sequence = written(tmp_path / "sparse", square_masks().astype(np.uint8))
    for number in (1, 3, 7):
        sequence.masks[number].unlink()
    scores = evaluate_sequence(tracker, find_sequences(tmp_path / "sparse")[0], "mask")
    assert list(scores.objects[0].j) == [2, 4, 5]
    assert scores.tracked_frames == 6


def test_a_short_sequence_keeps_its_last_frame(tracker: Tracker, tmp_path: Path) -> None:
    labels = square_masks(2).astype(np.uint8)
    scores = evaluate_sequence(tracker, written(tmp_path / "two", labels), "mask")
    assert list(scores.objects[0].j) == [1]


def test_what_cannot_be_scored_is_an_error(tracker: Tracker, tmp_path: Path) -> None:
    empty = np.zeros((3, *SIZE_HW), np.uint8)
    with pytest.raises(DatasetError, match="shows no object"):
        evaluate_sequence(tracker, written(tmp_path / "empty", empty), "mask")
    last = empty.copy()
    last[2, :9, :9] = 1
    with pytest.raises(DatasetError, match="no annotated frame comes after"):
        evaluate_sequence(tracker, written(tmp_path / "last", last), "mask")
    sequence = written(tmp_path / "size", square_masks(3).astype(np.uint8))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(sequence.masks[1])
    with pytest.raises(DatasetError, match="9×9 pixels, its frame 96×64"):
        evaluate_sequence(tracker, sequence, "mask")


def test_every_object_counts_alike() -> None:
    def scores(*values: float) -> ObjectScores:
        return ObjectScores(1, dict(enumerate(values)), dict(enumerate(values)))

    one = SequenceScores("one", (scores(1.0, 0.5),), 2, 1.0)
    two = SequenceScores("two", (scores(0.0), scores(0.0)), 1, 1.0)
    assert overall([one, two]).j == pytest.approx(25)
    assert average(one.objects).as_json() == {"J": 75, "F": 75, "J&F": 75}


def test_the_worst_visible_frame_is_corrected(tracker: Tracker) -> None:
    """The truth is the left half of what the stand-in finds: the click falls on the right."""
    masks = square_masks(4)
    truths = masks & (np.arange(SIZE_HW[1]) < 20)
    frames = np.where(masks[..., None], [250, 20, 20], 100).astype(np.uint8)
    truths[2] = False
    with VideoSession(tracker, ArrayFrames(frames)) as session:
        click = first_prompt(truths[0], "click")
        assert isinstance(click, PointPrompt)
        session.add_points(0, 1, click)
        for _ in session.propagate():
            pass
        j = {1: 0.4, 2: 0.0, 3: 0.3}
        outcome = correct_worst_frame(session, 1, j, lambda i: truths[i], lambda: {**j, 3: 0.2})
        assert outcome is not None
        correction, again = outcome
        assert session.prompts(1)[3].labels.tolist() == [0]  # type: ignore[union-attr]
        assert again[3] == 0.2
        nothing = correct_worst_frame(session, 1, {1: 0.6}, lambda i: truths[i], dict)
    assert (correction.frame_idx, correction.before, correction.after) == (3, 0.3, 0.2)
    assert correction.following_before is None
    assert nothing is None, "no frame has failed"


def test_corrections_are_summed_up() -> None:
    good = Correction(1, 5, 0.2, 0.6, 0.6, 0.3, 0.5)
    lost = Correction(1, 9, 0.2, 0.8, 0.4, None, None)
    useless = Correction(2, 1, 0.2, 0.1, 0.1, 0.1, 0.1)
    objects = (ObjectScores(1, {1: 0.5}, {1: 0.5}),)
    summary = summarise_corrections([SequenceScores("a", objects, 1, 1.0, (good, lost, useless))])
    assert summary is not None
    assert summary.clicks == 3
    assert summary.raised == pytest.approx(66.67)
    assert summary.kept == 50
    assert (summary.before, summary.clicked) == (20, 50)
    assert (summary.following_before, summary.following_after) == (20, 30)
    assert summarise_corrections([SequenceScores("a", objects, 1, 1.0)]) is None


def test_corrections_leave_the_scores(tracker: Tracker, tmp_path: Path) -> None:
    labels = (square_masks() & (np.arange(SIZE_HW[1]) < 24)).astype(np.uint8)
    sequence = written(tmp_path / "half", labels)
    plain = evaluate_sequence(tracker, sequence, "click")
    corrected = evaluate_sequence(tracker, sequence, "click", corrections=2)
    assert corrected.objects == plain.objects
    assert len(corrected.corrections) == 2
    assert not any(click.raised for click in corrected.corrections), "the stand-in does not listen"


def test_a_sheet_has_a_row_for_each_sequence(tmp_path: Path) -> None:
    sheet = ContactSheet()
    indices = tuple(range(1, 40))
    mask = square_masks(1)[0]
    for name in ("one", "two"):
        sheet.begin(name)
        for index in indices:
            sheet.add(
                ScoredFrame(
                    index,
                    indices,
                    lambda: np.full((*SIZE_HW, 3), 90, np.uint8),
                    {1: mask},
                    mask.astype(np.uint8),
                    {1: 0.5},
                )
            )
    sheet.write(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image).astype(int)
    tile = round(320 * SIZE_HW[0] / SIZE_HW[1])
    assert pixels.shape == (2 * (tile + 22), COLUMNS * 322, 3)
    middles = pixels[22 + tile // 2, 80::322]
    assert len(middles) == COLUMNS
    assert (middles[:, 2] - middles[:, 0] > 50).all(), "blue where it was found"
    assert (pixels[22:] == 255).all(-1).any(), "white outlines"
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
