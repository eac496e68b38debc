"""What the numbers were measured on."""

import os
import platform
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import sam2ov

_PROC = Path("/proc")


@dataclass(frozen=True)
class MachineFacts:
    """A machine and the software that counts.

    Attributes:
        processor: its name as the system gives it.
        cores: how many logical processors this process may use.
        memory_bytes: installed memory, or None where the system does not say.
        system: operating system and architecture.
        python: its version.
        openvino: its version.
        sam2ov: its version.
    """

    processor: str
    cores: int
    memory_bytes: int | None
    system: str
    python: str
    openvino: str
    sam2ov: str


def machine_facts() -> MachineFacts:
    """Those of this machine."""
    return MachineFacts(
        processor=_processor(),
        cores=_cores(),
        memory_bytes=_memory_bytes(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        openvino=version("openvino"),
        sam2ov=sam2ov.__version__,
    )


def load_average() -> float | None:
    """Processes that wanted to run, on average over the last minute; None on Windows."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def forget_peak_memory() -> None:
    """Let ``peak_memory_bytes`` begin anew, where the system can do that (Linux)."""
    clear_refs = _PROC / "self" / "clear_refs"
    # Some containers do not let a process write there; the peak is then that of its whole life.
    with suppress(OSError):
        clear_refs.write_text("5")


def peak_memory_bytes() -> int | None:
    """The most memory that this process has held; None where the system does not say."""
    if (_PROC / "self" / "status").is_file():
        return _kilobytes(_PROC / "self" / "status", "VmHWM")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def _processor() -> str:
    cpuinfo = _PROC / "cpuinfo"
    if cpuinfo.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if found is not None:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    if (_PROC / "meminfo").is_file():
        return _kilobytes(_PROC / "meminfo", "MemTotal")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _kilobytes(path: Path, key: str) -> int | None:
    found = re.search(rf"^{key}:\s*(\d+) kB$", path.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found is not None else None
