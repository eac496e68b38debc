"""The app in a process of its own and a browser, for measurements and for the tests."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 120
STOP_SECONDS = 20


class AppError(Exception):
    """The app did not start, or did not stop; the message ends with its log."""


@dataclass(frozen=True)
class RunningApp:
    """The running app: its address, its process, where it keeps projects, and its log."""

    url: str
    pid: int
    projects: Path
    log: Path

    def tabs(self) -> int:
        """How many tabs have files on the server."""
        return len(list(self.projects.glob(".tab-*")))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_app(
    folder: Path,
    *options: str,
    port: int | None = None,
    program: tuple[str, ...] = ("-m", "sam2ov"),
    variables: Mapping[str, str] | None = None,
    shows_errors: bool = False,
) -> Iterator[RunningApp]:
    """The app until the block ends.

    Args:
        folder: for all that it writes; what an earlier one has left there is found again.
        options: of ``sam2ov app``.
        port: to listen on; None for a free one.
        program: what Python runs.
        variables: of its environment, beside ours.
        shows_errors: its errors go where ours go rather than to its log.

    Raises:
        AppError: it did not start, or did not stop on SIGTERM; then it has been killed.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    port = port or free_port()
    projects, log_path = folder / "projects", folder / "log.txt"
    environment = os.environ | {
        "TMPDIR": str(folder / "tmp"),
        "SAM2OV_CACHE": str(folder / "cache"),
        "SAM2OV_PROJECTS": str(projects),
    }
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "app", "--port", str(port), *options],
            cwd=REPOSITORY,
            env=environment | dict(variables or {}),
            stdout=log,
            stderr=None if shows_errors else subprocess.STDOUT,
        )
    running = RunningApp(f"http://127.0.0.1:{port}", process.pid, projects, log_path)
    try:
        if not _answers(running.url, process):
            raise _error("did not start", log_path)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise _error("did not stop on SIGTERM", log_path) from error


@contextmanager
def temporary_app(cache: Path | None = None) -> Iterator[RunningApp]:
    """The app with folders of its own, which go at the end.

    Args:
        cache: for compiled graphs and models; None for one that is empty and goes, too.
    """
    variables = {} if cache is None else {"SAM2OV_CACHE": str(cache)}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder), variables=variables, shows_errors=True) as app,
    ):
        yield app


def find_chromium() -> str | None:
    """The path of an installed Chromium."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    path = find_chromium()
    if path is None:
        sys.exit("There is no Chromium here: on Debian and Ubuntu, apt install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def resident_mb(pid: int) -> float:
    """The memory that a process holds now, in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            stat = path.read_text(encoding="utf-8")
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def processor_name() -> str:
    """The processor, and how many cores of it there are."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    return f"{os.cpu_count()} cores of {name}"


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 - our own
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _error(what: str, log_path: Path) -> AppError:
    log = log_path.read_text(encoding="utf-8", errors="replace")
    return AppError(f"The app {what}.\n{log}")
