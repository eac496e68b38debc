"""What a program says while frames come: boxes of a detector, clicks, removals; a line each."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sam2ov.errors import Sam2ovError, first_fault
from sam2ov.jobs.live.tracker import LiveTracker
from sam2ov.mask_files.prompt_file import FramePrompt, Point, RleMask, to_prompt
from sam2ov.values.objects import ObjectId

_MOST_BYTES: Final = 4 << 20
_READ_BYTES: Final = 1 << 16
_PAUSE_SECONDS: Final = 0.05
_MOST_WAITING: Final = 256


class LiveOrder(BaseModel):
    """An object's prompt on a frame, or its end.

    Attributes:
        id: of the object; a new one makes a new object.
        points, box, mask: as in a prompt file: clicks and a box, or a mask of the frame's size.
        frame: that it is for, as the lines say it; left out for the newest.
        remove: the object is forgotten.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ObjectId
    points: Annotated[tuple[Point, ...], Field(max_length=1000)] = ()
    box: tuple[float, float, float, float] | None = None
    mask: RleMask | None = None
    frame: int | None = Field(None, ge=0)
    remove: bool = False

    def obey(self, tracker: LiveTracker, size_hw: tuple[int, int]) -> None:
        """Do it.

        Raises:
            PromptError: it does not fit the frame, or there is no such object.
        """
        if self.remove:
            tracker.remove_object(self.id)
            return
        entry = FramePrompt(frame=0, points=self.points, box=self.box, mask=self.mask)
        tracker.prompt(self.id, to_prompt(entry, size_hw), frame=self.frame)


class Orders:
    """Reads orders from a file in a thread; those that make no sense are told and left out.

    Args:
        file: of lines of JSON, without a buffer. It is the thread's from now on, which closes it at
            its end: whoever closed it before would wait for what a program may never write.
        note: told what is wrong.
    """

    def __init__(self, file: RawIOBase, note: Callable[[str], None]) -> None:
        self._file = file
        self._note = note
        self._waiting: queue.Queue[LiveOrder] = queue.Queue(_MOST_WAITING)
        threading.Thread(target=self._read, name="sam2ov-orders", daemon=True).start()

    def obey_all(self, tracker: LiveTracker, size_hw: tuple[int, int]) -> bool:
        """Do what has been said meanwhile, on the newest frame unless it says which.

        Returns:
            Whether anything was done.
        """
        is_done = False
        for order in self._arrived():
            try:
                order.obey(tracker, size_hw)
                is_done = True
            except (Sam2ovError, ValidationError) as error:
                reason = first_fault(error) if isinstance(error, ValidationError) else error
                self._note(f"An order for object {order.id} was left out: {reason}")
        return is_done

    def _arrived(self) -> Iterator[LiveOrder]:
        for _ in range(_MOST_WAITING):
            try:
                yield self._waiting.get_nowait()
            except queue.Empty:
                return

    def _read(self) -> None:
        with self._file:
            try:
                for line in self._lines():
                    self._take(line)
            except OSError as error:
                self._note(f"No more orders can be read: {error.strerror}.")

    def _lines(self) -> Iterator[bytes]:
        """Lines as they come, without those that are too long."""
        begun, is_too_long = b"", False
        while (read := self._file.read(_READ_BYTES)) != b"":
            if read is None:  # it does not wait itself, as what a terminal shares with others
                time.sleep(_PAUSE_SECONDS)
                continue
            *whole, begun = (begun + read).split(b"\n")
            for line in whole:
                if not is_too_long:
                    yield line
                is_too_long = False
            if len(begun) > _MOST_BYTES:
                if not is_too_long:
                    self._note(f"An order was left out, it has more than {_MOST_BYTES >> 20} MB.")
                begun, is_too_long = b"", True
        if not is_too_long:
            yield begun

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            self._waiting.put(LiveOrder.model_validate(json.loads(line)))
        except ValidationError as error:
            self._note(f"An order was left out: {first_fault(error)}")
        except (ValueError, RecursionError) as error:
            self._note(f"An order was left out, it is no line of JSON: {error}")
