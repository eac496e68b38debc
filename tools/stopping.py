"""Measures how long the app takes to end on SIGTERM while many pages are open.

Usage, from the repository:
    python -m tools.stopping [--pages 64] [--clips 16]

Every page has said hello and holds its connection, as in a browser; some have the sample open, each
with a process that reads it, and one tracks. Printed: seconds from the signal to the end of the
process, and what it left behind. Exits with 1 where that is more than three seconds, or anything
was left.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from tools.driven_app import children, processor_name, running_app
from tools.spoken_page import PageError, SpokenPage

MOST_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Ended:
    """How the app has ended.

    Attributes:
        seconds: from the signal on.
        left: names of what it should have deleted or ended.
    """

    seconds: float
    left: tuple[str, ...]


def stop(pages: int, clips: int) -> Ended:
    """Open pages, at least one of them with a clip, and end the app."""
    options = ("--max-sessions", str(pages), "--max-sessions-per-client", str(pages))
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder), *options) as app:
        opened = [SpokenPage(app.url) for _ in range(pages)]
        for number, page in enumerate(opened):
            page.hello(beats=True)
            if number < clips:
                page.send("open", {"source": "sample", "project": None})
        if clips:
            first = opened[0]
            first.edit("click", frame=0, object=1, x=100.0, y=100.0, positive=True)
            track = {"clip": first.clip, "frame": 0, "direction": "forward", "objects": None}
            threading.Thread(target=_track, args=(first, track), daemon=True).start()
            time.sleep(0.5)
        workers = children(app.pid)
        began = time.monotonic()
        os.kill(app.pid, signal.SIGTERM)
        while _is_running(app.pid):
            time.sleep(0.01)
        seconds = time.monotonic() - began
        left = [path.name for path in app.projects.glob(".tab-*")]
        left += [path.name for path in Path(folder, "tmp").glob("sam2ov-*")]
        left += [f"process {pid}" for pid in workers if _is_running(pid)]
    return Ended(seconds, tuple(left))


def _track(page: SpokenPage, payload: object) -> None:
    with suppress(PageError, httpx2.HTTPError, ValueError, KeyError):
        page.send("track_1", payload)


def _is_running(pid: int) -> bool:
    """Whether a process has not ended; one that nobody has waited for has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=64)
    parser.add_argument("--clips", type=int, default=16)
    options = parser.parse_args()
    ended = stop(options.pages, options.clips)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{options.pages} pages, {options.clips} open clips, {processor_name()}, load {load}")
    print(f"ended {ended.seconds:.2f} s after SIGTERM; left: {', '.join(ended.left) or 'nothing'}")
    return 0 if ended.seconds < MOST_SECONDS and not ended.left else 1


if __name__ == "__main__":
    sys.exit(main())
