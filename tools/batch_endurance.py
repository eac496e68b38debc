"""Many small clips, some of them broken, tracked by a batch that is killed again and again.

`python -m tools.batch_endurance [--clips 200] [--broken 10] [--kills 2] [--ray] [--seed 0]`

At the end every result is compared with that of a single run, byte for byte, and every broken clip
must be named with a reason. With `--ray` a cluster of two nodes on this machine tracks, and the
processes that track are killed instead of the batch. Exit code 1 if anything differs.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from sam2ov.engine.tracker import Tracker
from sam2ov.jobs import TrackingSettings, run_clip_job
from sam2ov.jobs.batch import BatchItem, OutputWish, list_jobs
from sam2ov.jobs.batch.listing import Defaults
from sam2ov.jobs.batch.models import Models
from sam2ov.jobs.batch.record import RECORD_NAME
from sam2ov.jobs.clip_prompts import read_prompts_for
from sam2ov.video import FrameTimes, VideoWriter

FRAMES, HEIGHT, WIDTH, FPS = 8, 96, 128, 24
FORMATS = ("masks", "coco")
BREAKS = (b"", b"no video", b"\0" * 4096)


def make_clips(folder: Path, clips: int, broken: int, seed: int) -> set[str]:
    """Write clips of a disc that moves, each with its prompt; returns the names of the broken."""
    rng = np.random.default_rng(seed)
    names = [f"clip{number:04d}" for number in range(clips)]
    bad = sorted(rng.choice(names, broken, replace=False).tolist())
    for name in names:
        x, y, radius = (int(rng.integers(*ends)) for ends in ((30, 60), (30, 60), (8, 20)))
        colour = tuple(int(value) for value in rng.integers(120, 255, 3))
        frames = 60 + rng.integers(0, 20, (FRAMES, HEIGHT, WIDTH, 3), np.uint8)
        for index, frame in enumerate(frames):
            cv2.circle(frame, (x + 2 * index, y), radius, colour, -1)
        clip = folder / f"{name}.mp4"
        if name in bad:
            clip.write_bytes(BREAKS[bad.index(name) % len(BREAKS)])
        else:
            with VideoWriter(clip, (HEIGHT, WIDTH), FrameTimes.constant(FPS, FRAMES)) as writer:
                for frame in frames:
                    writer.write(frame)
        box = [x - radius, y - radius, x + radius, y + radius]
        told = {"objects": [{"id": 1, "prompts": [{"frame": 0, "box": box}]}]}
        clip.with_suffix(".json").write_text(json.dumps(told))
    return set(bad)


def run_batch_command(clips: Path, out: Path, kills: int, seed: int, more: list[str]) -> Any:
    """The command until it ends by itself; `kills` times it is killed at some moment before."""
    rng = random.Random(seed)  # noqa: S311 - moments, no secrets
    command = [sys.executable, "-m", "sam2ov", "batch", str(clips), "--out", str(out), "--json"]
    command += [part for name in FORMATS for part in ("--format", name)] + more
    total = len(list(clips.glob("*.mp4")))
    for _ in range(kills):
        done = len(list(out.glob(f"*/{RECORD_NAME}")))
        wanted = done + rng.randint(1, max((total - done) // 2, 1))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        while process.poll() is None and len(list(out.glob(f"*/{RECORD_NAME}"))) < wanted:
            time.sleep(0.05)
        time.sleep(rng.random())
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"killed with {len(list(out.glob(f'*/{RECORD_NAME}')))} of {total} written down")
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(finished.stdout)


def run_on_cluster(clips: Path, out: Path, kills: int, seed: int) -> Any:
    """The same on two nodes of this machine, whose tracking processes are killed."""
    from ray.cluster_utils import Cluster

    rng = random.Random(seed)  # noqa: S311 - moments, no secrets
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    try:
        command = [sys.executable, "-m", "sam2ov", "batch", str(clips), "--out", str(out)]
        command += [part for name in FORMATS for part in ("--format", name)]
        process = subprocess.Popen(
            [*command, "--json", "--ray", cluster.address], stdout=subprocess.PIPE, text=True
        )
        total, killed = len(list(clips.glob("*.mp4"))), 0
        while process.poll() is None:
            done = len(list(out.glob(f"*/{RECORD_NAME}")))
            busy = [p for p in psutil.process_iter() if _cmdline(p)[:1] == ["ray::_track"]]
            if busy and killed < kills and done > total * (killed + 1) // (kills + 2):
                rng.choice(busy).kill()
                killed += 1
                print(f"killed a worker with {done} of {total} written down")
            time.sleep(0.1)
        told, _ = process.communicate()
        return json.loads(told)
    finally:
        cluster.shutdown()


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def compare(items: tuple[BatchItem, ...], out: Path, bad: set[str]) -> int:
    """Track each clip alone; returns how many results differ from the batch's."""
    models, differing = Models(), 0
    with tempfile.TemporaryDirectory() as scratch:
        for item in items:
            if item.name in bad:
                continue
            folder = Path(scratch) / item.name
            folder.mkdir()
            assert item.prompts is not None
            model, _ = models.model_for(item.settings)
            prompts = read_prompts_for(item.clip, item.prompts)
            run_clip_job(item.job(prompts, (), folder), Tracker(model))
            if contents(folder) != contents(out / item.name):
                differing += 1
                print(f"{item.name} differs from a single run")
    return differing


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the records, which tell times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECORD_NAME
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--broken", type=int, default=10)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray", action="store_true", help="on a cluster of two nodes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clips, out = Path(scratch) / "clips", Path(scratch) / "out"
        clips.mkdir()
        bad = make_clips(clips, arguments.clips, arguments.broken, arguments.seed)
        started = time.monotonic()
        if arguments.ray:
            told = run_on_cluster(clips, out, arguments.kills, arguments.seed)
        else:
            told = run_batch_command(clips, out, arguments.kills, arguments.seed, [])
        seconds = time.monotonic() - started
        wishes = tuple(OutputWish.parse(name) for name in FORMATS)
        items = list_jobs(clips, Defaults(TrackingSettings(), wishes))
        differing = compare(items, out, bad)
        left = [path.name for path in out.iterdir() if path.name not in {i.name for i in items}]
        unnamed = bad ^ set(told["failed"])
        print(
            f"{len(told['done'])} done, {len(told['failed'])} failed in {seconds:.0f} s; "
            f"{differing} differ from single runs, {len(unnamed)} wrongly named, {len(left)} left."
        )
        for name in sorted(bad):
            print(f"  {name}: {told['failed'].get(name, '')}")
    sys.exit(bool(differing or unnamed or left))


if __name__ == "__main__":
    main()
