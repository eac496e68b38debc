"""Lines of JSON for programs, and what programs say in return."""

import errno
import io
import json
import socket
import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from sam2ov.engine.model import SAM2Model
from sam2ov.errors import ExportError
from sam2ov.jobs.live.lines import SocketLines, line_of
from sam2ov.jobs.live.orders import Orders
from sam2ov.jobs.live.tracker import LiveMasks, LiveTracker
from sam2ov.values.rle import Rle, decode_rle
from tests.engine.test_live_session import SIZE_HW, picture
from tests.fake_model import FakeModel

WAIT = 20.0


def found() -> LiveMasks:
    return LiveMasks(
        frame=12,
        seconds=0.48,
        obj_ids=(1, 4),
        mask_logits=np.zeros((2, 4, 4), np.float32),
        scores=np.array([7.25, -3], np.float32),
        size_hw=(6, 8),
    )


def test_a_line_says_where_objects_are() -> None:
    masks = np.zeros((2, 6, 8), np.bool_)
    masks[0, 1:3, 2:7] = True
    assert json.loads(line_of(found(), masks, "boxes", dropped=2)) == {
        "frame": 12,
        "seconds": 0.48,
        "dropped": 2,
        "objects": [
            {"id": 1, "score": 7.25, "box": [2, 1, 7, 3]},
            {"id": 4, "score": -3, "box": None},
        ],
    }
    whole = json.loads(line_of(found(), masks, "rle", dropped=0))
    rle = whole["objects"][0]["rle"]
    height, width = rle["size"]
    np.testing.assert_array_equal(decode_rle(Rle((height, width), rle["counts"])), masks[0])


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_whoever_connects_gets_lines(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    lines = SocketLines(f"unix:{path}" if kind == "unix" else "127.0.0.1:0")
    try:
        lines.put("nobody hears")
        if kind == "unix":
            listener = socket.socket(socket.AF_UNIX)
            listener.connect(str(path))
        else:
            listener = socket.create_connection(("127.0.0.1", lines.port))
        with listener:
            listener.settimeout(WAIT)
            for number in range(3):
                lines.put(f"line {number}")
            with listener.makefile() as heard:
                assert [next(heard) for _ in range(3)] == ["line 0\n", "line 1\n", "line 2\n"]
        with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as slow:
            slow.connect(str(path) if kind == "unix" else ("127.0.0.1", lines.port))
            deadline = time.monotonic() + WAIT
            lines.put("x" * 1000)
            while lines._listeners and time.monotonic() < deadline:
                lines.put("x" * 100_000)  # which it never reads: nobody waits for it
            assert not lines._listeners
    finally:
        lines.close()
    assert not path.exists()


@pytest.mark.parametrize(
    "address", ["nowhere", "127.0.0.1:x", "127.0.0.1:99999", "unix:/no/such/x"]
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ExportError, match="Nothing can be sent at"):
        SocketLines(address)


def test_a_listener_that_goes_before_it_is_greeted_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Aborting:
        def __init__(self, server: socket.socket) -> None:
            self._server = server
            self._errors = [ConnectionAbortedError(), OSError(errno.EMFILE, "too many files")]

        def accept(self) -> tuple[socket.socket, object]:
            if self._errors:
                raise self._errors.pop()
            return self._server.accept()

        def close(self) -> None:
            self._server.close()

    lines = SocketLines("127.0.0.1:0")
    try:
        with socket.create_connection(("127.0.0.1", lines.port)) as listener:
            monkeypatch.setattr(lines, "_server", Aborting(lines._server))
            for _ in range(3):
                lines.put("a line")
            listener.settimeout(WAIT)
            with listener.makefile() as heard:
                assert next(heard) == "a line\n"
    finally:
        lines.close()


def test_paths_where_no_socket_has_any(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ExportError, match="no sockets with paths"):
        SocketLines(f"unix:{tmp_path / 'lines'}")


def test_orders_are_obeyed_and_nonsense_is_told(tmp_path: Path) -> None:
    said = (
        b'{"id": 1, "box": [30, 8, 62, 40]}\n'
        b"\n"
        b"nonsense\n"
        b'{"id": 2, "points": [{"x": 900, "y": 3}]}\n'
        b'{"id": 3, "wrong": 1}\n'
        b'{"id": 4}\n'
        b'{"id": 9, "remove": true}\n'
        b'{"id": 5, "points": [{"x": 40, "y": 20}], "frame": 0}\n'
        b'{"id": 1, "remove": true}'
    )
    path = tmp_path / "orders"
    path.write_bytes(
        said.replace(b"nonsense", b"nonsense\n\xff\n" + b" " * (5 << 20) + b"too long")
    )
    told: list[str] = []
    orders = Orders(io.FileIO(path), told.append)
    with LiveTracker(cast(SAM2Model, FakeModel())) as live:
        live.step(picture(0))
        live.step(picture(1))
        deadline = time.monotonic() + WAIT
        while live.obj_ids != (5,) and time.monotonic() < deadline:
            orders.obey_all(live, SIZE_HW)
        assert live.obj_ids == (5,)
        assert live.current().masks.any()
    text = "\n".join(told)
    for expected in (
        "no line of JSON",
        "wrong",
        "outside the picture",
        "points and a box",
        "more than 4 MB",
        "0xff",
    ):
        assert expected in text
    assert "object 9" in text
