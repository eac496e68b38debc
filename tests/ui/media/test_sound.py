"""The sound of an open clip: what cannot be made is told of, and not waited for."""

import threading
from pathlib import Path
from typing import Any

import pytest

from sam2ov.errors import ExportError, VideoError
from sam2ov.ui.media.sound import ClipSound
from sam2ov.video import VideoLimits, open_video
from sam2ov.video.audio import Sound, write_sound
from tests import clips

SECONDS = 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    how = clips.Encoding(".mp4", audio="aac")
    return clips.write_clip(
        tmp_path / "clip.mp4", clips.make_scene(6, (48, 64), seed=3).frames, how
    )


def refuse(*_: Any) -> None:
    raise ValueError("zip() argument 2 is shorter than argument 1")


def test_what_cannot_be_muxed_is_an_error_of_ours(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sound, "mux_until", refuse)
    with open_video(source) as reader, pytest.raises(ExportError, match=r"clip\.mp4 cannot be"):
        write_sound(source, reader.info, tmp_path / "sound.mp4", VideoLimits())
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_whatever_goes_wrong_ends_the_waiting(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_video(source) as reader:
        info = reader.info
    monkeypatch.setattr("sam2ov.ui.media.sound.write_sound", refuse)
    sound = ClipSound(source, info, tmp_path / "sound.mp4")
    assert sound.file() is None
    for thread in threading.enumerate():
        if thread.name == "sam2ov-sound":
            thread.join(SECONDS)
    with pytest.raises(VideoError, match="cannot be made"):
        sound.file()
