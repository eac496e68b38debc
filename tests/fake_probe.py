"""Stands in for ``python -m convert.probe``: one second for each network, or what the test asks.

``FAKE_PROBE`` is ``ok``, ``crash``, ``garbage`` or ``hang``; ``FAKE_PROBE_LOG`` names a file that
gets a line for each run.
"""

import json
import os
import sys
import time
from pathlib import Path

_FOUND = {
    "micro": 0.01,
    "hiera": 1.0,
    "repvit": 0.5,
    "plain": 0.25,
}
_NETWORKS = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")


def main() -> None:
    """Print what the probe would."""
    device, precision, _folder = sys.argv[1:]
    if log := os.environ.get("FAKE_PROBE_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{device} {precision}\n")
    how = os.environ.get("FAKE_PROBE", "ok")
    if how == "hang":
        time.sleep(600)
    if how == "crash":
        sys.exit("Out of luck.")
    print("a library says hello")
    for reference, seconds in _FOUND.items():
        for network in _NETWORKS:
            took = "soon" if how == "garbage" else seconds
            line = {"reference": reference, "network": network, "seconds": took}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
