"""A disk that is full for real: told in words, and the app goes on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sam2ov.samples import SAMPLE_PATH
from tests.e2e.conftest import checked_app
from tools.driven_app import RunningApp
from tools.spoken_page import SpokenPage

DISK_MB = 24
NOISE = np.random.default_rng(1).integers(0, 256, (DISK_MB + 8) << 20, np.uint8).tobytes()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, check=False).returncode:
        pytest.skip("a file system in memory cannot be mounted here: that takes root, on Linux")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def app(disk: Path, tmp_path: Path) -> Iterator[RunningApp]:
    folder = tmp_path / "app"
    folder.mkdir()
    (disk / "tmp").mkdir()
    places = {"TMPDIR": str(disk / "tmp"), "SAM2OV_PROJECTS": str(disk / "projects")}
    with checked_app(folder, variables=places) as running:
        yield running
    assert list(disk.glob("projects/.tab-*")) == []
    assert "Traceback" not in running.log.read_text(), running.log.read_text()


def fill(disk: Path) -> Path:
    """Leave no room there; gives the file that has it."""
    rest = disk / "rest"
    with rest.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(NOISE[: 1 << 16]):
            pass
    assert shutil.disk_usage(disk).free == 0
    return rest


def test_a_full_disk_is_told_in_words_and_the_app_goes_on(app: RunningApp, disk: Path) -> None:
    with SpokenPage(app.url) as page:
        page.hello()
        # What the page sends, and what Gradio's components do.
        upload = f"/media/{page.snapshot['upload']}/clip"
        answer = page.http.put(upload, params={"name": "clip.mp4"}, content=NOISE)
        assert (answer.status_code, "No space left on device" in answer.text) == (507, True)
        assert "SAM2OV_PROJECTS" in answer.text
        answer = page.http.post("/gradio_api/upload", files={"files": ("clip.mp4", NOISE)})
        assert (answer.status_code, "No space left on device" in answer.text) == (507, True)
        assert "TMPDIR" in answer.text
        assert str(disk) not in answer.text

        # Nothing of them is left: there is room for a clip, of which a process reads.
        assert page.put_clip(SAMPLE_PATH.read_bytes(), "clip.mp4") == 201
        page.send("open", {"source": "upload", "project": None})
        assert page.told == []
        page.edit("click", frame=0, object=1, x=250.0, y=80.0, positive=True)

        rest = fill(disk)
        # Full now: frames are still read, and what cannot be kept is said.
        assert [page.picture(frame) for frame in (1, 60, 33)] == [200] * 3
        for frame in range(1, 9):
            page.edit("click", frame=frame, object=1, x=250.0, y=80.0, positive=True)
        page.export()
        page.send("save_project", {"with_clip": True})
        assert page.told
        assert all(line.isprintable() and "Something went wrong" not in line for line in page.told)
        assert any("disk" in line or "No space left" in line for line in page.told), page.told

        rest.unlink()
        page.told.clear()
        page.edit("click", frame=20, object=1, x=250.0, y=80.0, positive=True)
        page.send("save_project", {"with_clip": True})
        assert page.told == []
        assert page.snapshot["download"] is not None


def test_a_project_file_that_does_not_fit_is_told_of(app: RunningApp, disk: Path) -> None:
    """It is unpacked by a process of its own, whose disk this is as well."""
    with SpokenPage(app.url) as page:
        page.hello()
        assert page.put_clip(SAMPLE_PATH.read_bytes(), "clip.mp4") == 201
        page.send("open", {"source": "upload", "project": None})
        page.send("save_project", {"with_clip": True})
        saved = page.http.get("/" + page.snapshot["download"]["url"]).content
        assert page.put_clip(saved, "p.sam2ov") == 201
        rest = fill(disk)
        page.send("open", {"source": "upload", "project": None})
        (said,) = page.told
        assert "No space left on device" in said
        assert said.isprintable()
        rest.unlink()
        page.send("open", {"source": "upload", "project": None})
        assert page.told == [said]
