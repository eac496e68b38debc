"""Recorded masks as the journal of a project."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.project.recording import RecordedMasks
from sam2ov.project.state import ProjectState
from sam2ov.store.journal import Journal
from sam2ov.store.results import FrameResult, Kind, ResultStore
from tests.click_model import MODEL

SIZE_HW = (8, 12)


def result(value: float) -> FrameResult:
    return FrameResult(
        np.full((16, 16), value, np.float32), np.zeros(8, np.float32), value, 0.9, False
    )


def test_first_masks_and_prompts_are_prompts(tmp_path: Path) -> None:
    nothing, something = np.zeros(SIZE_HW, np.bool_), np.ones(SIZE_HW, np.bool_)
    recorded = RecordedMasks(tmp_path / "masks.sqlite", MODEL)
    for frame, (mask, is_prompted) in enumerate(
        [
            (nothing, False),
            (something, False),
            (nothing, False),
            (something, False),
            (something, True),
        ]
    ):
        with recorded.written():
            value = 3.0 if mask.any() else -3.0
            recorded.keep(frame, 7, result(value), mask, is_prompted=is_prompted)
    recorded.finish(SIZE_HW, 5)
    with Journal(tmp_path / "masks.sqlite") as journal:
        state = ProjectState(journal, SIZE_HW, 5).snapshot
        assert state.prompted_frames(7) == [1, 4]
        assert state.objects[7].name == "Object 7"
        rows = [(row.frame_idx, row.kind) for row in ResultStore(journal, None).rows(7)]
        assert rows == [
            (1, Kind.CONDITIONING),
            (2, Kind.TRACKED),
            (3, Kind.TRACKED),
            (4, Kind.CONDITIONING),
        ]
        assert journal.done is None


@pytest.mark.parametrize("is_finished", [False, True])
def test_discarding_leaves_nothing(tmp_path: Path, is_finished: bool) -> None:
    recorded = RecordedMasks(tmp_path / "masks.sqlite", MODEL)
    if is_finished:
        recorded.finish(SIZE_HW, 2)
    recorded.discard()
    assert not list(tmp_path.iterdir())
