"""How many threads decode: fewer for huge frames, of which each takes its memory."""

import os

import pytest

from sam2ov.video import decoder
from sam2ov.video.isolated import MEMORY_BYTES


@pytest.mark.parametrize(
    ("width", "height", "threads"),
    [
        (0, 0, 8),
        (320, 240, 8),
        (3840, 2160, 8),
        (5760, 3240, 5),
        (7680, 4320, 1),
        (65536, 65536, 1),
    ],
)
def test_threads_by_size(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int, threads: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert decoder.num_threads(width * height) == threads
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert decoder.num_threads(width * height) == min(threads, 2)


def test_four_decoders_of_8k_have_room() -> None:
    assert 4 * decoder._DECODER_BYTES < MEMORY_BYTES
