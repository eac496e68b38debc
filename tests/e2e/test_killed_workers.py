"""Processes that read files are killed while somebody opens, plays, tracks and exports."""

import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import pytest

from sam2ov.samples import SAMPLE_PATH
from tests.e2e.conftest import checked_app
from tools.driven_app import RunningApp, children
from tools.spoken_page import SpokenPage

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are found as Linux shows them"
)
ROUNDS = 4


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """Nothing may be left of it, which is looked at when it has ended."""
    with checked_app(tmp_path_factory.mktemp("killed")) as running:
        yield running
    log = running.log.read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def page(app: RunningApp) -> Iterator[SpokenPage]:
    with SpokenPage(app.url) as page:
        page.hello()
        yield page


@contextmanager
def one_is_killed(app: RunningApp, seconds: float) -> Iterator[None]:
    """All workers there are, so long after the block has begun."""

    def kill() -> None:
        for pid in children(app.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    killing = threading.Timer(seconds, kill)
    killing.start()
    try:
        yield
    finally:
        killing.join()


def upload(page: SpokenPage) -> None:
    assert page.put_clip(SAMPLE_PATH.read_bytes(), "clip.mp4") == 201
    page.send("open", {"source": "upload", "project": None})


def test_while_opening(app: RunningApp, page: SpokenPage) -> None:
    delays = Random(7)
    for _ in range(ROUNDS):
        page.told.clear()
        with one_is_killed(app, delays.uniform(0.0, 0.4)):
            upload(page)
        assert len(page.told) <= 1
        assert page.snapshot["clip"] is not None or "crashed (signal 9)" in page.told[0]
        assert all(line.isprintable() for line in page.told)
        upload(page)
        assert page.picture(40) == 200


def test_while_playing(app: RunningApp, page: SpokenPage) -> None:
    upload(page)
    delays = Random(8)
    for _ in range(ROUNDS):
        with one_is_killed(app, delays.uniform(0.0, 0.2)):
            for first in range(0, 96, 16):
                answer = page.http.get(f"/media/{page.clip}/run/{first}", params={"count": 16})
                assert answer.status_code == 200
                (frame,) = struct.unpack_from("<I", answer.content)
                assert frame == first
            assert [page.picture(frame) for frame in (90, 3, 50)] == [200] * 3


def test_while_tracking(app: RunningApp, page: SpokenPage) -> None:
    upload(page)
    page.edit("click", frame=0, object=1, x=250.0, y=80.0, positive=True)
    track = {"clip": page.clip, "frame": 0, "direction": "forward", "objects": None}
    with one_is_killed(app, 0.5):
        page.send("track_1", track)
    assert page.told == []
    assert page.snapshot["objects"][0]["tracked"] == "0-95"


def test_while_exporting(app: RunningApp, page: SpokenPage) -> None:
    upload(page)
    page.edit("click", frame=0, object=1, x=250.0, y=80.0, positive=True)
    page.send("track_1", {"clip": page.clip, "frame": 0, "direction": "forward", "objects": None})
    for delay in (0.05, 0.3):
        page.told.clear()
        with one_is_killed(app, delay):
            page.export()
        # The sound is fetched by a worker of its own, whose end is the export's.
        assert page.snapshot["download"] is not None or "crashed (signal 9)" in page.told[0]
        assert len(page.told) <= 1
    page.export()
    assert page.snapshot["download"] is not None


def test_somebody_else_notices_nothing(app: RunningApp) -> None:
    """Workers of others are killed with theirs; each is replaced."""
    with SpokenPage(app.url) as one, SpokenPage(app.url) as other:
        for page in (one, other):
            page.hello()
            page.send("open", {"source": "sample", "project": None})
        for _ in range(ROUNDS):
            with one_is_killed(app, 0.0):
                assert one.picture(5) == 200
            began = time.monotonic()
            assert other.picture(6) == 200
            assert time.monotonic() - began < 60
