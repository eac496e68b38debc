"""An opened clip: its readers, the project on it, and what the page gets to see of it."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from sam2ov.engine.automatic import FoundMask
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ClipClosedError, ProjectError, PromptError, StorageError, VideoError
from sam2ov.progress import TakeTurn
from sam2ov.project import Project
from sam2ov.project.folder import INFO_FILE, ProjectFolder, ProjectInfo
from sam2ov.samples import SAMPLE_PATH
from sam2ov.store.journal import Journal
from sam2ov.ui.contract.messages import ClipView, FoundView
from sam2ov.ui.contract.queries import Hover, Look
from sam2ov.ui.media.overlay import Layer, Overlay, make_overlay
from sam2ov.ui.media.pictures import FramePictures, Level, as_jpeg
from sam2ov.ui.media.proxies import Proxies
from sam2ov.ui.media.sound import ClipSound
from sam2ov.ui.media.thumbnails import store_thumbnail
from sam2ov.ui.tabs.live_look import LiveLooks
from sam2ov.values.field_order import FieldOrder
from sam2ov.video import FrameReader, VideoInfo, open_video

_CACHE_BYTES = 64 << 20
_CHUNK_BYTES = 4 << 20

MakeProject = Callable[[VideoSession], Project]


def new_token() -> str:
    """A name that cannot be guessed, for URLs."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Upload:
    """An uploaded file and the name that the user knows it by.

    Attributes:
        path: of the file.
        name: for people.
        recorded: the journal of a project that was recorded with it; None for none.
    """

    path: Path
    name: str
    recorded: Path | None = None

    def discard(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        if self.recorded is not None:
            self.recorded.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Files:
    """What a project cannot do without, as it was when it was opened.

    Attributes:
        clip: open, so that it can be read even where it has been deleted.
        known: paths, and what was under each: device and number.
    """

    clip: BinaryIO
    known: Mapping[Path, tuple[int, int]]

    @classmethod
    def of(cls, folder: ProjectFolder, clip: Path) -> Self:
        """The files of a project."""
        paths = (folder.path / INFO_FILE, folder.journal, clip)
        try:
            known = {path: _identity(path) for path in paths}
            return cls(clip.open("rb"), known)
        except OSError as error:
            raise ProjectError(
                "This project cannot be opened: files of it are missing. Open the clip again, or "
                "a copy of the project that was saved earlier."
            ) from error

    @property
    def are_there(self) -> bool:
        """Whether all are where they were, and the same."""
        try:
            return all(_identity(path) == known for path, known in self.known.items())
        except OSError:
            return False

    def copy_clip(self, path: Path) -> None:
        """Write the clip anew."""
        try:
            with path.open("xb") as copy:
                self.clip.seek(0)
                shutil.copyfileobj(self.clip, copy, _CHUNK_BYTES)
        except OSError as error:
            raise StorageError(
                f"The project's folder was deleted, and the clip cannot be written to another: "
                f"{error.strerror}. Free some disk space on the server."
            ) from error


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@dataclass(frozen=True, eq=False)
class Found:
    """The masks of everything on a frame; ``number`` counts the findings of a clip."""

    number: int
    frame_idx: int
    masks: tuple[FoundMask, ...]


class OpenClip:
    """An opened clip and the project on it; the page gets its frames under ``token``.

    Pictures have a reader of their own: one who looks around does not make tracking seek.

    Args:
        folder: of the project.
        journal: of the project; closed with the clip.
        tracker: answers the prompts.
        make_project: takes a session and gives the project over it.

    Attributes:
        is_busy: tells whether somebody waits for an answer; the small pictures wait then.
        found: the finding that was asked for last.

    Raises:
        VideoError: the clip cannot be read.
        ProjectError: the project is damaged.
        ModelChangedError: it holds results of another model.
    """

    def __init__(
        self, folder: ProjectFolder, journal: Journal, tracker: Tracker, make_project: MakeProject
    ) -> None:
        self.token = new_token()
        self.folder = folder
        self.about: ProjectInfo = folder.read_info()
        folder.touch()
        self.path = SAMPLE_PATH if self.about.is_sample else folder.clip
        self._journal = journal
        self._is_closed = False
        self._reader = open_video(
            self.path,
            cache_bytes=_CACHE_BYTES,
            name=self.about.clip_name,
            field_order=self.about.field_order,
        )
        try:
            self._files = _Files.of(folder, self.path)
        except BaseException:
            self._reader.close()
            raise
        try:
            session = self._new_session(tracker)
            try:
                self.project = make_project(session)
            except BaseException:
                session.close()
                raise
        except BaseException:
            self._files.clip.close()
            self._reader.close()
            raise
        self.is_busy: Callable[[], bool] = lambda: False
        self.proxies = Proxies(self._reader, folder.proxies, lambda: self.is_busy())
        self.pictures = FramePictures(self._reader, self.proxies)
        self._live = LiveLooks(self._reader.info, self.pictures)
        self.found: Found | None = None
        self.sound = ClipSound(self.path, self.info, folder.sound)

    def new_reader(self) -> FrameReader:
        """A further reader of the video; the caller closes it."""
        return self._reader.twin(cache_bytes=_CACHE_BYTES)

    def switch(
        self, tracker: Tracker, make_project: MakeProject, turn: TakeTurn = nullcontext
    ) -> None:
        """Go on with another model.

        Args:
            tracker: of the model.
            make_project: takes a new session and gives the project over it; if it fails, the clip
                goes on as it was.
            turn: on the state of the clip's tab; nothing to wait for by who has it.

        Raises:
            ClipClosedError: it has been closed meanwhile.
        """
        session = self._new_session(tracker)
        try:
            project = make_project(session)
            with turn():  # whoever reads the tab's state goes on with the session that it has
                if self._is_closed:
                    raise ClipClosedError("The clip was closed before the model could answer.")
                project.history.revision = self.project.history.revision + 1
                self.project, outdated = project, self.project
                outdated.session.close()
        except BaseException:
            session.close()
            raise

    def close(self) -> None:
        """Release the decoders; the project stays on the disk."""
        self._is_closed = True
        self.proxies.close()
        self.pictures.close()
        self.project.session.close()
        self._reader.close()
        self._journal.close()
        self._files.clip.close()
        self.folder.touch()

    @property
    def is_homeless(self) -> bool:
        """Whether its folder, or a file of it that counts, was deleted or moved away."""
        return not self._files.are_there

    def move_to(self, folder: ProjectFolder) -> None:
        """Go on in another folder with everything, history included.

        Nothing of the old one has to be there: what is open can still be read.

        Args:
            folder: an empty one.

        Raises:
            StorageError: it cannot be written; nothing has changed then.
        """
        if not self.about.is_sample:
            self._files.copy_clip(folder.clip)
        with suppress(VideoError, StorageError):  # lists do without
            store_thumbnail(self._reader, folder.thumbnail)
        folder.write_info(self.about)
        self._journal.move_to(folder.journal)  # last of what may fail
        path = self.path if self.about.is_sample else folder.clip
        self._reader.move(path)
        files, self._files = self._files, _Files.of(folder, path)
        files.clip.close()
        self.path, self.folder = path, folder
        self.sound = ClipSound(path, self.info, folder.sound)

    @property
    def info(self) -> VideoInfo:
        """Facts about the video."""
        return self._reader.info

    def overlay(self, frame_idx: int, level: Level = "view") -> Overlay:
        """The masks of a frame as the page shows them.

        Args:
            frame_idx: the frame.
            level: with the size of the picture of this level; "full" is to be looked at closely.
        """
        size_hw = self.pictures.size_of(level)
        objects, logits = self.project.masks(frame_idx, size_hw)
        scale = size_hw[0] / self.info.height
        layers = [Layer(o.obj_id, o.colour, scale * o.clean_up.feather) for o in objects]
        aspect = self.info.pixel_aspect
        return make_overlay(logits, layers, is_exact=level == "full", pixel_aspect=aspect)

    def live(
        self, frame_idx: int, level: Level, look: Look, *, is_of_run: bool = False
    ) -> bytes | None:
        """A frame as an export would have it, JPEG; None where nobody waits for it any more.

        Args:
            frame_idx: the frame.
            level: the size.
            look: what the export is.
            is_of_run: it is played, so that looks at other frames do not take its place.

        Raises:
            ExportError: see ``LiveLooks``.
            VideoError: the frame cannot be read.
        """
        made = self._live.in_turn(self.project, frame_idx, level, look, is_of_run=is_of_run)
        return None if made is None else as_jpeg(made, level)

    def hover(self, frame_idx: int, hover: Hover) -> Overlay | None:
        """What a click would give, as ``overlay`` shows masks; in a turn on the model.

        Args:
            frame_idx: the frame.
            hover: the object and the place.

        Returns:
            The mask of the object alone; None where it would take more than the mask decoder.

        Raises:
            PromptError: the object has been removed, or is locked.
        """
        size_hw = self.pictures.size_of("view")
        logits = self.project.prompts.preview_click(
            hover.object, frame_idx, (hover.x, hover.y), size_hw, positive=hover.positive
        )
        if logits is None:
            return None
        layer = Layer(hover.object, self.project.objects.find(hover.object).colour)
        return make_overlay(logits[None], [layer])

    def take_found(self, number: int, chosen: Sequence[int], turn: TakeTurn) -> int:
        """Make objects of masks that were found; returns their frame.

        Args:
            number: of the finding.
            chosen: indices of its masks.
            turn: on the model, taken for each of them.

        Raises:
            PromptError: another finding has come meanwhile, or there are too many objects.
        """
        found = self.found
        if found is None or found.number != number or max(chosen) >= len(found.masks):
            raise PromptError("These masks are not there any more. Segment the frame again.")
        masks = [found.masks[index].mask for index in dict.fromkeys(chosen)]
        self.project.objects.take_masks(found.frame_idx, masks, turn)
        return found.frame_idx

    @property
    def found_view(self) -> FoundView | None:
        """What the page has to know of the last finding."""
        found = self.found
        if found is None:
            return None
        return FoundView(number=found.number, frame=found.frame_idx, count=len(found.masks))

    def view(self) -> ClipView:
        """What the page has to know."""
        return ClipView(
            token=self.token,
            name=self.about.clip_name,
            num_frames=self.info.num_frames,
            width=self.info.width,
            height=self.info.height,
            pixel_aspect=self.info.pixel_aspect,
            fps=float(self.info.fps),
            has_sound=self.info.has_audio,
            treatment=self.info.treatment,
            field_order=self._chosen_field_order,
        )

    @property
    def _chosen_field_order(self) -> FieldOrder | None:
        chosen, info = self.about.field_order, self.info
        has_fields = info.is_flagged_interlaced or info.field_order != "progressive"
        return chosen if has_fields or chosen != "auto" else None

    def _new_session(self, tracker: Tracker) -> VideoSession:
        return VideoSession(
            tracker, self.new_reader(), self._journal, holds_pictures=True, at_cuts="go-on"
        )
