"""Run-length encoded masks, compared with COCO's own code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import (
    Rle,
    decode_rle,
    encode_box_rle,
    encode_rle,
    is_empty,
    pack_counts,
    unpack_counts,
)

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def masks(draw: st.DrawFn) -> BoolArray:
    size = draw(SIZES)
    seed, share = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0, 0.02, 0.5, 0.98, 1]))
    drawn: BoolArray = np.random.default_rng(seed).random(size) < share
    return drawn


@given(masks())
def test_text_is_that_of_coco(mask: BoolArray) -> None:
    rle = encode_rle(mask)
    theirs = coco.encode(np.asfortranarray(mask, np.uint8))
    assert rle.counts.encode() == theirs["counts"]
    assert list(rle.size_hw) == theirs["size"]
    np.testing.assert_array_equal(decode_rle(rle), mask)


def test_long_runs_are_those_of_coco() -> None:
    mask = np.zeros((2160, 3840), np.bool_)
    mask[1000:1100, 3000:] = True
    mask[:, 1] = True
    rle = encode_rle(mask)
    assert rle.counts.encode() == coco.encode(np.asfortranarray(mask, np.uint8))["counts"]
    np.testing.assert_array_equal(decode_rle(rle), mask)


@given(st.text(st.characters(max_codepoint=130), max_size=30), SIZES)
def test_any_text_decodes_to_the_size_or_is_rejected(counts: str, size_hw: tuple[int, int]) -> None:
    try:
        decoded = decode_rle(Rle(size_hw, counts))
    except PromptError:
        return
    assert decoded.shape == size_hw


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("", "counts describe 0"),
        ("5", "must describe 16 pixels, its counts describe 5"),
        ("0PPPP", "in the middle of a number"),
        ("~", "malformed near '~'"),
        ("5 5", "malformed near ' '"),
        ("5\ud800", "malformed near"),
        ("5\U0001f600", "malformed near"),
        ("o" * 14, "in the middle of a number"),
        ("oooooo?" * 9, "must describe 16 pixels, has a run of"),
        ("ooooooo0", "too long for a mask"),
        ("5O<", "must describe 16 pixels"),
        ("a0", "must describe 16 pixels, has a run of 17"),
    ],
)
def test_malformed_counts_are_rejected(counts: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        decode_rle(Rle((4, 4), counts))


@given(st.lists(st.integers(0, 2**31 - 1), max_size=12))
def test_run_lengths_come_back(runs: list[int]) -> None:
    assert unpack_counts(pack_counts(np.array(runs, np.int64))).tolist() == runs


def test_empty_masks_are_told() -> None:
    mask = np.zeros((4, 6), np.bool_)
    assert is_empty(encode_rle(mask))
    mask[3, 5] = True
    assert not is_empty(encode_rle(mask))


def test_negative_runs_are_rejected() -> None:
    assert unpack_counts("0O").tolist() == [0, -1]
    with pytest.raises(PromptError, match="must describe"):
        decode_rle(Rle((1, 1), "2O"))


@given(masks(), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_a_rectangle_of_a_mask_is_encoded_like_all_of_it(
    part: BoolArray, left: int, top: int, right: int, bottom: int
) -> None:
    mask = np.pad(part, ((top, bottom), (left, right)))
    assert encode_box_rle(part, (left, top), mask.shape) == encode_rle(mask)
