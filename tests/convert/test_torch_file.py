"""What comes in a ``.pt``: never anything but its weights or one clear line."""

import argparse
import io
import os
import pickle
import sys
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from convert.checkpoint import read_checkpoint
from sam2ov.errors import CheckpointError
from tests.convert.archives import (
    Entry,
    archive,
    name,
    number,
    read_all,
    tensor,
    text,
    weights,
    zip_of,
)

DAMAGED = "truncated, damaged, or no checkpoint"
GOOD = weights(w=tensor())


def refusal(content: bytes, folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_all(content, folder)
    message = str(caught.value)
    assert message.isprintable(), message
    assert len(message) < 1000
    return message


class _AttributeDict(dict[str, object]):
    """Stands for Lightning's, which is a dictionary too."""


_AttributeDict.__module__ = "pytorch_lightning.utilities.parsing"
_AttributeDict.__qualname__ = _AttributeDict.__name__ = "AttributeDict"


class _Payload:
    """What a malicious checkpoint holds: unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


def test_code_in_a_checkpoint_does_not_run_and_is_named(tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    torch.save({"model": {"weight": _Payload(proof)}}, tmp_path / "new.pt")
    with pytest.raises(CheckpointError, match=rf"refused: .* {os.mkdir.__module__}\.mkdir,"):
        read_checkpoint(tmp_path / "new.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(_Payload(proof), protocol=2))
    with pytest.raises(CheckpointError, match=r"a bare pickle, as torch wrote before version 1\.6"):
        read_checkpoint(tmp_path / "bare.pt")
    assert not proof.exists()
    pickle.loads((tmp_path / "bare.pt").read_bytes())
    assert proof.exists(), "the payload is harmless, so this test proves nothing"


def test_every_refused_name_is_named(tmp_path: Path) -> None:
    names = [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "ComplexFloatStorage"),
        ("a", "\x1b[31m"),
    ]
    asked = b"(" + b"".join(name(*one) for one in names) + b"t"
    message = refusal(archive(weights(w=tensor(), x=asked)), tmp_path)
    assert "a.\\x1b[31m, builtins.eval, os.system, torch.ComplexFloatStorage, which" in message
    many = b"(" + b"".join(name("m", f"f{index:03}") for index in range(500)) + b"t"
    assert "m.f004 and 495 more" in refusal(archive(weights(w=tensor(), x=many)), tmp_path)


def test_what_a_training_checkpoint_holds_beside_weights_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _AttributeDict.__module__
    for part in ("pytorch_lightning", "pytorch_lightning.utilities", module):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    monkeypatch.setattr(sys.modules[module], "AttributeDict", _AttributeDict, raising=False)
    path = tmp_path / "training.pt"
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save(
        {
            "model": layer.state_dict(),
            "optimizer": {**optimizer.state_dict(), "moments": torch.zeros(1_000_000)},
            "epoch": 3,
            "steps": {"train": 10, "val": 1},
            "best_meter_values": {"J&F": np.float64(0.5)},
            "loss": {},
            "time_elapsed": 1.5,
            "seen": {1, 2},
            "scores": np.zeros(3),
            "dtype": torch.bfloat16,
            "device": torch.device("cpu"),
            "shape": torch.Size([2]),
            "raw": b"abc",
            "long": 1 << 70,
            "args": argparse.Namespace(lr=1e-4, out=Path("runs")),
            "counts": defaultdict(int, a=1),
            "begun": datetime(2025, 1, 2, tzinfo=UTC),
            "hyper_parameters": _AttributeDict(lr=1e-4),
        },
        path,
    )
    read = read_checkpoint(path)
    assert {key: tensor.shape for key, tensor in read.tensors.items()} == dict(read.shapes)
    assert read.shapes == {"weight": (2, 3), "bias": (2,)}
    assert len(read.notes) == 1
    assert "Left aside, because only weights are needed: optimizer (4 MB), epoch" in read.notes[0]
    assert "and 12 more" in read.notes[0]


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.5, 0.99, 0.999])
def test_truncated(tmp_path: Path, kept: float) -> None:
    torch.save({"model": {"w": torch.randn(1000)}}, tmp_path / "whole.pt")
    content = (tmp_path / "whole.pt").read_bytes()
    assert DAMAGED in refusal(content[: int(kept * len(content))], tmp_path)


def test_a_changed_number_is_noticed(tmp_path: Path) -> None:
    values = torch.arange(1000.0)
    torch.save({"model": {"w": values, "part": values[10:20]}}, tmp_path / "whole.pt")
    content = bytearray((tmp_path / "whole.pt").read_bytes())
    place = content.index(values.numpy().tobytes())
    content[place + 2000] ^= 1
    (tmp_path / "changed.pt").write_bytes(content)
    tensors = read_checkpoint(tmp_path / "changed.pt").tensors
    for key in ("w", "part"):
        with pytest.raises(CheckpointError, match="does not match its checksum"):
            tensors[key]


def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    options = torch.serialization.get_crc32_options()
    try:
        torch.serialization.set_crc32_options(False)
        torch.save({"model": {"w": torch.ones(3)}}, tmp_path / "fast.pt")
    finally:
        torch.serialization.set_crc32_options(options)
    assert read_checkpoint(tmp_path / "fast.pt").tensors["w"].tolist() == [1, 1, 1]


def test_a_file_that_is_replaced_while_it_is_read(tmp_path: Path) -> None:
    torch.save({"model": {"w": torch.ones(3)}}, tmp_path / "a.pt")
    tensors = read_checkpoint(tmp_path / "a.pt").tensors
    torch.save({"model": {"w": torch.ones(300)}}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="was changed while it was read"):
        tensors["w"]
    (tmp_path / "a.pt").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        tensors["w"]


def test_old_formats_say_how_to_save_again(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    message = refusal((tmp_path / "old.pt").read_bytes(), tmp_path)
    assert "weights_only=True), new_path)" in message
    tar = bytes(257) + b"ustar" + bytes(1000)
    assert "it is a tar" in refusal(tar, tmp_path)


def test_a_parameter_with_attributes_is_a_tensor(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.rate = 0.1  # type: ignore[attr-defined]
    torch.save({"model": {"w": parameter}}, tmp_path / "a.pt")
    assert read_checkpoint(tmp_path / "a.pt").tensors["w"].tolist() == [1, 1, 1]


def test_a_program_is_no_checkpoint(tmp_path: Path) -> None:
    program = archive(GOOD, Entry("a/constants.pkl", b"\x80\x02)."))
    assert "a program (TorchScript)" in refusal(program, tmp_path)
    assert "none that torch.save wrote" in refusal(zip_of([Entry("x.txt", b"x")]), tmp_path)
    assert "none that torch.save wrote" in refusal(zip_of([Entry("a/b/data.pkl", b"x")]), tmp_path)


def test_the_order_of_bytes(tmp_path: Path) -> None:
    assert list(read_all(archive(GOOD, Entry("a/byteorder", b"little")), tmp_path)) == ["w"]
    assert "another byte order" in refusal(archive(GOOD, Entry("a/byteorder", b"big")), tmp_path)


def test_the_crafted_archive_is_right_where_nothing_is_wrong(tmp_path: Path) -> None:
    values = np.arange(4, dtype=np.float32)
    assert np.array_equal(read_all(archive(GOOD, storage=values.tobytes()), tmp_path)["w"], values)
    (tmp_path / "b.pt").write_bytes(archive(GOOD, Entry("a/version", b"3\n")))
    assert torch.load(tmp_path / "b.pt", weights_only=True)["model"]["w"].tolist() == [0] * 4


PICKLE = Entry("a/data.pkl", GOOD)
STORAGE = Entry("a/data/0", bytes(16))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), flags=1)]), "encrypted entries"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), method=8)]), "compressed entries"),
        (zip_of([PICKLE, STORAGE, STORAGE]), "two entries of the name 'a/data/0'"),
        (zip_of([PICKLE, STORAGE, Entry("a/../../x", b"")]), r"of the name 'a/\.\./\.\./x'"),
        (zip_of([PICKLE, STORAGE, Entry("/etc/x", b"")]), "of the name '/etc/x'"),
        (zip_of([PICKLE, STORAGE], count=0xFFFF), "a zip64 of more than 4 GB"),
        (zip_of([PICKLE, STORAGE], directory_size=17 << 20), "a directory of 17,825,792 bytes"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), size=0xFFFFFFFF)]), "zip64 entries"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), size=0xFFFFFFF0)]), "is not what"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), offset=0)]), "is not where"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), offset=1 << 31)]), "that it does not have"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), local_name="a/data/1")]), "is not where"),
        (zip_of([PICKLE, STORAGE], count=3), "its directory ends early"),
        (zip_of([PICKLE, STORAGE], count=1), "its directory is longer"),
        (zip_of([PICKLE, STORAGE], comment=b"zip"), "its end is missing"),
        (zip_of([PICKLE, Entry("a/data/0", bytes(16), crc=1)]), "does not match its checksum"),
        (zip_of([Entry("a/data.pkl", GOOD, crc=1), STORAGE]), "does not match its checksum"),
        (zip_of([PICKLE]), "storage '0' is missing"),
        (archive(GOOD, storage=bytes(12)), "of another size than said"),
        (b"PK\x03\x04", "it ends early"),
    ],
)
def test_zips_that_torch_does_not_write(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        read_all(content, tmp_path)


def test_entries_that_overlap(tmp_path: Path) -> None:
    inner = zip_of([STORAGE])[: 30 + len("a/data/0") + 16]  # with its header, within another
    outer = Entry("a/other", inner)
    start = len(zip_of([PICKLE])) - len(zip_of([])) - 46 - len("a/data.pkl")
    overlapping = Entry("a/data/0", bytes(16), offset=start + 30 + len("a/other"))
    message = refusal(zip_of([PICKLE, outer, overlapping]), tmp_path)
    assert "entries that overlap" in message


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_compressed_copy(tmp_path: Path, compression: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as copy:
        copy.writestr("a/data.pkl", GOOD)
        copy.writestr("a/data/0", bytes(16))
    assert "compressed entries, which torch.save does not write" in refusal(
        buffer.getvalue(), tmp_path
    )


BIG = 1 << 62


@pytest.mark.parametrize(
    "crafted",
    [
        tensor(shape=(5,)),
        tensor(shape=(4,), offset=1),
        tensor(shape=(2,), strides=(4,)),
        tensor(shape=(2, 2), strides=(1,)),
        tensor(shape=(BIG,), strides=(0,)),
        tensor(shape=(BIG, BIG), strides=(0, 0)),
        tensor(shape=(4,), strides=(BIG,)),
        tensor(shape=(0,), offset=BIG),
        tensor(shape=(1,) * 17, strides=(0,) * 17),
        tensor(shape=(1,) * 5000, strides=(0,) * 5000),
        tensor(shape=(-1,)),
        tensor(strides=(-1,)),
        tensor(offset=-1),
        tensor(count=-4),
        tensor(count=BIG),
        tensor(storage="../../data/0"),
    ],
)
def test_tensors_that_reach_outside_of_their_storage(tmp_path: Path, crafted: bytes) -> None:
    assert DAMAGED in refusal(archive(weights(w=crafted)), tmp_path)


def test_tensors_that_claim_more_numbers_than_there_are_bytes(tmp_path: Path) -> None:
    expanded = archive(weights(w=tensor(shape=(30, 30), strides=(0, 0))))
    assert "claim more numbers than its files have bytes" in refusal(expanded, tmp_path)
    aliases = {f"w{index}": tensor(shape=(1000,), count=1000) for index in range(20)}
    content = archive(weights(**aliases), storage=bytes(4000))
    assert "claim more numbers" in refusal(content, tmp_path)
    # Within that, what torch saves of tied and expanded weights is right.
    shared = torch.arange(6.0)
    tied = {"a": shared, "b": shared[2:], "c": shared[:1].expand(2, 3), "d": shared.view(2, 3).T}
    torch.save(tied, tmp_path / "tied.pt")
    found = read_checkpoint(tmp_path / "tied.pt").tensors
    assert all(np.array_equal(found[key], value.numpy()) for key, value in tied.items())


@pytest.mark.parametrize(
    "crafted",
    [
        b"",
        b"\x80\x04}.",
        b"\x80\x02",
        b"\x80\x02.",
        b"\x80\x02u.",
        b"\x80\x02}N(N" + b"u.",
        b"\x80\x02}]s.",
        b"\x80\x02h\x07.",
        b"\x80\x02j\xff\xff\xff\xff.",
        b"\x80\x02X\xff\xff\xff\xffab.",
        b"\x80\x02X\x02\x00\x00\x00\xff\xff.",
        b"\x80\x02\x8a\xff.",
        b"\x80\x02c" + b"x" * 5000 + b"\ny\n.",
        b"\x80\x02ccollections\n",
        b"\x80\x02" + name("torch._utils", "_rebuild_tensor_v2") + b")R.",
        b"\x80\x02" + name("torch._utils", "_rebuild_tensor_v2") + name("a", "b") + b"R.",
        b"\x80\x02" + name("collections", "OrderedDict") + b"}R.",
        b"\x80\x02}}R.",
        b"\x80\x02NQ.",
        b"\x80\x02(" + text("storage") + text("x") + text("0") + text("cpu") + number(1) + b"tQ.",
        b"\x80\x02" + text("abcde") + b"Q.",
        b"\x80\x02N}b.",
        b"\x80\x02I1\n.",
        b"\x80\x02B\xff\xff\xff\x7f.",
        b"\x80\x02\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02ios\nsystem\n.",
        b"\x80\x02(cos\nsystem\no.",
    ],
)
def test_malformed_pickles(tmp_path: Path, crafted: bytes) -> None:
    assert DAMAGED in refusal(archive(crafted), tmp_path)


@pytest.mark.parametrize(
    ("crafted", "found"),
    [
        (b"\x80\x02N.", "found NoneType"),
        (b"\x80\x02].", "found list"),
        (b"\x80\x02" + tensor() + b".", "found a tensor"),
        (b"\x80\x02" + name("torch", "Size") + b")R.", "found an object of another kind"),
        (b"\x80\x02}.", "found an empty dict"),
        (b"\x80\x02}" + text("model") + b"}s.", "found a dict with model"),
        (b"\x80\x02}" + text("a\nb\x1b\ud800") + b"Ns.", r"found a dict with a\\nb\\x1b\\ud800\."),
        (b"\x80\x02}" + tensor() + b"Ns.", "found an empty dict"),
        (b"\x80\x02" + b"]" * 9 + b"a" * 8 + b".", "found list"),
        (b"\x80\x02]q\x00h\x00a.", "found list"),
        (b"\x80\x02}" + text("x") + b"]q\x00h\x00as.", "found a dict with x"),
    ],
)
def test_content_that_is_no_weights(tmp_path: Path, crafted: bytes, found: str) -> None:
    with pytest.raises(CheckpointError, match=f"holds no weights: .*{found}"):
        read_all(archive(crafted), tmp_path)
