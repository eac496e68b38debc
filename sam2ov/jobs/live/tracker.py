"""``LiveTracker``: frames in, one by one, and the masks of every object out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from sam2ov.engine.devices import Precision
from sam2ov.engine.live_session import LiveSession
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.policy import PolicyName
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError
from sam2ov.store.results import FrameResult
from sam2ov.values.masks import HOLE_AREA, BoolArray, FloatArray, resize_logits
from sam2ov.values.prompts import PointPrompt, Prompt, make_mask_prompt, make_point_prompt
from sam2ov.zoo.loading import load_model
from sam2ov.zoo.presets import PresetName

FRAMES_HELD: Final = 48
"""Of the newest frames, for prompts: about three seconds of what two cores follow."""


@dataclass(frozen=True, eq=False)
class LiveMasks:
    """What is known of a frame.

    Attributes:
        frame: its number, from 0; frames that were dropped have none.
        seconds: its time, on the clock of whoever gave it.
        obj_ids: the N objects, in the order of their creation.
        mask_logits: float32 [N, h, w] at the model's low resolution, holes filled; > 0 is the
            object.
        scores: float32 [N], logits: > 0 where the object is in the picture.
        size_hw: height and width of the frame.
    """

    frame: int
    seconds: float
    obj_ids: tuple[int, ...]
    mask_logits: FloatArray
    scores: FloatArray
    size_hw: tuple[int, int]

    @property
    def masks(self) -> BoolArray:
        """The objects, bool [N, H, W] at the size of the frame; made anew each time."""
        return resize_logits(self.mask_logits, self.size_hw) > 0


class LiveTracker:
    """Follows objects through frames that are still coming, in bounded memory for any time.

    Objects are prompted, corrected and removed at any time, on the newest frame or one of the last
    few. It belongs to one thread at a time.

    Args:
        model: the compiled networks; trackers can share them.
        fill_hole_area: in pixels of the low-resolution mask; 0 fills none.
        frames_held: so many of the newest frames can be prompted; each is held as it came.
        bytes_held: fewer are held where they take more than this, but always one; None for no
            limit.

    Attributes:
        dropped: frames that ``step`` was told of and that were not given to it.
    """

    def __init__(
        self,
        model: SAM2Model,
        *,
        fill_hole_area: int = HOLE_AREA,
        frames_held: int = FRAMES_HELD,
        bytes_held: int | None = None,
    ) -> None:
        if frames_held < 1:
            raise PromptError(f"frames_held is 1 or more, got {frames_held}.")
        self.dropped = 0
        self._tracker = Tracker(model, fill_hole_area)
        self._frames_held = frames_held
        self._bytes_held = bytes_held
        self._session: LiveSession | None = None
        self._seconds = 0.0
        self._started = 0.0

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path = "micro",
        *,
        device: str = "CPU",
        preset: PresetName = "quality",
        precision: Precision | None = None,
        memory: PolicyName | None = None,
        fill_hole_area: int = HOLE_AREA,
        frames_held: int = FRAMES_HELD,
    ) -> Self:
        """Load a model by name or folder; names are fetched and converted on first use.

        Args:
            model_id: "micro", "sam2.1-hiera-tiny" … or a folder of IRs.
            device: any OpenVINO device string.
            preset: "quality", "balanced" or "fast".
            precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
            memory: which frames are remembered; None as the model was made for.
            fill_hole_area: see the class.
            frames_held: see the class.

        Raises:
            ModelError: the model cannot be found, fetched or read, or there is no such preset.
            DeviceError: the device or precision is not there.
        """
        model = load_model(
            model_id, device=device, precision=precision, preset=preset, memory=memory
        )
        return cls(model, fill_hole_area=fill_hole_area, frames_held=frames_held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget all objects and frames; what comes next is a new beginning."""
        if self._session is not None:
            self._session.close()
            self._session = None

    @property
    def obj_ids(self) -> tuple[int, ...]:
        """The objects, in the order of their creation."""
        return () if self._session is None else self._session.obj_ids

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of every frame.

        Raises:
            PromptError: none has come yet.
        """
        return self._at(None)[0].size_hw

    @property
    def frames(self) -> range:
        """The numbers of the frames that can be prompted, the newest one last."""
        if self._session is None:
            return range(0)
        return range(self._session.oldest, self._session.newest + 1)

    def step(
        self, image: npt.NDArray[np.uint8], seconds: float | None = None, *, dropped: int = 0
    ) -> LiveMasks:
        """Follow all objects onto the next frame.

        Args:
            image: uint8 RGB [H, W, 3], always of one size; it is kept, so give a copy of what is
                written to again.
            seconds: when it was taken, on any clock; None for the time since the first frame.
            dropped: frames between the last one and this that are not given.

        Raises:
            PromptError: it has another shape or type than those before.
        """
        if self._session is None:
            self._session = self._begin(image)
        self.dropped += dropped
        self._seconds = time.monotonic() - self._started if seconds is None else seconds
        found = self._session.follow(image)
        return self._masks(self._session, found.obj_ids, found.mask_logits)

    def current(self) -> LiveMasks:
        """What is known of the newest frame now.

        Raises:
            PromptError: none has come yet.
        """
        session, frame_idx = self._at(None)
        return self._masks(session, session.obj_ids, session.mask_logits(frame_idx))

    def add_points(
        self,
        obj_id: int,
        points: Any = None,
        labels: Any = None,
        *,
        box: Any = None,
        frame: int | None = None,
        clear_old_points: bool = True,
    ) -> LiveMasks:
        """Click or box an object, a new or a known one.

        Args:
            obj_id: any integer; a new one makes a new object.
            points: [P, 2] (x, y) in pixels of the frame.
            labels: [P], 1 for the object, 0 for background.
            box: (x0, y0, x1, y1) in pixels of the frame.
            frame: one of ``frames``; None for the newest. From an earlier one the object is
                followed to the newest at once.
            clear_old_points: replace the frame's points instead of adding to them.

        Returns:
            The newest frame's masks of all objects.

        Raises:
            PromptError: the prompt is malformed, or the frame is not held (any more).
        """
        session, _ = self._at(frame)
        prompt = make_point_prompt(points, labels, box, session.size_hw)
        return self.prompt(obj_id, prompt, frame=frame, clear_old_points=clear_old_points)

    def add_mask(self, obj_id: int, mask: Any, *, frame: int | None = None) -> LiveMasks:
        """Give an object's mask, [H, W] of any size, not 0 where it is; else as ``add_points``."""
        return self.prompt(obj_id, make_mask_prompt(mask), frame=frame)

    def prompt(
        self,
        obj_id: int,
        prompt: Prompt,
        *,
        frame: int | None = None,
        clear_old_points: bool = True,
    ) -> LiveMasks:
        """Say what an object is by a prompt in pixels of the frame; else as ``add_points``."""
        for _ in self.prompt_stepwise(
            obj_id, prompt, frame=frame, clear_old_points=clear_old_points
        ):
            pass
        return self.current()

    def prompt_stepwise(
        self,
        obj_id: int,
        prompt: Prompt,
        *,
        frame: int | None = None,
        clear_old_points: bool = True,
    ) -> Iterator[int]:
        """As ``prompt``, step by step: whoever shares the model lets others go between.

        Yields:
            The frame that was answered, then each up to the newest as the object is followed onto
            it. No ``step`` may be taken before the end.
        """
        session, frame_idx = self._at(frame)
        if isinstance(prompt, PointPrompt):
            session.add_points(frame_idx, obj_id, prompt, clear_old_points=clear_old_points)
        else:
            session.add_mask(frame_idx, obj_id, prompt)
        newest = session.num_frames - 1
        yield session.newest - (newest - frame_idx)
        if frame_idx < newest:
            for found in session.propagate(frame_idx, newest - frame_idx, obj_ids=[obj_id]):
                if found.frame_idx > frame_idx:
                    yield session.newest - (newest - found.frame_idx)

    def num_points(self, obj_id: int, frame: int) -> int:
        """How many points an object has on a frame; 0 where it is not known."""
        session, frame_idx = self._at(frame)
        known = session.prompts(obj_id) if obj_id in session.obj_ids else {}
        prompt = known.get(frame_idx)
        return len(prompt.labels) if isinstance(prompt, PointPrompt) else 0

    def remove_object(self, obj_id: int) -> None:
        """Forget an object; the others go on.

        Raises:
            PromptError: there is no such object.
        """
        session, _ = self._at(None)
        session.remove_object(obj_id)

    def result(self, obj_id: int) -> FrameResult | None:
        """All that the model says of an object on the newest frame; None where it says nothing.

        Raises:
            PromptError: there is no such object.
        """
        session, frame_idx = self._at(None)
        return session.result(frame_idx, obj_id)

    def _begin(self, image: npt.NDArray[np.uint8]) -> LiveSession:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise PromptError(
                f"a live frame must be uint8 RGB [H, W, 3], got {image.dtype} {image.shape}."
            )
        self._started = time.monotonic()
        height, width, _ = image.shape
        held = self._frames_held
        if self._bytes_held is not None:
            held = max(min(held, self._bytes_held // image.nbytes), 1)
        return LiveSession(self._tracker, (height, width), held)

    def _at(self, frame: int | None) -> tuple[LiveSession, int]:
        if self._session is None:
            raise PromptError("no frame has come yet: give one to step() first.")
        held = self.frames
        number = held[-1] if frame is None else frame
        if number not in held:
            raise PromptError(
                f"live frame {number} is not held: prompt one of {held[0]} to {held[-1]}."
            )
        return self._session, self._session.index_of(number)

    def _masks(
        self, session: LiveSession, obj_ids: tuple[int, ...], mask_logits: FloatArray
    ) -> LiveMasks:
        scores = session.scores(obj_ids)
        return LiveMasks(
            session.newest, self._seconds, obj_ids, mask_logits, scores, session.size_hw
        )
