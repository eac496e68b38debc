"""EdgeTAM and EfficientTAM: the reference of the rest of the family can be trusted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.reference.families import Recording, record_family

pytestmark = pytest.mark.parity

SCRIPTS = ("correction", "mask_prompt", "second_object", "reverse", "removal", "clearing")

Record = Callable[[str], Recording]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Networks and interactions of a configuration at 256 px, recorded once."""
    recordings: dict[str, Recording] = {}

    def record(config: str) -> Recording:
        if config not in recordings:
            folder: Path = tmp_path_factory.mktemp(config)
            recordings[config] = record_family(
                config, folder, image_size=256, sizes=(0, 1, 2), scripts=SCRIPTS
            )
        return recordings[config]

    return record


@pytest.mark.parametrize("config", ["edgetam", "efficienttam_ti_2"])
def test_the_authors_own_predictor_answers_alike(config: str, record: Record) -> None:
    """With one object, the bookkeeping of sam2 1.1.0 changes nothing."""
    recording = record(config)
    assert recording.own.keys() == {"correction", "mask_prompt"}
    for script, own in recording.own.items():
        for theirs, expected in zip(own, recording.answers[script], strict=True):
            assert (theirs.frame_idx, theirs.obj_ids) == (expected.frame_idx, expected.obj_ids)
            np.testing.assert_array_equal(theirs.mask_logits, expected.mask_logits)


@pytest.mark.parametrize("config", ["edgetam", "efficienttam_ti_2"])
def test_the_scripts_see_occlusion_and_objects(config: str, record: Record) -> None:
    masks = [m for found in record(config).answers.values() for a in found for m in a.mask_logits]
    absent = sum(bool((mask <= -1024).all()) for mask in masks)
    assert 0 < absent < len(masks) / 2
    partial = sum(bool(0.02 < (mask > 0).mean() < 0.98) for mask in masks)
    assert partial >= 0.4 * len(masks)
