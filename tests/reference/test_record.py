"""What is recorded is read as it was."""

from pathlib import Path

import numpy as np

from tests.reference.record import (
    Answer,
    Case,
    load_answers,
    load_cases,
    save_answers,
    save_cases,
)


def test_cases(tmp_path: Path) -> None:
    cases = [
        Case("image_encoder", "", {"image": np.arange(3, dtype=np.uint8)}, {}),
        Case("mask_decoder", "B=1", {"a": np.zeros((2, 0))}, {"b": np.ones(1, np.float32)}),
    ]
    save_cases(tmp_path / "cases.npz", cases)
    for found, expected in zip(load_cases(tmp_path / "cases.npz"), cases, strict=True):
        assert (found.network, found.label) == (expected.network, expected.label)
        for side, wanted in ((found.inputs, expected.inputs), (found.expected, expected.expected)):
            assert side.keys() == wanted.keys()
            for name, array in side.items():
                assert array.dtype == wanted[name].dtype
                np.testing.assert_array_equal(array, wanted[name])


def test_answers(tmp_path: Path) -> None:
    logits = np.full((2, 1, 3, 4), 0.5, np.float32)
    save_answers(tmp_path / "a.npz", {"one": [Answer(3, (7, 1), logits)], "none": []})
    found = load_answers(tmp_path / "a.npz")
    assert found["none"] == []
    (answer,) = found["one"]
    assert (answer.frame_idx, answer.obj_ids) == (3, (7, 1))
    np.testing.assert_array_equal(answer.mask_logits, logits)
