"""What sources are called, and what of FFmpeg each may use."""

import traceback

import pytest

from sam2ov.errors import VideoOpenError
from sam2ov.video.live import parse_input


def test_cameras_by_number_path_and_name(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "video3").mkdir()
    (tmp_path / "video3" / "name").write_text("Desk Camera\n")
    monkeypatch.setattr("sam2ov.video.live.inputs._V4L_NAMES", tmp_path)
    for name, place in (
        ("0", "/dev/video0"),
        ("/dev/video2", "/dev/video2"),
        ("Desk Camera", "/dev/video3"),
    ):
        found = parse_input(name, platform="linux", size=(1280, 720), rate=30)
        assert (found.kind, found.url, found.demuxer) == ("camera", place, "v4l2")
        assert found.options == {"video_size": "1280x720", "framerate": "30"}
        assert found.comes_back
    assert parse_input("FaceTime", platform="darwin").demuxer == "avfoundation"
    assert parse_input("Cam", platform="win32").url == "video=Cam"
    with pytest.raises(VideoOpenError, match="no camera, no file and no address"):
        parse_input("nothing", platform="linux")


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http", "https", "srt", "udp"])
def test_streams_reach_no_files(scheme: str) -> None:
    found = parse_input(f"{scheme}://someone:secret@example.org:8554/a/b?key=hidden")
    assert found.kind == "stream"
    assert "file" not in found.options["protocol_whitelist"].split(",")
    assert {"concat", "image2"}.isdisjoint(found.options["format_whitelist"].split(","))
    assert found.name == f"{scheme}://example.org:8554/a/b"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "concat://x", "gopher://x/", "http://["])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(VideoOpenError):
        parse_input(address)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://u:secret@host:99999/",
        "rtsp://u:secret/more@host/",
        "rtsp://u:secret\u2100@host/",
        "rtsp://u:secret@[host/",
        "rtsp:/u:secret@host/",
    ],
)
def test_passwords_are_not_told(address: str) -> None:
    with pytest.raises(VideoOpenError) as raised:
        parse_input(address, platform="linux")
    shown = "".join(traceback.format_exception(raised.value.with_traceback(None)))
    assert "secret" not in shown


def test_standard_input() -> None:
    found = parse_input("-")
    assert found.kind == "stdin"
    assert not found.comes_back
