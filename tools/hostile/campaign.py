"""Many attacks, in a process that is started anew where one of them ends it or takes too long."""

import json
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from tools.hostile.attacks import ATTACKS

SECONDS: Final = 60.0
"""That one attack may take."""
CHILD: Final = (sys.executable, "-m", "tools.hostile.child")
GOOD: Final = frozenset({"read", "refused"})
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Campaign:
    """What has come of a number of attacks.

    Attributes:
        outcomes: how often what came of which kind.
        faults: number, kind, outcome and message of each that is no good.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)

    def note(self, number: int, kind: str, outcome: str, message: str = "") -> None:
        """Count one."""
        self.outcomes[kind, outcome] += 1
        if outcome not in GOOD:
            self.faults.append((number, kind, outcome, message))

    def add(self, other: "Campaign") -> None:
        """Count what came of others, too."""
        self.outcomes.update(other.outcomes)
        self.faults.extend(other.faults)


def run(folder: Path, seed: int, count: int, kinds: Sequence[str] = tuple(ATTACKS)) -> Campaign:
    """Attack with numbers 0 … ``count - 1`` of a seed; ``folder`` has the seeds."""
    done, first, kinds = Campaign(), 0, sorted(kinds)
    while first < count:
        first = _run_from(folder, seed, (first, count), kinds, done)
    return done


def _run_from(
    folder: Path, seed: int, numbers: tuple[int, int], kinds: Sequence[str], done: Campaign
) -> int:
    """Until all are done or one ends the process; gives the number of the next."""
    first, count = numbers
    command = [*CHILD, ",".join(kinds), folder, seed, first, count]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, cwd=_REPOSITORY)
    assert process.stdout is not None
    told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(process.stdout, told), daemon=True)
    listener.start()
    latest = first
    try:
        while True:
            try:
                said = told.get(timeout=SECONDS)
            except queue.Empty:
                done.note(latest, kinds[latest % len(kinds)], "hang")
                return latest + 1
            if said is None:
                if latest == count:
                    return count
                done.note(latest, kinds[latest % len(kinds)], f"crash {process.wait()}")
                return latest + 1
            if "begun" in said:
                latest = int(said["begun"])
            else:
                done.note(latest, said["kind"], said["outcome"], said["message"])
                latest += 1
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stdout.close()


def _listen(pipe: IO[bytes], told: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    for line in pipe:
        told.put(json.loads(line))
    told.put(None)
