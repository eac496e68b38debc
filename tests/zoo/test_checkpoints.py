"""Downloads of checkpoints: resumed, checked, given up; the hub is on 127.0.0.1."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sam2ov.errors import CancelledError, DownloadError
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.zoo import checkpoints
from sam2ov.zoo.checkpoints import fetch_checkpoint
from tests.hub_server import HubServer
from tests.zoo.conftest import CONTENT, FILE, NAME, ROOT

FETCH = f"""
import sys
from pathlib import Path
from sam2ov.zoo.checkpoints import fetch_checkpoint
print(fetch_checkpoint("facebook/{NAME}", {FILE!r}, Path(sys.argv[1])).name)
"""


@pytest.fixture
def folder(cache: Path) -> Path:
    """Where the checkpoint is downloaded to; it is not there yet."""
    return cache / "checkpoints"


def fetch(
    folder: Path, progress: ProgressCallback | None = None, cancel: CancelCheck | None = None
) -> Path:
    return fetch_checkpoint(f"facebook/{NAME}", FILE, folder, progress=progress, cancel=cancel)


def test_an_interrupted_download_is_resumed(hub: HubServer, folder: Path) -> None:
    arrived: list[int] = []

    def stop_in_the_middle() -> bool:
        return bool(arrived) and arrived[-1] > len(CONTENT) // 2

    with pytest.raises(CancelledError, match=FILE):
        fetch(folder, progress=lambda step: arrived.append(step.done), cancel=stop_in_the_middle)
    [part] = folder.iterdir()
    present = part.stat().st_size
    assert 0 < present < len(CONTENT)

    fetch(folder)
    assert hub.content_ranges == [None, f"bytes={present}-"]
    assert (folder / FILE).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_broken_connection_is_continued_within_one_call(hub: HubServer, folder: Path) -> None:
    hub.cut_after = [400_000, 0, 300_000]
    fetch(folder)
    assert (folder / FILE).read_bytes() == CONTENT
    assert len(hub.content_ranges) == 4
    assert all(asked is not None for asked in hub.content_ranges[2:])


def test_a_server_without_ranges_starts_again(hub: HubServer, folder: Path) -> None:
    hub.cut_after = [400_000]
    hub.ranges = False
    fetch(folder)
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_discarded(hub: HubServer, folder: Path) -> None:
    part = folder / f"{FILE}.{hashlib.sha256(CONTENT).hexdigest()[:16]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    fetch(folder)
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_busy_hub_is_asked_again(hub: HubServer, folder: Path) -> None:
    hub.statuses = [503, 429]
    assert fetch(folder).is_file()
    assert len(hub.content_ranges) == 3


def test_a_connection_that_always_breaks_is_given_up(hub: HubServer, folder: Path) -> None:
    hub.cut_after = [0] * 50
    with pytest.raises(DownloadError, match=rf"Cannot fetch {FILE}"):
        fetch(folder)
    assert len(hub.content_ranges) == checkpoints.ATTEMPTS_WITHOUT_PROGRESS


def test_a_refusal_is_final(hub: HubServer, folder: Path) -> None:
    hub.statuses = [403] * 50
    with pytest.raises(DownloadError, match="403"):
        fetch(folder)
    assert len(hub.content_ranges) == 1


def test_a_wrong_checksum_is_refused_and_the_file_deleted(hub: HubServer, folder: Path) -> None:
    hub.etag = "0" * 64
    with pytest.raises(DownloadError, match=rf"{FILE} .* damaged and was deleted.*0000"):
        fetch(folder)
    assert list(folder.iterdir()) == []


def test_a_hub_that_gives_no_checksum_is_refused(hub: HubServer, folder: Path) -> None:
    hub.etag = "not-a-sha256"
    with pytest.raises(DownloadError, match="HF_ENDPOINT"):
        fetch(folder)
    assert hub.content_ranges == []


@pytest.mark.parametrize("ranges", [True, False])
def test_more_than_was_announced_is_not_written(hub: HubServer, folder: Path, ranges: bool) -> None:
    hub.padding = bytes(10_000_000)
    hub.ranges = ranges
    with pytest.raises(DownloadError, match="the hub sends more than it announced"):
        fetch(folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= len(CONTENT)


def test_less_than_was_announced_is_given_up(hub: HubServer, folder: Path) -> None:
    hub.size = len(CONTENT) + 1
    hub.ranges = False
    with pytest.raises(DownloadError, match="the hub sends less than it announced"):
        fetch(folder)
    assert len(hub.content_ranges) == checkpoints.ATTEMPTS_WITHOUT_PROGRESS + 1


def test_what_is_no_checkpoint_by_its_size_is_not_fetched(hub: HubServer, folder: Path) -> None:
    hub.size = checkpoints.MOST_BYTES + 1
    with pytest.raises(DownloadError, match=r"was refused: it has 8\.6 GB.*weights alone\."):
        fetch(folder)
    assert hub.content_ranges == []


def test_a_file_the_hub_does_not_have_is_named(hub: HubServer, folder: Path) -> None:
    with pytest.raises(DownloadError, match=r"sam2_hiera_small\.pt of facebook/sam2-hiera-small"):
        fetch_checkpoint("facebook/sam2-hiera-small", "sam2_hiera_small.pt", folder)


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [({}, FILE), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE")],
)
def test_the_hubs_environment_variables_are_respected(
    hub: HubServer, folder: Path, tmp_path: Path, variables: dict[str, str], outcome: str
) -> None:
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": os.fspath(tmp_path / "hf"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", FETCH, folder],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout + done.stderr
    assert len(hub.content_ranges) == (0 if variables else 1)
