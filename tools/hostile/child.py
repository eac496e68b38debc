"""The process that attacks: ``python -m tools.hostile.child KINDS SEEDS SEED FIRST LAST``.

It tells of each attack by a line of JSON when it begins and when it has ended. Its memory is
limited.
"""

import json
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from sam2ov.errors import Sam2ovError
from tools.hostile.attacks import ATTACKS
from tools.hostile.seeds import Seeds, find_seeds

MEMORY_BYTES: Final = 3 << 30
_LONGEST: Final = 1300


def attack(seed: int, number: int, given: Seeds, kinds: Sequence[str]) -> tuple[str, str, str]:
    """Do one; gives its kind, what came of it, and the message where that is a fault."""
    rng = Random(f"{seed}/{number}")  # noqa: S311 - not for secrets
    kind = kinds[number % len(kinds)]
    with TemporaryDirectory(prefix="hostile-") as folder:
        try:
            ATTACKS[kind](rng, Path(folder), given)
        except Sam2ovError as error:
            message = str(error)
            if message.isprintable() and 0 < len(message) <= _LONGEST:
                return kind, "refused", ""
            return kind, "unclear", ascii(message[:300])
        except BaseException as error:
            places = traceback.extract_tb(error.__traceback__)[-3:]
            where = " ".join(f"{Path(p.filename).name}:{p.lineno}" for p in places)
            return kind, type(error).__name__, ascii(f"{error} {where}"[:400])
    return kind, "read", ""


def main() -> None:
    """Do all of the attacks."""
    kinds, folder, *numbers = sys.argv[1:]
    seed, first, last = map(int, numbers)
    warnings.simplefilter("ignore")
    told = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):  # libraries write what they please
        os.dup2(nothing, stream)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    given = find_seeds(Path(folder))
    for number in range(first, last):
        print(json.dumps({"begun": number}), file=told, flush=True)
        started = time.monotonic()
        kind, outcome, message = attack(seed, number, given, kinds.split(","))
        seconds = time.monotonic() - started
        ended = {"ended": number, "kind": kind, "outcome": outcome, "message": message}
        print(json.dumps(ended | {"seconds": seconds}), file=told, flush=True)


if __name__ == "__main__":
    main()
