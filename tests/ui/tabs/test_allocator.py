import gc
import sys
from pathlib import Path

import pytest

from sam2ov.ui.tabs.allocator import leave_out_what_stays, release_memory

_PIECES = 30_000
_SIZE = 4000  # below the size from which glibc maps each piece by itself


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc keeps memory")
def test_freed_memory_goes_back_to_the_system() -> None:
    pieces = [bytearray(_SIZE) for _ in range(_PIECES)]
    last = bytearray(_SIZE)  # at the end of the heap: without asking, all before it stays
    held = _resident_mb()
    del pieces
    release_memory()
    assert len(last) == _SIZE
    assert _resident_mb() < held - 0.5 * _PIECES * _SIZE / 2**20


def test_what_is_there_at_the_start_is_not_looked_through_again() -> None:
    gc.unfreeze()
    try:
        leave_out_what_stays()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < gc.get_freeze_count()
    finally:
        gc.unfreeze()
