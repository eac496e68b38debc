"""What came of a job."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectOutcome:
    """What tracking found of an object, in frames.

    ``tracked`` have a result, prompted ones included; on ``absent`` of them the model says that
    the object is not to be seen; on ``confirmed`` a detector has found it again.
    """

    id: int
    name: str
    prompted: int
    tracked: int
    absent: int
    confirmed: int = 0


@dataclass(frozen=True)
class ClipOutcome:
    """What came of a job; all of it can be written as JSON.

    ``interrupted``: it was cancelled, and what had been tracked by then was written. ``left_out``:
    detections that would have begun more objects than fit together. ``seconds``
    and ``fps`` are those of segmenting prompts and tracking alone; ``first_frame`` is the first of
    the ``frames``. ``cuts`` are those that were found to begin another scene.
    """

    video: str
    model: str
    device: str
    precision: str
    preset: str
    frames: int
    first_frame: int
    direction: str
    interrupted: bool
    objects: tuple[ObjectOutcome, ...]
    seconds: float
    fps: float
    outputs: tuple[str, ...]
    left_out: int = 0
    cuts: tuple[int, ...] = ()
