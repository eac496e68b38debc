"""``calibration.json`` of a model folder: how often masks are right of which the model says so.

Optional: a folder without it is of a model that nobody has compared with true masks. It belongs to
the weights whose checksum it has, and is made by ``python -m tools.calibrate``.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sam2ov.errors import ModelFolderError, first_fault
from sam2ov.manifest import Manifest

CALIBRATION_FILE: Final = "calibration.json"
RIGHT_FROM: Final = 0.5
"""IoU with the true mask from which a mask counts as right: below it a user steps in."""

SignalName = Literal[
    "iou",
    "score",
    "mean_iou",
    "least_iou",
    "area",
    "grown",
    "shrunk",
    "resized",
    "jumped",
    "age",
    "gone",
    "left",
]
"""What is looked at on a frame, see ``project.confidence``."""
SIGNAL_NAMES: Final[tuple[SignalName, ...]] = get_args(SignalName)

_LARGEST_FILE: Final = 1 << 16
_Number = Annotated[float, Field(ge=-1e6, le=1e6)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Curve(_Frozen):
    """A logistic curve: the logit of a chance is ``bias`` and the signals times their weights."""

    bias: _Number
    weights: dict[SignalName, _Number]


class TestedOn(_Frozen):
    """How well the chances hold on clips that had no part in fitting them.

    Attributes:
        name: of the set.
        frames: that were looked at, of each object.
        failed: share of them on which the mask was not right.
        error: expected calibration error: by how much chances are off, on average.
        found: share of the failed frames among the fifth of all that seems worst.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    frames: Annotated[int, Field(ge=1)]
    failed: _Share
    error: _Share
    found: _Share


class Calibration(_Frozen):
    """How to tell, from what is known of an object on a frame, the chance that its mask is right.

    Attributes:
        weights_sha256: of the model's weights.
        present: for frames on which the model sees the object.
        absent: for those on which it says that the object is not there; right is if that is so.
        frames: that it was fitted on.
        tested: what came of it elsewhere.
    """

    format_version: Literal[1] = 1
    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    present: Curve
    absent: Curve
    frames: Annotated[int, Field(ge=1)]
    tested: Annotated[tuple[TestedOn, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _some_signals(self) -> "Calibration":
        if not (self.present.weights and self.absent.weights):
            raise ValueError("a curve of no signals tells nothing")
        return self


def read_calibration(folder: Path, manifest: Manifest) -> Calibration | None:
    """The calibration of a model folder; None where there is none.

    Raises:
        ModelFolderError: it is damaged, or of other weights.
    """
    path = folder / CALIBRATION_FILE
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        found = Calibration.model_validate_json(content)
    except ValidationError as error:
        raise ModelFolderError(
            f"{path} is no calibration ({first_fault(error)}). Delete it, or make it anew."
        ) from error
    if found.weights_sha256 != manifest.weights_file.sha256:
        raise ModelFolderError(
            f"{path} is of other weights than those of {manifest.name}. Delete it, or make it anew."
        )
    return found
