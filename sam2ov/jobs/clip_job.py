"""The specification of a job: everything that tracking a clip takes, as data."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sam2ov.engine.cuts import AtCuts
from sam2ov.engine.devices import Precision
from sam2ov.engine.plan import Direction
from sam2ov.engine.policy import PolicyName
from sam2ov.errors import PromptError
from sam2ov.jobs.output import Output
from sam2ov.mask_files.detections import Detection
from sam2ov.mask_files.prompt_file import ObjectPrompts, PromptFile
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp
from sam2ov.values.field_order import FieldOrder
from sam2ov.values.masks import HOLE_AREA
from sam2ov.zoo.presets import PresetName


class TrackingSettings(BaseModel):
    """How a clip is read and tracked, with what: everything that many clips can have in common.

    Attributes:
        model: as ``resolve_model`` takes it: a name, a model folder, a checkpoint, ….
        preset: what may be given up for speed.
        memory: which frames are remembered; None as the model was made for.
        device: an OpenVINO device string.
        precision: inside the networks; None for the device's best.
        calibrate: a clip to calibrate INT8 on; None for the sample.
        hold_pictures: a frame with the picture of the one before takes over its masks.
        at_cuts: what is done where a scene ends.
        direction: where objects are tracked, from their first prompts, or backwards from their
            last.
        first: the first frame to track and write; None for the clip's.
        last: the last one, included; None for the clip's.
        fill_hole_area: holes of up to so many low-resolution pixels are filled.
        non_overlap: give each pixel to one object at most.
        clean_up: what is done to all masks before they are written.
        field_order: how the clip is read where it is interlaced.
        hold_gaps: where numbers of images are missing, the one before is shown; otherwise they are
            left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "micro"
    preset: PresetName = "quality"
    memory: PolicyName | None = None
    device: str = "CPU"
    precision: Precision | None = None
    calibrate: Path | None = None
    hold_pictures: bool = True
    at_cuts: AtCuts = "go-on"
    direction: Direction = "both"
    first: int | None = Field(default=None, ge=0)
    last: int | None = Field(default=None, ge=0)
    fill_hole_area: int = Field(default=HOLE_AREA, ge=0)
    non_overlap: bool = False
    clean_up: CleanUp = NO_CLEAN_UP
    field_order: FieldOrder = "auto"
    hold_gaps: bool = False


class ClipJob(TrackingSettings):
    """What to track in a clip, with what, and what to write of it.

    It can be pickled and written as JSON, and means the same on every machine that has the files
    which it names.

    Attributes:
        clip: a video file, or a folder of numbered images.
        prompts: of all objects, masks embedded; None where detections alone begin them.
        detections: where a detector has found what no object covers, an object begins.
        save_prompts: a prompt file to be written: before tracking, or after it where there are
            detections.
        outputs: what to write.
    """

    clip: Path
    prompts: PromptFile | None = None
    detections: tuple[Detection, ...] = ()
    save_prompts: Path | None = None
    outputs: tuple[Output, ...] = ()

    def frames(self, num_frames: int) -> range:
        """The frames to track and write.

        Args:
            num_frames: length of the clip.

        Raises:
            PromptError: they are not in the clip, or in the wrong order.
        """
        first = 0 if self.first is None else self.first
        last = num_frames - 1 if self.last is None else self.last
        if not first <= last < num_frames:
            raise PromptError(
                f"Frames {first} to {last} are not in the clip, which has frames 0 to "
                f"{num_frames - 1}; the first one comes first."
            )
        return range(first, last + 1)

    @model_validator(mode="after")
    def _has_objects(self) -> Self:
        if self.prompts is None and not self.detections:
            raise ValueError("a job needs prompts or detections")
        if self.detections and self.direction == "backward":
            raise ValueError("objects of detections are tracked forward, or in both directions")
        return self

    @property
    def objects(self) -> tuple[ObjectPrompts, ...]:
        """Those that have prompts."""
        return self.prompts.objects if self.prompts is not None else ()
