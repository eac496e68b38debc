"""Every exception that sam2ov raises on purpose, in one small tree.

``Sam2ovError`` is the root. Where the upstream predictor raises a built-in exception for the same
mistake (``ValueError`` for malformed prompts, ``RuntimeError`` for propagating without prompts),
the class also derives from that built-in, so that code written for upstream keeps working.
"""


class Sam2ovError(Exception):
    """Root of all errors; its message says what happened, where, and what to do."""


class ModelError(Sam2ovError):
    """A model cannot be found, read, fetched or converted."""


class ModelNotFoundError(ModelError):
    """The name is neither a known model nor a folder with a manifest."""


class ModelFolderError(ModelError):
    """A model folder is incomplete, corrupt, or of another format version."""


class DownloadError(ModelError):
    """A checkpoint could not be fetched, or does not match its checksum."""


class CheckpointError(ModelError):
    """A checkpoint is truncated, unsafe, or does not fit the configuration."""


class ConversionError(ModelError):
    """A checkpoint could not be turned into a model folder."""


class DeviceError(Sam2ovError):
    """The requested OpenVINO device or precision is not available."""


class PromptError(Sam2ovError, ValueError):
    """A point, box, mask, frame index or object id is malformed or contradictory."""


class TrackingError(Sam2ovError, RuntimeError):
    """The session is in no state to do what was asked (for example, nothing was prompted)."""


class ProjectError(Sam2ovError):
    """A project cannot be found, opened, or changed as asked."""


class StorageError(Sam2ovError):
    """Results or a project cannot be stored or read back (full disk, folder gone)."""


class VideoError(Sam2ovError):
    """A video cannot be read or written."""


class VideoOpenError(VideoError):
    """The file is missing, is not a video, or exceeds a limit."""


class FrameDecodeError(VideoError):
    """A frame of an opened video cannot be decoded."""


class VideoWriteError(VideoError):
    """The output cannot be written (full disk, unsupported codec, no permission)."""


class DatasetError(Sam2ovError):
    """Annotated videos cannot be found or read, or do not fit together."""


class ExportError(Sam2ovError):
    """Results cannot be exported as asked."""


class ClipClosedError(Sam2ovError):
    """A page of the app acts on a clip that is no longer open on the server."""


class PageUnknownError(Sam2ovError):
    """A page of the app that has not said hello to the server asks for something."""


class ServerError(Sam2ovError):
    """The app's server cannot be started."""


class ServerFullError(Sam2ovError):
    """The app's server serves as many pages as it may."""


class CancelledError(Sam2ovError):
    """The user cancelled the operation; nothing half-written is left under its final name."""
