"""Local streams made by ffmpeg, a file at its own pace, and what cannot be opened."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sam2ov.errors import VideoOpenError
from sam2ov.video.live import Capture, LiveSource, parse_input
from tests.clips import write_clip

FFMPEG = shutil.which("ffmpeg")
WAIT = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def streaming(clip: Path, *target: str) -> Iterator[None]:
    """Ffmpeg sends a clip again and again at its own pace."""
    if FFMPEG is None:
        pytest.skip("no ffmpeg to make a stream with")
    command = [FFMPEG, "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip), *target]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.zeros((20, 64, 96, 3), np.uint8)
    frames[..., 0] = np.arange(20)[:, None, None] * 10
    return write_clip(tmp_path_factory.mktemp("live") / "clip", frames)


def test_a_file_is_shown_at_its_own_pace(clip: Path) -> None:
    began = time.monotonic()
    pictures = list(Capture(parse_input(str(clip)))())
    assert len(pictures) == 20
    assert pictures[0].shape == (64, 96, 3)
    assert time.monotonic() - began > 0.5, "the clip has 20 frames of 1/24 or 1/25 s"


def test_a_stream_is_followed_and_waited_for(clip: Path) -> None:
    """MJPEG over TCP, whose sender goes and comes back."""
    address = f"tcp://127.0.0.1:{free_port()}"
    target = ("-c:v", "mjpeg", "-f", "mpjpeg", f"{address}?listen=1")
    told: list[str] = []
    with LiveSource(
        Capture(parse_input(address)), comes_back=True, waits=True, note=told.append
    ) as source:
        for _ in range(2):
            with streaming(clip, *target):
                frames = [source.take(WAIT) for _ in range(3)]
            assert all(frame is not None for frame in frames), told
            assert frames[0] is not None
            assert frames[0].image.shape == (64, 96, 3)
            while source.take(0.2) is not None:
                pass
    assert source.times_gone >= 1
    assert any("Waiting" in line for line in told)


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp", "srt"])
def test_what_cannot_be_opened_is_told_without_its_password(scheme: str) -> None:
    """Where FFmpeg has no SRT, as in PyAV's wheels, that is what it says."""
    source = parse_input(f"{scheme}://me:secret@127.0.0.1:{free_port()}/stream")
    with pytest.raises(VideoOpenError, match="cannot be opened") as caught:
        next(Capture(source)())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile /etc/hostname\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    ],
)
def test_what_a_server_says_leads_to_no_file(script: str) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(script.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            source = parse_input(f"http://127.0.0.1:{server.server_port}/live.m3u8")
            with pytest.raises(VideoOpenError):
                next(Capture(source)())
        finally:
            server.shutdown()
