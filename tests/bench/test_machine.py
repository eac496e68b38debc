"""Facts of the machine."""

import sys

import numpy as np
import pytest

from sam2ov.bench.machine import (
    forget_peak_memory,
    load_average,
    machine_facts,
    peak_memory_bytes,
)


def test_facts() -> None:
    facts = machine_facts()
    assert facts.processor
    assert facts.cores >= 1
    assert facts.openvino[:2] == "20"
    assert facts.memory_bytes is None or facts.memory_bytes > 1 << 28
    assert (load_average() is None) == (sys.platform == "win32")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_counts_what_was_given_back() -> None:
    forget_peak_memory()
    before = peak_memory_bytes()
    np.ones(1 << 25).sum()  # 256 MiB
    after = peak_memory_bytes()
    assert before is not None
    assert after is not None
    assert after - before > 200 << 20
