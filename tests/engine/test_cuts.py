"""Scene cuts: found where pictures change as a whole, and what tracking does there."""

from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.engine.cuts import AtCuts, Change, Glance, is_cut
from sam2ov.engine.features import ArrayFrames
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.store.journal import Journal
from sam2ov.video import open_video
from tests.clips import make_scene
from tests.engine.test_bank import CLICK
from tests.fake_model import FakeModel

Frames = npt.NDArray[np.uint8]


def cuts_in(frames: Frames) -> list[int]:
    glances = [Glance.of(frame) for frame in frames]
    changes = [Change.between(a, b) for a, b in pairwise(glances)]
    return [
        number + 1
        for number, change in enumerate(changes)
        if is_cut(change, changes[number - 1] if number else None)
    ]


def test_scenes_end_where_others_begin() -> None:
    scenes = [make_scene(12, (96, 128), seed=seed).frames for seed in (1, 2, 3)]
    assert cuts_in(np.concatenate(scenes)) == [12, 24]


def test_what_moves_and_what_gets_brighter_is_no_cut() -> None:
    scene = make_scene(1, (96, 128), seed=1).frames[0]
    rolled = np.stack([np.roll(scene, 9 * number, axis=1) for number in range(14)])
    assert cuts_in(rolled) == []
    light = np.linspace(0.3, 1.2, 14)[:, None, None, None]
    assert cuts_in(np.clip(scene * light, 0, 255).astype(np.uint8)) == []
    ball = np.repeat(scene[None], 14, axis=0)
    for number, frame in enumerate(ball):
        frame[20:60, 9 * number : 9 * number + 40] = (255, 0, 0)
    assert cuts_in(ball) == []


def test_real_clips(real_data: Path) -> None:
    """No cut within a shot, and one from each shot to the next."""
    shots = []
    for folder in sorted((real_data / "davis2016").iterdir()):
        with open_video(folder / "frames") as reader:
            shots.append(np.stack([reader.read(frame)[::2, ::2] for frame in range(24)]))
    assert len(shots) > 3
    for shot in shots:
        assert cuts_in(shot) == []
    height = min(shot.shape[1] for shot in shots)
    width = min(shot.shape[2] for shot in shots)
    joined = np.concatenate([shot[:, :height, :width] for shot in shots])
    assert cuts_in(joined) == [24 * number for number in range(1, len(shots))]


def clip() -> ArrayFrames:
    """A red square; from frame 8 on another scene without it, which is back on frame 14."""
    frames = np.full((20, 48, 80, 3), 60, np.uint8)
    for number in range(20):
        if number >= 8:
            frames[number] = (20, 200, 90)
            frames[number, 24:] = (230, 220, 40)
        if number < 8 or number >= 14:
            frames[number, 8:40, 8 + number : 40 + number] = (255, 0, 0)
    return ArrayFrames(frames)


def session(
    at_cuts: AtCuts | None, model: FakeModel | None = None, journal: Journal | None = None
) -> VideoSession:
    tracker = Tracker(cast(SAM2Model, model or FakeModel()))
    return VideoSession(tracker, clip(), journal, at_cuts=at_cuts)


def test_a_cut_is_noted_and_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        with session("go-on", journal=journal) as found:
            found.add_points(0, 1, CLICK)
            assert len(list(found.propagate())) == 20
            assert found.cuts[0] == 8
        with session("go-on", journal=journal) as again:
            assert again.cuts == found.cuts
    with session(None) as plain:
        plain.add_points(0, 1, CLICK)
        list(plain.propagate())
        assert plain.cuts == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_tracking_stops_there(reverse: bool) -> None:
    with session("stop") as found:
        found.add_points(7 if reverse else 0, 1, CLICK)
        found.add_points(18 if reverse else 0, 1, CLICK)
        seen = [step.frame_idx for step in found.propagate(18 if reverse else 0, reverse=reverse)]
        assert seen[-1] == (8 if reverse else 7) or seen[-1] == 14
        assert 8 in found.cuts or 14 in found.cuts
        if not reverse:
            assert seen == [*range(8)]
            assert [step.frame_idx for step in found.propagate(8, 3)] == [8, 9, 10, 11], "asked for"


@pytest.mark.parametrize("at_cuts", ["go-on", "search"])
def test_what_was_remembered_before_stays_while_it_is_searched(at_cuts: AtCuts) -> None:
    with session(at_cuts) as found:
        found.add_points(0, 1, CLICK)
        list(found.propagate())
        target = found._objects[1]
        assert target.timeline.lost.tolist() == [
            at_cuts == "search" and 8 <= frame < 14 for frame in range(20)
        ]
        remembered = {slot.frame_idx for slot in target.select(13, reverse=False).spatial}
        if at_cuts == "search":
            assert remembered == {0, 2, 3, 4, 5, 6, 7}
        else:
            assert remembered == {0, 7, 8, 9, 10, 11, 12}
        later = {slot.frame_idx for slot in target.select(17, reverse=False).spatial}
        assert {14, 15, 16} < later


def test_searching_goes_on_where_it_was_left(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        with session("search", journal=journal) as found:
            found.add_points(0, 1, CLICK)
            list(found.propagate(0, 10))
            prompts = found.prompts(1)
        with session("search", journal=journal) as again:
            again.load(1, prompts)
            list(again.propagate(11))
            assert np.flatnonzero(again.timeline(1).lost).tolist() == [*range(8, 14)]
