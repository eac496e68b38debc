"""A small picture of each project, for lists."""

from pathlib import Path

from sam2ov.errors import FrameDecodeError, StorageError
from sam2ov.export.pictures import encode_jpeg
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.video import FrameReader, PictureForm

MAX_SIDE = 320
_QUALITY = 75


def store_thumbnail(video: FrameReader, path: Path) -> None:
    """Store a picture of a clip: its middle keyframe, as clips like to begin and end in black.

    There is none of a clip whose keyframe is damaged.

    Args:
        video: the clip.
        path: of a JPEG file, at most ``MAX_SIDE`` pixels wide and high.

    Raises:
        StorageError: the disk is full.
    """
    keyframes = video.keyframes
    form = PictureForm(max_side=MAX_SIDE, is_square=True, has_alpha=True)
    try:
        with video.twin(cache_bytes=0, form=form) as shown:
            picture = on_checkerboard(shown.read(int(keyframes[len(keyframes) // 2])))
    except FrameDecodeError:
        return
    try:
        path.write_bytes(encode_jpeg(picture, _QUALITY))
    except OSError as error:
        raise StorageError(
            f"The project cannot be stored: {error.strerror}. Free some disk space."
        ) from error
