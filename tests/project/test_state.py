"""Documents of a journal, read back; those that do not fit the clip are refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sam2ov.errors import ProjectError
from sam2ov.project.documents import MAX_POINTS, MAX_PROMPTS
from sam2ov.project.state import ProjectSnapshot, ProjectState
from sam2ov.store.journal import Journal
from sam2ov.values.objects import ClipObject
from sam2ov.values.prompts import make_point_prompt
from tests.click_model import HEIGHT, MODEL, NUM_FRAMES, WIDTH

SIZE_HW = (HEIGHT, WIDTH)
POINT = {"frame": 0, "points": [{"x": 1, "y": 1}]}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def state(journal: Journal) -> ProjectState:
    made = ProjectState(journal, SIZE_HW, NUM_FRAMES)
    made.put_model(MODEL)
    made.add_object()
    return made


def again(journal: Journal) -> ProjectState:
    return ProjectState(journal, SIZE_HW, NUM_FRAMES)


def test_a_new_journal_holds_nothing(journal: Journal) -> None:
    state = again(journal)
    assert state.snapshot == ProjectSnapshot()


def test_everything_comes_back(journal: Journal, state: ProjectState) -> None:
    second = state.add_object()
    state.put_object(ClipObject(second, "Ball", "#00ff00", hidden=True))
    state.put_order([second, 1])
    sequence = (make_point_prompt([(3.25, 4)], [0], None, SIZE_HW),)
    state.put_sequence(second, 5, sequence)
    state.put_sequence(1, 0, sequence)
    state.put_sequence(1, 0, ())
    state.put_in_out(range(2, 8))
    writable = again(journal)
    read = writable.snapshot
    assert read.objects == state.snapshot.objects
    assert list(read.objects) == [2, 1]
    assert read.model == MODEL
    assert read.in_out == range(2, 8)
    assert {i: [*by_frame] for i, by_frame in read.sequences.items()} == {2: [5]}
    assert read.prompted_frames(2) == [5]
    assert read.sequence(2, 5)[0].points_xy_video.tolist() == [[3.25, 4]]  # type: ignore[union-attr]
    assert writable.add_object() == 3, "numbers are never given twice"


@pytest.mark.parametrize(
    ("key", "document"),
    [
        ("steps/1/12", [POINT]),
        ("steps/1/-1", [POINT]),
        ("steps/1/99999999999999999999", [POINT]),
        ("steps/2/0", [POINT]),
        ("steps/1", [POINT]),
        ("steps/1/0/0", [POINT]),
        ("steps/1/x", [POINT]),
        ("steps/1/0", []),
        ("steps/1/0", {"frame": 0}),
        ("steps/1/0", [{"frame": 0, "points": [{"x": 97, "y": 1}]}]),
        ("steps/1/0", [{"frame": 0, "points": [{"x": "NaN", "y": 1}]}]),
        ("steps/1/0", [{"frame": 0, "mask": "/etc/passwd"}]),
        ("steps/1/0", [{"frame": 0, "mask": {"size": [64, 96], "counts": "0"}}]),
        ("steps/1/0", [{"frame": 0, "mask": {"size": [9, 9], "counts": "Q1"}}]),
        ("steps/1/0", [POINT] * (MAX_PROMPTS + 1)),
        ("steps/1/0", [POINT | {"points": [{"x": 1, "y": 1}] * (MAX_POINTS + 1)}]),
        ("range", {"first": 0, "last": NUM_FRAMES}),
        ("range", {"first": 5, "last": 4}),
        ("range", {"first": -1, "last": 4}),
        ("order", {"ids": [1, 2], "last_id": 2}),
        ("order", {"ids": [-1], "last_id": 2}),
        ("order", {"ids": [1] * 51, "last_id": 2}),
        ("order", {"ids": [1], "last_id": 10**30}),
        ("order", 7),
        ("object/1", {"name": "x" * 41, "colour": "#ffffff"}),
        ("object/1", {"name": "x", "colour": "red; background: url(//x)"}),
        ("model", {"model": "m", "device": "CPU"}),
    ],
)
def test_documents_that_do_not_fit_are_refused(
    journal: Journal, state: ProjectState, key: str, document: object
) -> None:
    again(journal)
    journal.put_document(key, json.dumps(document).encode())
    with pytest.raises(ProjectError, match="damaged"):
        again(journal)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_json_is_refused(journal: Journal, state: ProjectState, body: bytes) -> None:
    journal.put_document("steps/1/0", body)
    with pytest.raises(ProjectError, match="damaged"):
        again(journal)


def test_unknown_documents_are_ignored(journal: Journal, state: ProjectState) -> None:
    journal.put_document("stale/1", b"\x00")
    assert list(again(journal).snapshot.objects) == [1]
