"""``python -m tools.hostile --seed N --count M``; exits with 1 where there is a fault."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.hostile import live
from tools.hostile.attacks import ATTACKS
from tools.hostile.campaign import Campaign, run
from tools.hostile.seeds import make_seeds

KINDS: Final = (*ATTACKS, "requests")


def attack(seed: int, count: int, kinds: list[str]) -> tuple[Campaign, list[str]]:
    """Draw as many of each kind; what came of them, and what is to be said besides."""
    files = [kind for kind in kinds if kind in ATTACKS]
    num_files = count * len(files) // len(kinds)
    done, lines = Campaign(), []
    with TemporaryDirectory(prefix="hostile-seeds-") as folder:
        make_seeds(Path(folder))
        if num_files:
            done.add(run(Path(folder), seed, num_files, files))
        if num_files < count:
            attacked = live.run(Path(folder), seed, count - num_files)
            done.add(attacked.done)
            lines = attacked.lines()
    return done, lines


def main() -> int:
    """Attack, and print what came of it by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--kinds", default=",".join(KINDS), help="of these, with commas between")
    options = parser.parse_args()
    kinds = sorted(set(options.kinds.split(",")))
    if not set(kinds) <= set(KINDS):
        parser.error(f"--kinds takes {', '.join(KINDS)}")
    done, lines = attack(options.seed, options.count, kinds)
    print(f"{options.count} attacks of seed {options.seed}, {len(done.faults)} faults")
    for (kind, outcome), times in sorted(done.outcomes.items()):
        print(f"  {kind:17} {outcome:20} {times}")
    print("\n".join(lines))
    for number, kind, outcome, message in done.faults[:50]:
        print(f"  {number}: {kind} {outcome} {message}")
    return 1 if done.faults else 0


if __name__ == "__main__":
    sys.exit(main())
