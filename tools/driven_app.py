"""The app in a process of its own and a browser, for the measurements in this folder."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@dataclass(frozen=True)
class RunningApp:
    """Where the app is, and the process it runs in."""

    url: str
    pid: int
    projects: Path


@contextmanager
def running_app(*options: str, cache: Path | None = None) -> Iterator[RunningApp]:
    """Start the app with folders of its own; stop it at the end.

    Args:
        options: of ``sam2ov app``.
        cache: for compiled graphs and models; None for one that is empty and goes at the end.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        projects = Path(folder) / "projects"
        environment = os.environ | {
            "TMPDIR": folder,
            "SAM2OV_CACHE": str(cache or Path(folder) / "cache"),
            "SAM2OV_PROJECTS": str(projects),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "sam2ov", "app", "--port", str(port), *options],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(url, process)
            yield RunningApp(url, process.pid, projects)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
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


def processor_name() -> str:
    """The processor, and how many cores of it there are."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    return f"{os.cpu_count()} cores of {name}"


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("The app did not start.")
