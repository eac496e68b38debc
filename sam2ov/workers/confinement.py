"""What a worker may do, and how the system is made to hold it to that.

Everywhere: memory, open files, sizes of files and no core dumps, as far as the system has such
limits (``resource``). On Linux besides: no network, no other programs, no further processes, no
look at other processes (seccomp), and no file but Python's own and those that are the worker's
(Landlock, from Linux 5.13). On macOS and Windows, and on other processors than x86-64 and ARM64,
these are missing; ``confine`` tells which, and the documentation says so.
"""

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sam2ov
from sam2ov.workers import landlock, seccomp

DEFAULT_MEMORY_BYTES: Final = 4 << 30


@dataclass(frozen=True)
class Confinement:
    """What is a worker's.

    Attributes:
        reads: files, and folders with all that is in them, that it may read.
        writes: folders in which it may make and change files.
        memory_bytes: that it may have.
        file_bytes: that a file which it writes may have.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    file_bytes: int = 0


def expected_gaps() -> tuple[str, ...]:
    """What this system does not hold workers to: of "memory", "files", "network"."""
    gaps = {
        "memory": sys.platform != "linux",
        "files": landlock.version() == 0,
        "network": not seccomp.is_known(),
    }
    return tuple(name for name, is_missing in gaps.items() if is_missing)


def confine(allowed: Confinement) -> tuple[str, ...]:
    """Hold this process to what is allowed, for good; threads that run already are not held.

    Returns:
        What could not be had on this system: of "memory", "files", "network".
    """
    missing = []
    if not _limit(allowed):
        missing.append("memory")
    if not landlock.restrict((*_own_files(), *allowed.reads), allowed.writes):
        missing.append("files")
    if not seccomp.restrict():
        missing.append("network")
    return tuple(missing)


def _limit(allowed: Confinement) -> bool:
    if sys.platform == "win32":
        return False
    import resource

    def lower(kind: int, value: int) -> None:
        _, hard = resource.getrlimit(kind)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_NOFILE, 256)
    lower(resource.RLIMIT_FSIZE, allowed.file_bytes)
    # Of what is mapped, this counts what only the process itself can have filled.
    lower(resource.RLIMIT_DATA, allowed.memory_bytes)
    return sys.platform == "linux"


_PACKAGE_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})


def _own_files() -> tuple[Path, ...]:
    """Where Python, its libraries and the system's lie: code may be loaded on first use."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders = [Path(path) for path in sorted(paths) if path]
    folders += [Path(sam2ov.__file__).parent, Path(sys.base_prefix, "lib")]
    # An environment may use the packages of another one, or those of the system and the user.
    folders += [path for path in map(Path, sys.path) if path.name in _PACKAGE_FOLDERS]
    folders += [Path(path) for path in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share")]
    folders += [
        Path("/proc/self"),
        Path("/proc/cpuinfo"),
        Path("/proc/meminfo"),
        Path("/sys/devices/system"),
    ]
    folders += [Path("/dev/null"), Path("/dev/urandom")]
    # Where packages are used from a checkout, they lie elsewhere; libraries of the system too.
    return tuple(folder for folder in folders if os.path.lexists(folder))
