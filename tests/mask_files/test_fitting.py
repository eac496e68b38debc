"""Prompts of another clip: scaled, cut at the end, and said so."""

import numpy as np
import pytest

from sam2ov.errors import PromptError
from sam2ov.mask_files.fitting import fitted
from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    VideoFacts,
    fitting_prompts,
    from_prompt,
)
from sam2ov.values.prompts import MaskPrompt, PointPrompt

SIZE_HW = (180, 320)


def file_of(*entries: FramePrompt, facts: VideoFacts | None = None) -> PromptFile:
    return PromptFile(video=facts, objects=(ObjectPrompts(id=1, name="Ball", prompts=entries),))


FACTS = VideoFacts(file="other.mp4", num_frames=50, width=640, height=720)


def test_points_and_boxes_are_scaled_and_what_is_behind_the_end_is_left_out() -> None:
    click = FramePrompt(frame=3, points=(Point(x=320, y=360, label=0),), box=(0, 0, 640, 720))
    late = FramePrompt(frame=40, points=(Point(x=1, y=1),))
    known = fitted(file_of(click, late, facts=FACTS), "mine.mp4", 20, SIZE_HW)
    prompt = fitting_prompts(known.prompts, 20, SIZE_HW)[1][3]
    assert isinstance(prompt, PointPrompt)
    np.testing.assert_allclose(prompt.points_xy_video, [[0, 0], [320, 180], [160, 90]])
    assert [entry.frame for entry in known.prompts.objects[0].prompts] == [3]
    assert known.note == (
        "The prompts were made for other.mp4 and are fitted to mine.mp4, scaled to 320×180; 1 "
        "behind its end are left out. Look at them before you track."
    )


def test_masks_are_scaled_also_where_the_file_does_not_say_what_it_is_for() -> None:
    mask = np.zeros((90, 160), np.bool_)
    mask[30:60, 40:80] = True
    known = fitted(file_of(from_prompt(0, MaskPrompt.of(mask))), "mine.mp4", 20, SIZE_HW)
    prompt = fitting_prompts(known.prompts, 20, SIZE_HW)[1][0]
    assert isinstance(prompt, MaskPrompt)
    expected = np.kron(mask, np.ones((2, 2), np.bool_))
    assert (prompt.mask ^ expected).sum() <= 4, "but for corners"
    assert "another clip" in known.note


def test_what_fits_stays_as_it_is() -> None:
    facts = FACTS.model_copy(update={"width": 320, "height": 180, "num_frames": 20})
    prompts = file_of(FramePrompt(frame=3, points=(Point(x=1, y=1),)), facts=facts)
    known = fitted(prompts, "mine.mp4", 20, SIZE_HW)
    assert known.prompts == prompts
    assert known.note == ""


def test_nothing_but_what_is_behind_the_end_is_an_error() -> None:
    late = FramePrompt(frame=40, points=(Point(x=1, y=1),))
    with pytest.raises(PromptError, match="behind the end of mine"):
        fitted(file_of(late, facts=FACTS), "mine.mp4", 20, SIZE_HW)
