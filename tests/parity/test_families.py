"""EdgeTAM and EfficientTAM: the reference of the rest of the family can be trusted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sam2ov.bench.model import Weights
from sam2ov.bench.torch_side import TorchBaseline
from tests.reference.clip import make_clip
from tests.reference.families import Recording, interpreter, record_family

pytestmark = pytest.mark.parity

SCRIPTS = ("correction", "two_objects", "reverse", "removal")

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
    """Where objects share their prompted frames, the bookkeeping of sam2 1.1.0 changes nothing."""
    recording = record(config)
    assert recording.own.keys() == {"correction", "two_objects"}
    for script, own in recording.own.items():
        for theirs, expected in zip(own, recording.answers[script], strict=True):
            assert (theirs.frame_idx, theirs.obj_ids) == (expected.frame_idx, expected.obj_ids)
            # It computes all objects in one batch, which reorders sums.
            np.testing.assert_allclose(theirs.mask_logits, expected.mask_logits, atol=1e-2)


@pytest.mark.parametrize("config", ["edgetam", "efficienttam_ti_2"])
def test_the_scripts_see_occlusion_and_objects(config: str, record: Record) -> None:
    masks = [m for found in record(config).answers.values() for a in found for m in a.mask_logits]
    absent = sum(bool((mask <= -1024).all()) for mask in masks)
    assert 0 < absent < len(masks) / 2
    partial = sum(bool(0.02 < (mask > 0).mean() < 0.98) for mask in masks)
    assert partial >= 0.4 * len(masks)


@pytest.mark.parametrize("config", ["edgetam", "efficienttam_ti_2"])
def test_the_benchmark_runs_it_in_its_environment(
    config: str, record: Record, tmp_path: Path
) -> None:
    np.save(tmp_path / "frames.npy", make_clip(3, 120, 160, seed=3))
    weights = Weights(record(config).checkpoint, config)
    with TorchBaseline("f32", weights, 256, 1, tmp_path, interpreter(config)) as baseline:
        baseline.open([(20, 20, 80, 80), (90, 50, 140, 110)])
        done = baseline.track(3)
    masks = np.unpackbits(done.masks, axis=-1, count=160)
    assert masks.shape == (3, 2, 120, 160)
    assert all(0.02 < mask.mean() < 0.98 for mask in masks[0])
