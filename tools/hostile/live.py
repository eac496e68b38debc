"""Hostile requests to a server of its own, beside somebody who works on it all the while."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import httpx2

from tools.driven_app import REPOSITORY, RunningApp, processor_name, resident_mb, running_app
from tools.hostile.campaign import Campaign
from tools.hostile.requests import REQUESTS, send
from tools.hostile.seeds import find_seeds
from tools.hostile.target import LetInError, Target

FROZEN_SECONDS: Final = 1.0
"""Longer than that nobody may wait for what is cheap: the server's health, or a small picture."""
BUDGET_MB: Final = 1000
"""Of memory, above what the server has when the first clip is open."""
CHEAP: Final = frozenset({"health", "near"})
_TRACEBACK: Final = "Traceback (most recent call last)"
_START_SECONDS: Final = 60.0
_DEAD_SECONDS: Final = 30.0


@dataclass
class Waits:
    """What somebody waited for, in seconds, by kind; and what they did not get."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    told: "queue.SimpleQueue[dict[str, Any] | None]" = field(default_factory=queue.SimpleQueue)
    has_begun: threading.Event = field(default_factory=threading.Event)

    def take(self) -> dict[str, float]:
        """The longest waits since the last time, by kind."""
        longest: dict[str, float] = defaultdict(float)
        while not self.told.empty():
            said = self.told.get()
            if said is None:
                raise RuntimeError("who works on the server has ended")
            self.seconds[said["kind"]].append(said["seconds"])
            self.refused += not said["good"]
            longest[said["kind"]] = max(longest[said["kind"]], said["seconds"])
        return longest


@dataclass
class Attacked:
    """What has come of it.

    Attributes:
        done: by kind of request.
        waits: of who worked meanwhile.
        memory_mb: of the server before, and the most of it.
    """

    done: Campaign
    waits: Waits
    memory_mb: tuple[float, float]

    def lines(self) -> list[str]:
        """For people."""
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        lines = [
            f"  {processor_name()}, load average {load}",
            f"  server's memory: {self.memory_mb[0]:.0f} MB, at most {self.memory_mb[1]:.0f}",
        ]
        for kind, all_seconds in sorted(self.waits.seconds.items()):
            ordered = sorted(all_seconds)
            middle, late = ordered[len(ordered) // 2], ordered[int(0.99 * len(ordered))]
            lines.append(
                f"  waited for {kind:7} {1000 * middle:.0f} ms in the middle, 99 % within "
                f"{1000 * late:.0f} ms, longest {1000 * ordered[-1]:.0f} ms ({len(ordered)} times)"
            )
        return lines


def run(folder: Path, seed: int, count: int, frozen_seconds: float = FROZEN_SECONDS) -> Attacked:
    """Start a server and attack it with requests 0 … ``count - 1`` of a seed.

    Args:
        folder: has the seeds.
        seed: of what is drawn.
        count: of requests.
        frozen_seconds: that nobody may wait for what is cheap.
    """
    options = ["--no-downloads", *(["--mcp"] if find_spec("mcp") else [])]
    with (
        TemporaryDirectory(prefix="hostile-server-") as place,
        running_app(Path(place), *options) as app,
        _canary(app.url) as waits,
    ):
        watch = _Watch(app, waits, frozen_seconds)
        target = Target(app.url, find_seeds(folder), (str(app.projects), f"{place}/cache"))
        for number in range(count):
            watch.attack(seed, number, target)
            if watch.is_dead:
                break
        target.close()
        return Attacked(watch.done, waits, (watch.memory_mb, watch.most_mb))


class _Watch:
    """Looks at the server after each request."""

    def __init__(self, app: RunningApp, waits: Waits, frozen_seconds: float) -> None:
        self._app, self._waits, self._frozen_seconds = app, waits, frozen_seconds
        self._read_bytes = app.log.stat().st_size
        self.done = Campaign()
        self.memory_mb = self.most_mb = resident_mb(app.pid)
        self.is_dead = False

    def attack(self, seed: int, number: int, target: Target) -> None:
        """Send one, and note what came of it."""
        rng = Random(f"{seed}/request/{number}")  # noqa: S311 - not for secrets
        kind = sorted(REQUESTS)[number % len(REQUESTS)]
        fault: tuple[str, str] | None = None
        try:
            send(rng, kind, target)
        except LetInError as error:
            fault = ("let in", ascii(error))
        except Exception as error:
            fault = ("the tool failed", ascii(f"{type(error).__name__}: {error}"[:300]))
        self.done.note(number, f"request {kind}", *(fault or self._fault() or ("read",)))

    def _fault(self) -> tuple[str, str] | None:
        try:
            httpx2.get(f"{self._app.url}/health", timeout=_DEAD_SECONDS)
            now_mb = resident_mb(self._app.pid)
        except (httpx2.HTTPError, OSError) as error:
            self.is_dead = True
            return "server died", ascii(error)
        with self._app.log.open("rb") as log:
            log.seek(self._read_bytes)
            said = log.read().decode("utf-8", "replace")
        self._read_bytes += len(said.encode())
        if _TRACEBACK in said:
            return "traceback", ascii(said[-600:])
        refused, longest = self._waits.refused, self._waits.take()
        if self._waits.refused > refused:
            return "others refused", f"{self._waits.refused - refused} times"
        for kind in CHEAP:
            if longest[kind] > self._frozen_seconds:
                return "frozen", f"{kind} took {longest[kind]:.2f} s"
        is_more = now_mb > max(self.most_mb, self.memory_mb + BUDGET_MB)
        self.most_mb = max(self.most_mb, now_mb)
        return ("memory", f"{now_mb:.0f} MB") if is_more else None


@contextmanager
def _canary(url: str) -> Iterator[Waits]:
    """Somebody who works on the server for as long as the block runs."""
    waits = Waits()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.hostile.canary", url],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    listener = threading.Thread(target=_listen, args=(process.stdout, waits), daemon=True)
    listener.start()
    try:
        if not waits.has_begun.wait(_START_SECONDS):
            raise RuntimeError("who should work on the server did not begin")
        yield waits
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stdout.close()


def _listen(pipe: IO[bytes], waits: Waits) -> None:
    for line in pipe:
        if waits.has_begun.is_set():
            waits.told.put(json.loads(line))
        waits.has_begun.set()
    waits.told.put(None)
