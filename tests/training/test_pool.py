import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from training.pool import ClipShape, Pool

SECONDS = 100


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(None, ClipShape(frames=3, size=64, capacity=4), workers=1, seed=0)
    made.start(torch.device("cpu"))
    yield made
    made.close()


def wait_for(pool: Pool, drawn: int) -> None:
    deadline = time.monotonic() + SECONDS
    while pool.drawn < drawn:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_clips_come_from_a_process_and_are_shown(pool: Pool) -> None:
    wait_for(pool, 2)
    batch = pool.draw(np.random.default_rng(0), 5, 2, 3, 32)
    assert batch.frames.shape == (5, 2, 3, 32, 32)
    assert batch.masks.shape == (5, 3, 2, 32, 32)
    assert batch.masks[:, :, 0].flatten(2).any(2).all(), "all objects are seen on the first frame"
    assert torch.isfinite(batch.frames).all()


def test_old_clips_stay_until_new_ones_are_asked_for(pool: Pool) -> None:
    wait_for(pool, 4)
    assert pool.filled == 4
    kept = pool.clips.clone()
    time.sleep(0.5)
    assert pool.drawn == 4
    assert torch.equal(pool.clips, kept)
    pool.refresh(1)
    wait_for(pool, 5)
    assert pool.filled == 4
    assert not torch.equal(pool.clips[0], kept[0])
    assert torch.equal(pool.clips[1:], kept[1:])
