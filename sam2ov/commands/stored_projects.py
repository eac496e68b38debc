"""Projects that commands read without a model, with their clips."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sam2ov.commands.console import say
from sam2ov.values.field_order import FieldOrder

if TYPE_CHECKING:
    from sam2ov.project.stored import StoredProject
    from sam2ov.video import FrameReader


@contextmanager
def opened_with_clip(
    place: str, clip: Path | None, field_order: FieldOrder | None = None
) -> Iterator["tuple[StoredProject, FrameReader]"]:
    """Open a project and its clip, which is read as the project says, or as ``field_order`` does.

    Raises:
        ProjectError: there is no such project, or the clip is another one.
        VideoError: the clip cannot be read.
    """
    from sam2ov.project.clip_match import require_match
    from sam2ov.project.stored import open_stored_project
    from sam2ov.video import VideoLimits, open_video

    with open_stored_project(place, VideoLimits().max_bytes, clip) as project:
        info = project.info
        with open_video(
            project.clip,
            verify=info.is_verified,
            field_order=field_order or info.field_order,
            holds_gaps=info.holds_gaps,
        ) as reader:
            for line in reader.info.treatment:
                say(f"{info.clip_name}: {line}.")
            require_match(reader, info)
            yield project, reader
