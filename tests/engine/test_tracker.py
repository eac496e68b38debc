"""One frame step: which candidate answers, what is remembered, how absence is handled."""

from typing import cast

import numpy as np
import pytest

from sam2ov.engine.model import DecodedMasks, ImageFeatures, PromptEmbeddings, SAM2Model
from sam2ov.engine.tracker import BankContents, Tracker, choose_tokens
from sam2ov.store.results import FrameResult
from sam2ov.values.masks import FloatArray
from sam2ov.values.prompts import MaskPrompt, make_point_prompt
from tests.fake_model import SIZE, FakeModel, make_manifest

STABLE, UNSTABLE = 10.0, 0.01


def decoded(single: float, ious: list[float], score: float = 5.0) -> DecodedMasks:
    """Four candidates filled with their token's number; token 0 with a blob of ``single``."""
    logits = np.empty((1, 4, 16, 16), np.float32)
    for token in range(4):
        logits[0, token] = token
    logits[0, 0] = -10
    logits[0, 0, 4:12, 4:12] = single
    pointers = np.arange(4, dtype=np.float32)[None, :, None] * np.ones((1, 4, 8), np.float32)
    return DecodedMasks(
        logits, np.array([ious], np.float32), pointers, np.array([score], np.float32)
    )


class Listening(FakeModel):
    """Keeps the masks that are to be remembered."""

    def encode_memory(
        self,
        features: ImageFeatures,
        mask_logits: FloatArray,
        binarize: FloatArray,
        object_score: FloatArray,
    ) -> FloatArray:
        self.remembered = mask_logits
        return super().encode_memory(features, mask_logits, binarize, object_score)


class Scripted(FakeModel):
    """Answers with given candidates."""

    answer: DecodedMasks

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        return self.answer


def make_tracker(answer: DecodedMasks, **switches: object) -> tuple[Tracker, ImageFeatures]:
    model = Scripted(make_manifest(**switches))
    model.answer = answer
    tracker = Tracker(cast(SAM2Model, model), fill_hole_area=0)
    return tracker, model.encode_image(np.zeros((SIZE, SIZE, 3), np.uint8))


def bank() -> BankContents:
    zeros = np.zeros
    return BankContents(
        zeros((1, 16, 4), np.float32), zeros((1, 4), np.float32),
        zeros((1, 8), np.float32), zeros((1, 4), np.float32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("single", "multimask", "expected"),
    [(STABLE, True, 2), (UNSTABLE, True, 2), (STABLE, False, 0), (UNSTABLE, False, 2)],
)
def test_choice_among_candidates(single: float, multimask: bool, expected: int) -> None:
    answer = decoded(single, [0.99, 0.2, 0.7, 0.5])
    assert choose_tokens(answer, make_manifest(), multimask=multimask) == [expected]


def test_without_dynamic_multimask_the_single_mask_answers() -> None:
    answer = decoded(UNSTABLE, [0.1, 0.2, 0.7, 0.5])
    manifest = make_manifest(dynamic_multimask=False)
    assert choose_tokens(answer, manifest, multimask=False) == [0]


@pytest.mark.parametrize(("clicks", "token", "pointer"), [(1, 3, 3.0), (2, 3, 0.0), (3, 3, 0.0)])
def test_one_click_is_ambiguous_and_more_are_not(clicks: int, token: int, pointer: float) -> None:
    tracker, features = make_tracker(decoded(UNSTABLE, [0.9, 0.1, 0.2, 0.8]))
    prompt = make_point_prompt([[5, 5]] * clicks, [1] * clicks, None, (SIZE, SIZE))
    result = tracker.segment_points(features, prompt, (SIZE, SIZE), feedback=None, attended=None)
    assert result.mask_logits[0, 0] == token
    assert (result.pointer == pointer).all(), "the single mask's pointer when it was asked for"
    assert result.iou == pytest.approx(0.8)
    assert result.prompted


def test_tracking_takes_the_best_candidate_and_its_pointer() -> None:
    tracker, features = make_tracker(decoded(STABLE, [0.9, 0.1, 0.6, 0.2]))
    result = tracker.track(features, [bank()])[0].result
    assert result.mask_logits[0, 0] == 2
    assert (result.pointer == 2).all()
    assert not result.prompted


def test_a_step_tells_of_all_candidates() -> None:
    tracker, features = make_tracker(decoded(STABLE, [0.9, 0.1, 0.6, 0.2], score=3.0))
    (found,) = tracker.track(features, [bank()])
    candidates = found.candidates
    assert [logits[0, 0] for logits in candidates.mask_logits] == [-10, 1, 2, 3]
    assert candidates.ious.tolist() == pytest.approx([0.9, 0.1, 0.6, 0.2])
    assert (candidates.object_score, candidates.chosen) == (3.0, 2)


def test_absence_blanks_mask_and_pointer() -> None:
    tracker, features = make_tracker(decoded(STABLE, [0.9, 0.1, 0.6, 0.2], score=0.0))
    result = tracker.track(features, [bank()])[0].result
    assert (result.mask_logits == -1024).all()
    assert (result.pointer == -1).all()
    soft, features = make_tracker(
        decoded(STABLE, [0.9, 0.1, 0.6, 0.2], score=-1.0), fixed_no_obj_ptr=False
    )
    assert (soft.track(features, [bank()])[0].result.pointer == 2 - 1).all()


def test_a_mask_prompt_is_its_own_answer() -> None:
    tracker, features = make_tracker(decoded(STABLE, [0.1, 0.2, 0.3, 0.4]))
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[16:48, 16:48] = True
    result = tracker.segment_mask(features, MaskPrompt.of(mask))
    assert ((result.mask_logits > 0) == mask[2::4, 2::4]).all()
    assert (result.object_score, result.iou) == (10.0, 1.0)
    assert (result.pointer == 0).all()


def test_an_empty_mask_prompt_says_that_the_object_is_absent() -> None:
    tracker, features = make_tracker(decoded(STABLE, [0.1, 0.2, 0.3, 0.4]))
    result = tracker.segment_mask(features, MaskPrompt.of(np.zeros((SIZE, SIZE), np.bool_)))
    assert (result.mask_logits == -10).all()
    assert result.object_score == -10
    assert (result.pointer == -1).all()


def test_prompted_frames_are_remembered_with_their_holes_filled() -> None:
    model = Listening()
    tracker = Tracker(cast(SAM2Model, model), fill_hole_area=8)
    features = model.encode_image(np.zeros((SIZE, SIZE, 3), np.uint8))
    holed = np.full((16, 16), 5.0, np.float32)
    holed[8, 8] = -5
    results = [
        FrameResult(holed, np.zeros(8, np.float32), 1.0, 1.0, prompted)
        for prompted in (True, False)
    ]
    tracker.remember(features, results)
    assert model.remembered[0, 8, 8] > 0
    assert model.remembered[1, 8, 8] == -5
    assert model.binarized == [1.0, 0.0]
