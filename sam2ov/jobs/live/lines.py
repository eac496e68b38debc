"""What was found, a line of JSON for each frame: on standard output, or to whoever connects."""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import cv2
import numpy as np

from sam2ov.errors import ExportError
from sam2ov.jobs.live.tracker import LiveMasks
from sam2ov.values.masks import BoolArray
from sam2ov.values.rle import encode_rle

LineForm = Literal["boxes", "rle"]

_MOST_LISTENERS: Final = 8


class Lines(Protocol):
    """Where lines go."""

    def put(self, line: str) -> None:
        """Hand a line on; it has no line break."""

    def close(self) -> None:
        """Let go of everything."""


def line_of(found: LiveMasks, masks: BoolArray, form: LineForm, *, dropped: int) -> str:
    """The line of a frame.

    ``{"frame": 12, "seconds": 0.48, "dropped": 0, "objects": [{"id": 1, "score": 7.3, "box":
    [x0, y0, x1, y1], "rle": {"size": [H, W], "counts": "…"}}]}``; boxes are in pixels, right and
    lower edges behind the last pixel, and null where nothing is to be seen; "rle" is COCO's.

    Args:
        found: of the frame.
        masks: its masks [N, H, W].
        form: with or without "rle".
        dropped: frames left out before this one.
    """
    objects: list[dict[str, Any]] = []
    for index, obj_id in enumerate(found.obj_ids):
        x, y, width, height = cv2.boundingRect(masks[index].view(np.uint8))
        entry: dict[str, Any] = {
            "id": obj_id,
            "score": round(float(found.scores[index]), 3),
            "box": [x, y, x + width, y + height] if width else None,
        }
        if form == "rle":
            rle = encode_rle(masks[index])
            entry["rle"] = {"size": list(rle.size_hw), "counts": rle.counts}
        objects.append(entry)
    return json.dumps(
        {
            "frame": found.frame,
            "seconds": round(found.seconds, 4),
            "dropped": dropped,
            "objects": objects,
        }
    )


class StandardOutput:
    """Lines on standard output; whoever reads them sees each at once."""

    def put(self, line: str) -> None:
        """See ``Lines``."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing to let go of."""


class SocketLines:
    """Lines to everybody who connects; who does not keep up is disconnected, nobody is waited for.

    Args:
        address: "HOST:PORT", or "unix:PATH".

    Raises:
        ExportError: it is no address, or is taken.
    """

    def __init__(self, address: str) -> None:
        is_path = address.startswith("unix:")
        self._path = Path(address.removeprefix("unix:")) if is_path else None
        self._listeners: list[socket.socket] = []
        try:
            if self._path is not None:
                self._server = socket.create_server(os.fspath(self._path), family=_unix_family())
            else:
                self._server = socket.create_server(_host_and_port(address))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ExportError(
                f"Nothing can be sent at {address}: {reason}. Give HOST:PORT (127.0.0.1:9000) or "
                "unix:PATH, where nobody else listens and no file is."
            ) from error
        self._server.setblocking(False)

    @property
    def port(self) -> int:
        """Of the address; 0 for a path."""
        return 0 if self._path is not None else int(self._server.getsockname()[1])

    def put(self, line: str) -> None:
        """See ``Lines``."""
        self._greet()
        body = line.encode() + b"\n"
        for listener in [*self._listeners]:
            try:
                is_whole = listener.send(body) == len(body)
            except OSError:  # it has gone, or does not keep up
                is_whole = False
            if not is_whole:  # half a line would make nonsense of the next one
                self._listeners.remove(listener)
                listener.close()

    def close(self) -> None:
        """See ``Lines``."""
        for each in (*self._listeners, self._server):
            each.close()
        self._listeners.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _greet(self) -> None:
        # Nobody else waits, who waited has gone, or there is no room: it is tried with each line.
        with contextlib.suppress(OSError):
            while True:
                listener, _ = self._server.accept()
                if len(self._listeners) >= _MOST_LISTENERS:
                    listener.close()
                    continue
                listener.setblocking(False)
                self._listeners.append(listener)


def _unix_family() -> int:
    try:
        return socket.AF_UNIX
    except AttributeError:
        raise ValueError("this system has no sockets with paths") from None


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 0xFFFF:
        raise ValueError("it is no HOST:PORT")
    return host.strip("[]"), int(port)
