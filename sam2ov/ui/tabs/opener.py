"""Making projects of uploads, and opening those that are kept."""

from dataclasses import dataclass
from pathlib import Path

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import DeviceError, ModelError, ModelNotFoundError
from sam2ov.progress import CancelCheck, ProgressCallback, TakeTurn, raise_if_cancelled
from sam2ov.project import ModelChangedError, ModelDocument, Project
from sam2ov.project.archive import is_project_file, open_project_file
from sam2ov.project.clip_match import require_match
from sam2ov.project.folder import ProjectFolder, ProjectInfo
from sam2ov.project.library import ProjectLibrary
from sam2ov.samples import SAMPLE_CLEAN_UP, SAMPLE_NAME, SAMPLE_PATH
from sam2ov.store.journal import Journal
from sam2ov.ui.media.thumbnails import store_thumbnail
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.tabs.clip import OpenClip, Upload
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.field_order import FieldOrder
from sam2ov.video import VideoLimits, open_video
from sam2ov.video.packed_images import IMAGES_SUFFIX, join_images, joined_limits


@dataclass(frozen=True)
class LoadedModel:
    """A model that undo or redo leads to: what the project notes of it, and what is here."""

    wanted: ModelDocument
    choice: ModelChoice
    tracker: Tracker
    document: ModelDocument


class ProjectOpener:
    """Opens projects with the model that they were made with, if it is here.

    Args:
        models: shared by all tabs.
        limits: of uploaded clips.
        field_order: how new clips are read.
    """

    def __init__(
        self, models: ModelPool, limits: VideoLimits, field_order: FieldOrder = "auto"
    ) -> None:
        self._models = models
        self._field_order: FieldOrder = field_order
        self._limits = limits

    def make_sample(self, library: ProjectLibrary) -> ProjectFolder:
        """A new project on the bundled sample."""
        return self._made(library, SAMPLE_PATH, SAMPLE_NAME, is_sample=True)

    def make(
        self,
        library: ProjectLibrary,
        upload: Upload,
        open_clip: Path | None,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> ProjectFolder:
        """A new project of an upload, which is moved: of a clip, images, or of a project file.

        Args:
            library: where it is kept.
            upload: the file.
            open_clip: the clip that the page has open, for a project file without its clip.
            progress: told of unpacking.
            cancel: asked while unpacking.

        Raises:
            VideoError: it is no clip that can be read, or exceeds a limit.
            ProjectError: it is a project file that cannot be opened.
        """
        is_images = upload.name.lower().endswith(IMAGES_SUFFIX)  # a project file is a zip, too
        if is_images or not is_project_file(upload.path):
            if is_images:
                return self._made_of_images(library, upload, progress, cancel)
            folder = self._made(library, upload.path, upload.name, cancel, is_sample=False)
            if upload.recorded is not None:
                upload.recorded.rename(folder.journal)
            return folder
        folder = library.new_folder()
        try:
            info = open_project_file(
                upload.path, folder, self._limits.max_bytes, open_clip, progress, cancel
            )
            clip = SAMPLE_PATH if info.is_sample else folder.clip
            limits = VideoLimits() if info.is_sample else self._limits
            order = info.field_order
            with open_video(
                clip, limits, name=info.clip_name, cancel=cancel, field_order=order
            ) as reader:
                require_match(reader, info)
                store_thumbnail(reader, folder.thumbnail)
            folder.write_info(info)
        except BaseException:
            library.discard(folder)
            raise
        upload.path.unlink(missing_ok=True)
        return folder

    def open(
        self,
        folder: ProjectFolder,
        choice: ModelChoice,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> tuple[OpenClip, ModelChoice]:
        """Open a project.

        Args:
            folder: of the project.
            choice: the model for a new one, and where the one that it was made with is not here:
                then all prompts are answered again.
            progress: told of loading and answering.
            cancel: asked meanwhile.

        Returns:
            The clip and the model that it goes on with.
        """
        tracker = self._models.get(choice, progress, cancel)
        raise_if_cancelled(cancel, "Opening the clip")
        journal = Journal(folder.journal)
        try:
            document, clean_up = self._models.document(choice), _clean_up(folder.read_info())
            try:
                clip = OpenClip(
                    folder,
                    journal,
                    tracker,
                    lambda session: Project(session, journal, document, clean_up),
                )
            except ModelChangedError as changed:
                made_with = ModelChoice.of(changed.model)
                as_made = self._as_made(folder, journal, made_with)
                if as_made is not None:
                    return as_made, made_with
                # Results of a model that is not here are of no use; the prompts are.
                clip = OpenClip(
                    folder,
                    journal,
                    tracker,
                    lambda session: Project.answered_anew(
                        session, journal, document, progress, cancel, self._turn(cancel), clean_up
                    ),
                )
        except BaseException:
            journal.close()
            raise
        return clip, choice

    def change_model(
        self,
        clip: OpenClip,
        choice: ModelChoice,
        progress: ProgressCallback,
        cancel: CancelCheck,
        turn: TakeTurn,
    ) -> None:
        """Answer all prompts of an open clip with another model, as one step.

        Args:
            clip: may be looked at and closed meanwhile, but not edited.
            choice: the model.
            progress: told of loading and answering.
            cancel: asked meanwhile.
            turn: on the state of the clip's tab, for the moment in which the clip changes.

        Raises:
            ClipClosedError: it has been closed meanwhile; the step has been made.
        """
        tracker = self._models.get(choice, progress, cancel)
        raise_if_cancelled(cancel, "Loading the model")
        document, journal = self._models.document(choice), clip.project.journal
        clean_up = _clean_up(clip.about)
        clip.switch(
            tracker,
            lambda session: Project.answered_anew(
                session, journal, document, progress, cancel, self._turn(cancel), clean_up
            ),
            turn,
        )

    def load(self, model: ModelDocument) -> LoadedModel:
        """Load the model that undo or redo leads to: it may have to be compiled.

        Raises:
            ModelNotFoundError: it is not here.
        """
        choice = ModelChoice.of(model)
        if not self._models.is_here(choice):
            raise ModelNotFoundError(
                f"That step was made with the model {choice.label}, which is not here. Choose the "
                "model first, then try again."
            )
        return LoadedModel(model, choice, self._models.get(choice), self._models.document(choice))

    def follow(self, clip: OpenClip, loaded: LoadedModel) -> None:
        """Go on with the model whose results a clip's project holds after undo or redo."""
        journal = clip.project.journal
        clean_up = _clean_up(clip.about)
        clip.switch(
            loaded.tracker, lambda session: Project(session, journal, loaded.document, clean_up)
        )

    def _turn(self, cancel: CancelCheck) -> TakeTurn:
        return lambda: self._models.turns.step(cancel)

    def _as_made(
        self, folder: ProjectFolder, journal: Journal, choice: ModelChoice
    ) -> OpenClip | None:
        """The clip with the model that the project was made with, None if it is not here."""
        if not self._models.is_here(choice):
            return None
        try:
            tracker, document = self._models.get(choice), self._models.document(choice)
            clean_up = _clean_up(folder.read_info())
            return OpenClip(
                folder,
                journal,
                tracker,
                lambda session: Project(session, journal, document, clean_up),
            )
        except (ModelError, DeviceError, ModelChangedError):  # another version of it by now
            return None

    def _made_of_images(
        self,
        library: ProjectLibrary,
        upload: Upload,
        progress: ProgressCallback,
        cancel: CancelCheck,
    ) -> ProjectFolder:
        joined = upload.path.with_suffix(".mkv")
        try:
            join_images(upload.path, joined, self._limits, upload.name, progress, cancel)
            folder = self._made(
                library,
                joined,
                upload.name,
                cancel,
                is_sample=False,
                limits=joined_limits(self._limits),
            )
        finally:
            joined.unlink(missing_ok=True)
        upload.path.unlink(missing_ok=True)
        return folder

    def _made(
        self,
        library: ProjectLibrary,
        path: Path,
        name: str,
        cancel: CancelCheck | None = None,
        *,
        is_sample: bool,
        limits: VideoLimits | None = None,
    ) -> ProjectFolder:
        folder = library.new_folder()
        try:
            # Whoever runs the server has chosen the sample.
            limits = VideoLimits() if is_sample else limits or self._limits
            with open_video(
                path, limits, name=name, cancel=cancel, field_order=self._field_order
            ) as reader:
                about = reader.info
                store_thumbnail(reader, folder.thumbnail)
            if not is_sample:
                path.rename(folder.clip)
            folder.write_info(
                ProjectInfo(
                    clip_name=name,
                    is_sample=is_sample,
                    num_frames=about.num_frames,
                    width=about.width,
                    height=about.height,
                    field_order=self._field_order,
                )
            )
        except BaseException:
            library.discard(folder)
            raise
        return folder


def _clean_up(about: ProjectInfo) -> CleanUp:
    """What new objects of a project begin with."""
    return SAMPLE_CLEAN_UP if about.is_sample else NO_CLEAN_UP
