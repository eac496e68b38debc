"""Files that chance or malice has changed: right or refused, and never large in memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.convert.archives import archive, entries_of, read_or_refuse, rewritten


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any]]:
    """A small file as torch writes it, and its weights."""
    path = tmp_path_factory.mktemp("sound") / "sound.pt"
    generator = torch.Generator().manual_seed(0)
    state_dict = {
        "image_encoder.trunk.weight": torch.randn(3, 4, generator=generator),
        "half": torch.randn(5, generator=generator).half(),
        "brain": torch.randn(2, 2, generator=generator).bfloat16(),
        "view": torch.randn(4, 4, generator=generator)[1:3].T,
    }
    torch.save({"model": state_dict, "epoch": 3, "optimizer": {0: torch.zeros(9)}}, path)
    return path.read_bytes(), {key: value.float().numpy() for key, value in state_dict.items()}


_QUICK = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.floats(0, 1), st.integers(1, 64)),
        st.tuples(st.just("repeat"), st.floats(0, 1), st.integers(1, 64)),
        st.tuples(st.just("fill"), st.floats(0, 1), st.integers(1, 16)),
    ),
    min_size=1,
    max_size=4,
)


def mutated(content: bytes, edits: list[tuple[str, float, int]]) -> bytes:
    for kind, where, size in edits:
        if not content:
            break
        place = min(int(where * len(content)), len(content) - 1)
        before, part, after = (
            content[:place],
            content[place : place + size],
            content[place + size :],
        )
        if kind == "flip":
            content = before + bytes([content[place] ^ 1 << size]) + content[place + 1 :]
        elif kind == "cut":
            content = before + after
        elif kind == "repeat":
            content = before + part + part + after
        else:
            content = before + b"\xff" * len(part) + after
    return content


@_QUICK
@given(edits=_EDITS)
def test_a_mutated_file_is_right_or_refused(
    tmp_path: Path, sound: tuple[bytes, dict[str, Any]], edits: list[tuple[str, float, int]]
) -> None:
    content, expected = sound
    found = read_or_refuse(mutated(content, edits), tmp_path)
    if found is not None:
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], values) for key, values in expected.items())


@_QUICK
@given(edits=_EDITS)
def test_a_mutated_pickle_with_the_right_checksum_reads_or_is_refused(
    tmp_path: Path, sound: tuple[bytes, dict[str, Any]], edits: list[tuple[str, float, int]]
) -> None:
    content, _ = sound
    (tmp_path / "sound.pt").write_bytes(content)
    entries = entries_of(tmp_path / "sound.pt")
    entries["sound/data.pkl"] = mutated(entries["sound/data.pkl"], edits)
    found = read_or_refuse(rewritten(entries), tmp_path)
    assert found is None or sum(values.size for values in found.values()) <= len(content)


_MEASURE = """
import resource, sys
from pathlib import Path
from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        for key, values in read_checkpoint(Path(path)).tensors.items():
            del values
    except CheckpointError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak)
"""


def growth_mb(*paths: Path) -> tuple[float, list[str]]:
    """By how much reading files raises a process's peak memory, and the errors that they give."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    *said, kilobytes = done.stdout.splitlines()
    return int(kilobytes) / 1024, said


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read in Linux's units")
def test_only_one_tensor_is_in_memory_at_a_time(tmp_path: Path) -> None:
    state_dict = {f"w{index}": torch.randn(1 << 21) for index in range(12)}  # 8 MB each
    torch.save({"model": state_dict}, tmp_path / "large.pt")
    grown, said = growth_mb(tmp_path / "large.pt")
    assert said == []
    assert grown < 24


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read in Linux's units")
def test_pickles_that_ask_for_much_get_little(tmp_path: Path) -> None:
    bombs = {
        b"\x80\x02" + b"}" * 8_000_000 + b".": "more than 1,000,000 instructions",
        b"\x80\x02" + b"(" * 8_000_000 + b".": "more than 1,000,000 instructions",
        b"\x80\x02" + b"]" * 400_000 + b"a" * 399_999 + b".": "found list",
        b"\x80\x02)" + b"\x85" * 900_000 + b".": "found tuple",
        b"\x80\x02})" + b"\x85" * 900_000 + b"Ns.": "found an empty dict",
        b"\x80\x02]r\xff\xff\xff\x7f.": "found list",
        bytes(17 << 20): "data.pkl has 17,825,792 bytes",
    }
    paths = [tmp_path / f"{index}.pt" for index in range(len(bombs))]
    for path, bomb in zip(paths, bombs, strict=True):
        path.write_bytes(archive(bomb))
    grown, said = growth_mb(*paths)
    for expected, message in zip(bombs.values(), said, strict=True):
        assert expected in message
    assert grown < 150
