"""Python modules in processes of their own: their libraries, prints and crashes stay there."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from sam2ov.progress import CancelCheck, raise_if_cancelled
from sam2ov.workers.environment import module_environment

_SECONDS_TO_STOP = 5.0
_LINES_IN_MESSAGE = 8
_POLL_SECONDS = 0.1


@contextmanager
def running_module(
    module: str, arguments: Sequence[str | Path], log: IO[str]
) -> Iterator[subprocess.Popen[str]]:
    """The process of a module, which does not outlive the block; nor do its temporary files.

    Args:
        module: for ``python -m``.
        arguments: of its command line.
        log: gets its standard error; standard output is a pipe.
    """
    with ExitStack() as stack:
        # One that is terminated does not tidy up.
        folder = stack.enter_context(TemporaryDirectory(prefix="sam2ov-"))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *(os.fspath(each) for each in arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            errors="replace",
            env=module_environment() | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder),
        )
        # Leaving this block closes the pipe and waits for the process.
        stack.enter_context(process)
        try:
            yield process
        except BaseException:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def json_lines(
    process: subprocess.Popen[str], cancel: CancelCheck | None, what: str
) -> Iterator[dict[str, Any]]:
    """The JSON objects on standard output; lines that are none are some library's prints.

    Args:
        process: of a module.
        cancel: asked often, also where it prints nothing for minutes.
        what: is done, for the error.

    Raises:
        CancelledError: ``cancel`` returned true.
    """
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    # Between two lines may be minutes, so a thread reads while this one watches `cancel`.
    threading.Thread(target=read, name="child-output", daemon=True).start()
    while True:
        raise_if_cancelled(cancel, what)
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            return
        try:
            message = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(message, dict):
            yield message


def last_words(log: IO[str]) -> str:
    """The end of what a process has written to its log."""
    log.seek(0)
    return "".join(log.readlines()[-_LINES_IN_MESSAGE:]).rstrip() or "(nothing)"


def how_it_ended(exit_code: int) -> str:
    """For people; a negative code is the signal that ended it, the system's reason is memory."""
    if exit_code < 0:
        return f"was killed by signal {-exit_code}"
    return f"ended with code {exit_code}"
