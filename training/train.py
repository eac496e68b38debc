"""The first training of the bundled model, from nothing; `refine.py` goes on from its end.

`python -m training.train --data PACK_OR_FOLDER --out RUN_DIR [--smoke]`

The stages are those of `config.py`: decoder pretext, pictures at 128 px, clips at 128 px, then
pictures and clips at 256 px. Every step draws its data from (seed, stage, step, process), so a run
that is killed goes on from its last checkpoint as if nothing had happened (`--resume auto`, the
default).
"""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import cv2
import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from training import pictures as packs
from training.config import Config, smoke
from training.run import Run


def work(rank: int, config: Config, data: Path | None, out: Path, port: int) -> None:
    """Body of one process."""
    torch.set_num_threads(1)  # processes scale better than threads on tensors this small
    cv2.setNumThreads(0)
    if config.processes > 1:
        address = f"tcp://127.0.0.1:{port}"
        distributed.init_process_group(
            "gloo", init_method=address, rank=rank, world_size=config.processes
        )
    run = Run(config, data, out, rank)
    run.resume()
    if run.state.step == 0:
        run.log({"event": "start", **run.facts()})
    run.train()
    if config.processes > 1:
        distributed.destroy_process_group()


def launch(config: Config, data: Path | None, out: Path) -> None:
    """Start the processes of a run and wait for them."""
    out.mkdir(parents=True, exist_ok=True)
    if data is not None and data.is_dir():
        pack = out / "pack.npz"
        if not pack.exists():
            packs.pack(data, pack)
        data = pack
    if config.processes == 1:
        work(0, config, data, out, 0)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    spawn(work, (config, data, out, port), nprocs=config.processes)  # type: ignore[no-untyped-call]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="pack or folder of pictures; none: drawn only")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=Config.seed)
    parser.add_argument("--processes", type=int, default=Config.processes)
    parser.add_argument("--smoke", action="store_true", help="a few small steps of every stage")
    parser.add_argument("--resume", choices=["auto", "never"], default="auto")
    arguments = parser.parse_args()
    config = Config(arguments.seed, arguments.processes)
    if arguments.resume == "never":
        (arguments.out / "latest.pt").unlink(missing_ok=True)
    launch(smoke(config) if arguments.smoke else config, arguments.data, arguments.out)


if __name__ == "__main__":
    main()
