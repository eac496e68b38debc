"""The clip of a project is known again after encoding and grading; others are named."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sam2ov.errors import ProjectError
from sam2ov.project.clip_match import marks_of, require_match
from sam2ov.project.folder import ProjectInfo
from sam2ov.video import FrameReader, VideoInfo, open_video
from tests.clips import Encoding, make_scene, write_clip
from tests.video import ffmpeg

LENGTH = 60


def known(reader: FrameReader) -> ProjectInfo:
    """As it stands in a project file, and is read back."""
    info = reader.info
    made = ProjectInfo(
        clip_name="clip.mp4",
        num_frames=info.num_frames,
        width=info.width,
        height=info.height,
        fps=str(info.fps),
        marks=marks_of(reader),
    )
    return ProjectInfo.model_validate_json(made.model_dump_json())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = make_scene(LENGTH + 4, (144, 256))
    return write_clip(
        tmp_path_factory.mktemp("clip") / "clip", scene.frames[2:-2], Encoding(fps=Fraction(25))
    )


@pytest.fixture(scope="module")
def facts(clip: Path) -> ProjectInfo:
    with open_video(clip) as reader:
        return known(reader)


def test_marks_are_small(facts: ProjectInfo) -> None:
    assert len(facts.model_dump_json()) < 20_000
    assert [mark.frame for mark in facts.marks] == [6, 18, 30, 42, 54]


@pytest.mark.parametrize(
    "how",
    [
        ("-c", "copy"),
        ("-c:v", "libx264", "-crf", "38", "-g", "5"),
        ("-c:v", "mpeg4", "-q:v", "20"),
        ("-c:v", "libx264", "-vf", "eq=brightness=0.15:contrast=0.7:saturation=0.3"),
        ("-c:v", "ffv1"),
    ],
    ids=["copied", "coarse", "mpeg4", "graded", "lossless"],
)
def test_the_clip_is_known_again(
    clip: Path, facts: ProjectInfo, tmp_path: Path, how: tuple[str, ...]
) -> None:
    again = tmp_path / "again.mkv"
    ffmpeg.run("ffmpeg", "-i", clip, *how, again)
    with open_video(again) as reader:
        require_match(reader, facts)


@pytest.mark.parametrize(("first", "message"), [(1, "a frame later"), (3, "a frame earlier")])
def test_a_clip_that_was_moved_by_a_frame(
    facts: ProjectInfo, tmp_path: Path, first: int, message: str
) -> None:
    scene = make_scene(LENGTH + 4, (144, 256))
    moved = write_clip(
        tmp_path / "moved", scene.frames[first : first + LENGTH], Encoding(fps=Fraction(25))
    )
    with open_video(moved) as reader, pytest.raises(ProjectError, match=message):
        require_match(reader, facts)


def test_another_picture_rate_length_and_size(facts: ProjectInfo, tmp_path: Path) -> None:
    other = make_scene(LENGTH, (144, 256), seed=9)
    for encoding, frames, message in (
        (Encoding(fps=Fraction(25)), other.frames, "which shows something else than"),
        (Encoding(fps=Fraction(30)), other.frames, "25 frames a second, but the clip here has 30"),
        (
            Encoding(fps=Fraction(25)),
            other.frames[:-1],
            "60 frames of 256×144, but the clip here has 59 of",
        ),
        (Encoding(fps=Fraction(25)), other.frames[:, :128], "has 60 of 256×128"),
    ):
        path = write_clip(tmp_path / "other", frames, encoding)
        with open_video(path) as reader, pytest.raises(ProjectError, match=message):
            require_match(reader, facts)


@dataclass
class Still:
    """A clip of equal frames."""

    info: VideoInfo
    frame: npt.NDArray[np.uint8]

    def read(self, frame_idx: int) -> npt.NDArray[np.uint8]:
        return self.frame


def test_a_black_clip_and_one_that_stands_still_match_themselves(
    clip: Path, facts: ProjectInfo
) -> None:
    with open_video(clip) as reader:
        info, picture = reader.info, reader.read(0)
    black = Still(info, np.zeros((144, 256, 3), np.uint8))
    still = Still(info, picture)
    for same in (black, still):
        told = facts.model_copy(update={"marks": marks_of(same)})
        require_match(same, told)
    with pytest.raises(ProjectError, match="something else"):
        require_match(black, facts)


def test_a_dark_clip_that_is_a_little_darker_still(clip: Path, facts: ProjectInfo) -> None:
    with open_video(clip) as reader:
        info, picture = reader.info, reader.read(0)
    dark = Still(info, (picture * 0.035).astype(np.uint8))
    darker = Still(info, (picture * 0.03).astype(np.uint8))
    require_match(darker, facts.model_copy(update={"marks": marks_of(dark)}))
