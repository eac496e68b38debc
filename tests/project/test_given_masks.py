"""A mask on every frame of a long clip: what it costs to have them, and to undo beside them."""

import json
import subprocess
import sys

import pytest

NUM_MASKS = 2000


@pytest.mark.slow
def test_many_masks_take_little_memory() -> None:
    command = [sys.executable, "-m", "tests.project.given_masks", "--masks", str(NUM_MASKS)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    print(found)  # how long undo took, too: nothing here depends on it
    assert found["masks"] == NUM_MASKS
    assert found["rise_mb"] < 100, found
    assert found["decoded_masks"] + found["decoded_results"] <= 4, found
