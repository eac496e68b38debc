"""What a worker that was taken over might do; called in workers."""

import ctypes
import gc
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from sam2ov.errors import PromptError
from sam2ov.progress import Progress, ProgressCallback
from sam2ov.video import served
from sam2ov.workers.confinement import Confinement
from sam2ov.workers.heartbeat import beat
from sam2ov.workers.messages import Message, send
from sam2ov.workers.shared_memory import Room


def read(path: Path) -> int:
    return len(path.read_bytes())


def write(path: Path, num_bytes: int) -> int:
    return path.write_bytes(b"x" * num_bytes)


def connect() -> None:
    socket.create_connection(("127.0.0.1", 9))


def run_program() -> None:
    subprocess.run(["/bin/true"], check=False)


def fork() -> int:
    return os.fork()


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def crash() -> None:
    ctypes.string_at(0)


def nap(seconds: float) -> None:
    time.sleep(seconds)


def take_long(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        beat()


def hang() -> None:
    time.sleep(600)


def hang_with_the_interpreter() -> None:
    ctypes.PyDLL(None).sleep(600)


def eat(num_bytes: int) -> int:
    return len(bytearray(num_bytes))


def fail() -> None:
    raise PromptError("This is what is wrong.")


def stumble() -> None:
    raise KeyError("nobody expected this")


def lie() -> int:
    return "no number"  # type: ignore[return-value]


def tell(progress: ProgressCallback) -> str:
    for done in range(3):
        progress(Progress("Counting", done, 3, "items"))
    return "counted"


def print_much() -> int:
    print("a library prints", flush=True)
    os.write(1, b"and so does its C\n")
    return 7


def hang_whatever(*arguments: object, **keywords: object) -> None:
    hang()


def crash_whatever(*arguments: object, **keywords: object) -> None:
    crash()


def allowed(*reads: Path) -> Confinement:
    """What is a worker's, and the code of its misdeeds."""
    return Confinement(reads=(*reads, Path(__file__).parents[1]))


def say(head: dict[str, object]) -> None:
    """Say what is no answer to anything."""
    answers = next(each for each in gc.get_objects() if type(each).__name__ == "_Worker")._answers
    send(answers, Message(head))
    time.sleep(600)


CRASHING, HANGING = 4, 7
"""Frames that stop whoever reads them."""


def read_frames(number: int, frames: tuple[int, ...], step: int, rooms: tuple[Room, ...]) -> None:
    """As ``served.read``, but for two frames."""
    for frame_idx, room in zip(frames, rooms, strict=True):
        if frame_idx == CRASHING:
            crash()
        if frame_idx == HANGING:
            hang()
        served.read(number, (frame_idx,), step, (room,))


STUMBLING = 4
"""The frame of which reading raises what nobody expected."""


def read_or_stumble(
    number: int, frames: tuple[int, ...], step: int, rooms: tuple[Room, ...]
) -> None:
    """As ``served.read``, but for a frame."""
    for frame_idx, room in zip(frames, rooms, strict=True):
        if frame_idx == STUMBLING:
            stumble()
        served.read(number, (frame_idx,), step, (room,))
