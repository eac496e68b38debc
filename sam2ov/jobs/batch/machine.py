"""What this machine, or this container, gives; and what processes take of it."""

import math
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Limits:
    """What the machine gives.

    Attributes:
        at_once: clips, at most.
        cores: that all of them share.
        memory_bytes: that all of them may take together.
    """

    at_once: int
    cores: int
    memory_bytes: int


def machine_limits(
    at_once: int | None = None, memory_gb: float | None = None, clips: int | None = None
) -> Limits:
    """Those of this machine, or of the container that this is.

    Args:
        at_once: clips; None for as many as there are cores.
        memory_gb: that they may take; None for 80 % of what is free now.
        clips: in all; None: nobody knows.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = max(min(cores or 1, _container_cores()), 1)
    free = min(psutil.virtual_memory().available, _container_bytes())
    memory = 0.8 * free if memory_gb is None else memory_gb * 2**30
    return Limits(max(min(at_once or cores, clips or cores), 1), cores, int(memory))


def _container_bytes() -> float:
    """What a container's memory has left; infinite outside of one."""
    limit, taken = _told_by_kernel("memory.max"), _told_by_kernel("memory.current")
    return float(limit[0]) - float(taken[0]) if limit and taken else math.inf


def _container_cores() -> int:
    """The cores' worth of time that a container has; very many outside of one."""
    told = _told_by_kernel("cpu.max")
    return math.ceil(int(told[0]) / int(told[1])) if len(told) == 2 else 1 << 16


def _told_by_kernel(name: str) -> list[str]:
    """The numbers in a file of the control group; empty where there is none, or no limit."""
    try:
        told = Path("/sys/fs/cgroup", name).read_text(encoding="ascii").split()
    except OSError:
        return []
    return told if all(word.isdecimal() for word in told) else []


def memory_of(pids: Iterable[int]) -> dict[int, int]:
    """Bytes of processes, each with those that it has started; 0 for one that has gone."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for each in psutil.process_iter(["ppid", "memory_info"]):
        if each.info["memory_info"] is not None:
            parents[each.pid] = each.info["ppid"]
            sizes[each.pid] = each.info["memory_info"].rss
    totals = dict.fromkeys(pids, 0)
    for pid, size in sizes.items():
        above: int | None = pid
        while above is not None and above not in totals:
            above = parents.get(above)
        if above is not None:
            totals[above] += size
    return totals


def end_process(pid: int) -> None:
    """End a process with those that it has started."""
    with suppress(psutil.Error):
        known = psutil.Process(pid)
        for one in [*known.children(recursive=True), known]:
            with suppress(psutil.Error):
                one.kill()
