"""The sound of a clip as the page plays it: a file of its own, made when it is first asked for."""

import logging
import threading
from pathlib import Path

from sam2ov.errors import Sam2ovError, VideoError
from sam2ov.video import VideoInfo, VideoLimits
from sam2ov.video.audio import write_sound

_log = logging.getLogger(__name__)


class ClipSound:
    """Makes the file in a thread of its own. Methods may be called from any thread.

    Args:
        source: the clip, which was opened within its limits.
        info: of it.
        path: of the file; one that is there is used.
    """

    def __init__(self, source: Path, info: VideoInfo, path: Path) -> None:
        self._source = source
        self._info = info
        self._path = path
        self._begun = threading.Event()
        self._done = threading.Event()
        self._problem = ""

    def file(self) -> Path | None:
        """The file, or None while it is being made.

        Raises:
            VideoError: there is no sound, or it cannot be made.
        """
        if self._path.is_file():
            return self._path
        if not self._begun.is_set():  # who is second here makes it again, which harms nobody
            self._begun.set()
            threading.Thread(target=self._make, name="sam2ov-sound", daemon=True).start()
        if self._done.is_set():
            raise VideoError(self._problem or f"The sound of {self._info.name} has gone.")
        return None

    def _make(self) -> None:
        try:
            write_sound(self._source, self._info, self._path, VideoLimits())
        except Sam2ovError as error:
            self._problem = str(error)
        except Exception:
            _log.exception("The sound of a clip cannot be made")
            self._problem = f"The sound of {self._info.name} cannot be made."
        finally:
            self._done.set()
