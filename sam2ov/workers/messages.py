"""How a worker and its owner talk: messages over two pipes, each a head and a body."""

import inspect
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import IO, Any, Final, get_type_hints

from pydantic import TypeAdapter

_SIZES: Final = struct.Struct("!II")
_MOST_BYTES: Final = 1 << 30
"""Of a message: what a worker says is not trusted either."""


class BrokenPipeMessageError(OSError):
    """The other side has gone, or says what is no message."""


@dataclass(frozen=True)
class Message:
    """What goes over a pipe.

    Attributes:
        head: says what it is; strings and numbers.
        body: what the head says: arguments for a worker, JSON from one.
    """

    head: dict[str, Any]
    body: bytes = b""


@cache
def returned_by(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """Writes and reads what a function returns, as its annotations say."""
    return TypeAdapter(get_type_hints(function, include_extras=True)["return"])


@cache
def tells_progress(function: Callable[..., Any]) -> bool:
    """Whether a function takes a callback for its progress."""
    return "progress" in inspect.signature(function).parameters


def is_sound(head: dict[str, Any]) -> bool:
    """Whether the head of what a worker says is one: whoever made it may have been taken over."""
    if type(head.get("id")) is not int:
        return False
    match head.get("is"):
        case "answer" | "alive":
            return True
        case "error":
            return isinstance(head.get("kind"), str) and isinstance(head.get("message"), str)
        case "progress":
            return _is_progress(head.get("progress"))
    return False


def _is_progress(told: Any) -> bool:
    match told:
        case [str(), int(), int(), "bytes" | "items"]:
            return True
    return False


def send(pipe: IO[bytes], message: Message) -> None:
    """Write a message.

    Raises:
        OSError: the other side has gone.
    """
    head = json.dumps(message.head).encode()
    pipe.write(_SIZES.pack(len(head), len(message.body)) + head + message.body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message:
    """Wait for a message.

    Raises:
        BrokenPipeMessageError: the other side has gone, or says what is no message.
    """
    head_bytes, body_bytes = _SIZES.unpack(_exactly(pipe, _SIZES.size))
    if head_bytes + body_bytes > _MOST_BYTES:
        raise BrokenPipeMessageError("a message is far too long")
    try:
        head = json.loads(_exactly(pipe, head_bytes))
    except (ValueError, RecursionError) as error:
        raise BrokenPipeMessageError("a message is malformed") from error
    if not isinstance(head, dict):
        raise BrokenPipeMessageError("a message is malformed")
    return Message(head, _exactly(pipe, body_bytes))


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    content = pipe.read(count)
    if len(content) < count:
        raise BrokenPipeMessageError("the other side has gone")
    return content
