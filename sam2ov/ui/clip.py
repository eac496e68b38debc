"""An opened clip: its readers, the project on it, and what the page gets to see of it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sam2ov.journal import Journal
from sam2ov.session import VideoSession
from sam2ov.tracker import Tracker
from sam2ov.ui.messages import ClipView
from sam2ov.ui.overlay import Overlay, overlay_png
from sam2ov.ui.pictures import FramePictures
from sam2ov.ui.project import Project
from sam2ov.ui.proxies import Proxies
from sam2ov.video import FrameReader, VideoInfo, VideoLimits, open_video

_CACHE_BYTES = 64 << 20
_NO_LIMITS = VideoLimits()


def new_token() -> str:
    """A name that cannot be guessed, for URLs."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Upload:
    """An uploaded file and the name that the user knows it by."""

    path: Path
    name: str


class OpenClip:
    """An opened clip and the project on it; the page gets its frames under ``token``.

    Pictures have a reader of their own: one who looks around does not make tracking seek.

    Args:
        upload: the video file.
        reader: for the pictures; closed with the clip.
        project: closed with the clip.
        proxy_folder: for the small pictures; they stay when the clip is closed.

    Attributes:
        is_busy: tells whether somebody waits for an answer; the small pictures wait then.
    """

    def __init__(
        self, upload: Upload, reader: FrameReader, project: Project, proxy_folder: Path
    ) -> None:
        self.token = new_token()
        self.upload = upload
        self.project = project
        self.is_busy: Callable[[], bool] = lambda: False
        self.proxies = Proxies(reader, proxy_folder, lambda: self.is_busy())
        self.pictures = FramePictures(reader, self.proxies)
        self._reader = reader

    @classmethod
    def open(
        cls,
        upload: Upload,
        tracker: Tracker,
        storage_dir: Path,
        limits: VideoLimits = _NO_LIMITS,
    ) -> Self:
        """Open a file for editing.

        Raises:
            VideoError: it cannot be read, or exceeds a limit of uploads.
        """
        reader = _open(upload, limits)
        try:
            session = VideoSession(
                tracker, reader.twin(cache_bytes=_CACHE_BYTES), Journal.temporary(storage_dir)
            )
        except BaseException:
            reader.close()
            raise
        proxy_folder = storage_dir / f"proxies-{secrets.token_hex(4)}"
        return cls(upload, reader, Project(session), proxy_folder)

    def new_session(self, tracker: Tracker, storage_dir: Path) -> VideoSession:
        """A session of the same video without objects, for ``adopt``."""
        return VideoSession(tracker, self.new_reader(), Journal.temporary(storage_dir))

    def new_reader(self) -> FrameReader:
        """A further reader of the video; the caller closes it."""
        return _open(self.upload)

    def adopt(self, project: Project) -> None:
        """Go on with another project on the same video; the present one is closed."""
        project.revision = self.project.revision + 1
        self.project, outdated = project, self.project
        outdated.session.close()

    def close(self) -> None:
        """Release the decoders and delete the results."""
        self.proxies.close()
        self.pictures.close()
        self.project.session.close()
        self._reader.close()

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._reader.info

    def overlay(self, frame_idx: int, *, is_full: bool = False) -> Overlay:
        """The masks of a frame as the page shows them.

        Args:
            frame_idx: the frame.
            is_full: with the video's pixels, to be looked at closely.
        """
        objects, logits = self.project.masks(frame_idx)
        size_hw = self.project.session.size_hw if is_full else self.pictures.size_hw
        png = overlay_png(logits, [o.colour for o in objects], size_hw, is_exact=is_full)
        return Overlay(png, tuple(o.obj_id for o in objects))

    def view(self) -> ClipView:
        """What the page has to know."""
        return ClipView(
            token=self.token,
            name=self.upload.name,
            num_frames=self.info.num_frames,
            width=self.info.width,
            height=self.info.height,
            fps=float(self.info.fps),
        )


def _open(upload: Upload, limits: VideoLimits = _NO_LIMITS) -> FrameReader:
    return open_video(upload.path, limits, cache_bytes=_CACHE_BYTES)
