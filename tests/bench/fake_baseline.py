"""Stands in for ``python -m tools.torch_baseline`` where torch is absent: the same lines.

Its masks are what is red; ``FAKE_BASELINE`` says how it behaves: ``ok``, ``refuse`` (an error of
its own when it loads), ``crash`` (at the first command).
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", required=True)
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--precision", choices=("f32", "bf16"), required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    behaviour = os.environ.get("FAKE_BASELINE", "ok")
    print("a library's own remark")
    if behaviour == "refuse":
        print(json.dumps({"error": "CheckpointError", "message": "it is truncated."}), flush=True)
        raise SystemExit(1)
    print(json.dumps({"torch": "0.0", "threads": options.threads}), flush=True)
    position, clip, objects = 0, np.empty(0), 0
    for line in sys.stdin:
        if behaviour == "crash":
            raise SystemExit("Segmentation fault, so to speak")
        message = json.loads(line)
        if message["command"] == "open":
            clip, objects, position = np.load(message["frames"]), len(message["boxes"]), 0
            print(json.dumps({}), flush=True)
            continue
        frames = clip[position : position + message["frames"]].astype(int)
        assert len(frames) == message["frames"], "asked for more frames than there are"
        red = frames[..., 0] - frames[..., 1:].max(axis=-1) > 100
        np.save(message["masks"], np.packbits(np.stack([red] * objects, axis=1), axis=-1))
        answer = {
            "first_frame": position,
            "seconds": 0.5 * message["frames"],
            "peak_memory_bytes": 1000 + position,
        }
        position += message["frames"]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
