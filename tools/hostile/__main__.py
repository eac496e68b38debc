"""``python -m tools.hostile --seed N --count M``; exits with 1 where there is a fault."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.hostile.campaign import run
from tools.hostile.seeds import make_seeds


def main() -> int:
    """Attack, and print what came of it by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="hostile-seeds-") as folder:
        make_seeds(Path(folder))
        done = run(Path(folder), options.seed, options.count)
    print(f"{options.count} attacks of seed {options.seed}, {len(done.faults)} faults")
    for (kind, outcome), times in sorted(done.outcomes.items()):
        print(f"  {kind:8} {outcome:20} {times}")
    for number, kind, outcome, message in done.faults[:50]:
        print(f"  {number}: {kind} {outcome} {message}")
    return 1 if done.faults else 0


if __name__ == "__main__":
    sys.exit(main())
