"""``SAM2VideoPredictor``: upstream's interface over a ``VideoSession``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sam2ov.engine.devices import Precision
from sam2ov.engine.features import ArrayFrames, FrameSource
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import PromptError, TrackingError
from sam2ov.store.journal import Journal
from sam2ov.values.masks import HOLE_AREA, FloatArray
from sam2ov.values.prompts import make_mask_prompt, make_point_prompt
from sam2ov.video import open_video
from sam2ov.zoo.loading import load_model
from sam2ov.zoo.presets import PresetName

FrameMasks = tuple[int, list[int], FloatArray]
"""Frame index, object ids, and mask logits float32 [N, 1, H, W] at video size."""


class SAM2VideoPredictor:
    """Drop-in for upstream's ``sam2.sam2_video_predictor.SAM2VideoPredictor``, without torch.

    Unlike upstream, every prompted frame is a conditioning frame (a correction survives
    propagation, upstream's ``add_all_frames_to_correct_as_cond``), holes are filled on the CPU
    too, and memory does not grow with the length of the video.

    Args:
        model: the compiled networks; predictors and sessions can share them.
        fill_hole_area: in pixels of the low-resolution mask; 0 switches hole filling off.
        non_overlap_masks: give each pixel to one object at most.
    """

    def __init__(
        self, model: SAM2Model, *, fill_hole_area: int = HOLE_AREA, non_overlap_masks: bool = False
    ) -> None:
        self.model = model
        self.non_overlap_masks = non_overlap_masks
        self._tracker = Tracker(model, fill_hole_area)

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        device: str = "CPU",
        preset: PresetName = "quality",
        precision: Precision | None = None,
        fill_hole_area: int = HOLE_AREA,
        non_overlap_masks: bool = False,
    ) -> Self:
        """Load a model by name or folder; names are fetched and converted on first use.

        Args:
            model_id: "micro", "sam2.1-hiera-tiny" … or a folder of IRs.
            device: any OpenVINO device string.
            preset: "quality" (the results of upstream), "balanced" or "fast".
            precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
            fill_hole_area: see the class.
            non_overlap_masks: see the class.

        Raises:
            ModelError: the model cannot be found, fetched or read, or there is no such preset.
            DeviceError: the device or precision is not there.
        """
        model = load_model(model_id, device=device, precision=precision, preset=preset)
        return cls(model, fill_hole_area=fill_hole_area, non_overlap_masks=non_overlap_masks)

    def init_state(
        self,
        video_path: str | Path | npt.NDArray[np.uint8] | FrameSource,
        storage_dir: str | Path | None = None,
    ) -> VideoSession:
        """Open a video.

        Args:
            video_path: a video file, a folder of numbered images, frames in memory (uint8 RGB
                [T, H, W, 3]), or any ``FrameSource``.
            storage_dir: where results are kept while the session lives; None for the system's
                temporary folder.

        Raises:
            VideoError: the video cannot be read.
        """
        if isinstance(video_path, str | Path):
            frames: FrameSource = open_video(video_path)
        elif isinstance(video_path, np.ndarray):
            frames = ArrayFrames(video_path)
        else:
            frames = video_path
        journal = Journal.temporary(None if storage_dir is None else Path(storage_dir))
        return VideoSession(self._tracker, frames, journal)

    def add_new_points_or_box(
        self,
        inference_state: VideoSession,
        frame_idx: int,
        obj_id: int,
        points: Any = None,
        labels: Any = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
        box: Any = None,
    ) -> FrameMasks:
        """Add clicks or a box on a frame.

        Args:
            inference_state: from ``init_state``.
            frame_idx: index of the frame.
            obj_id: any integer; a new one makes a new object.
            points: [P, 2] (x, y) in video pixels.
            labels: [P], 1 for the object, 0 for background.
            clear_old_points: replace the frame's points instead of adding to them.
            normalize_coords: False where coordinates are fractions of width and height.
            box: (x0, y0, x1, y1) in video pixels.

        Returns:
            The frame's masks of all objects.

        Raises:
            PromptError: a ``ValueError``; the prompt is malformed or contradictory.
        """
        if box is not None and not clear_old_points:
            raise PromptError(
                "cannot add box without clearing old points, since a box must come before any "
                "point: use clear_old_points=True and give the points with the box."
            )
        prompt = make_point_prompt(
            points, labels, box, inference_state.size_hw, normalize_coords=normalize_coords
        )
        inference_state.add_points(frame_idx, obj_id, prompt, clear_old_points=clear_old_points)
        return self._frame_masks(inference_state, frame_idx)

    def add_new_mask(
        self, inference_state: VideoSession, frame_idx: int, obj_id: int, mask: Any
    ) -> FrameMasks:
        """Give an object's mask [H, W], bool; returns the frame's masks of all objects."""
        inference_state.add_mask(frame_idx, obj_id, make_mask_prompt(mask))
        return self._frame_masks(inference_state, frame_idx)

    def propagate_in_video(
        self,
        inference_state: VideoSession,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        reverse: bool = False,
    ) -> Iterator[FrameMasks]:
        """Track all objects; see ``VideoSession.propagate``.

        Going back from frame 0 yields nothing, as upstream has it: not even that frame.

        Raises:
            TrackingError: a ``RuntimeError``; an object has no prompts.
        """
        first = inference_state.commit()
        start = first if start_frame_idx is None else start_frame_idx
        if reverse and start == 0:
            return
        for frame in inference_state.propagate(start, max_frame_num_to_track, reverse=reverse):
            masks = self._video_masks(inference_state, frame.mask_logits)
            yield frame.frame_idx, list(frame.obj_ids), masks

    def clear_all_prompts_in_frame(
        self, inference_state: VideoSession, frame_idx: int, obj_id: int, need_output: bool = True
    ) -> FrameMasks | None:
        """Remove an object's prompts from a frame; returns the frame's masks if they are needed."""
        inference_state.clear_frame(frame_idx, obj_id)
        return self._frame_masks(inference_state, frame_idx) if need_output else None

    def remove_object(
        self,
        inference_state: VideoSession,
        obj_id: int,
        strict: bool = False,
        need_output: bool = True,
    ) -> tuple[list[int], list[tuple[int, FloatArray]]]:
        """Remove an object.

        Args:
            inference_state: from ``init_state``.
            obj_id: the object; one that is not there is an error only if ``strict``.
            strict: see ``obj_id``.
            need_output: give back the frames that the object was prompted on.

        Returns:
            The remaining object ids, and (frame index, masks of the remaining objects) for each
            frame that the removed object was prompted on.
        """
        if obj_id not in inference_state.obj_ids:
            if strict:
                raise TrackingError(
                    f"cannot remove object id {obj_id} as it doesn't exist; existing object ids: "
                    f"{list(inference_state.obj_ids)}."
                )
            return list(inference_state.obj_ids), []
        prompted = list(inference_state.prompts(obj_id))
        inference_state.remove_object(obj_id)
        remaining: Sequence[int] = inference_state.obj_ids
        updated = []
        if need_output and remaining:
            updated = [(f, self._frame_masks(inference_state, f)[2]) for f in prompted]
        return list(remaining), updated

    def reset_state(self, inference_state: VideoSession) -> None:
        """Remove all objects, prompts and results; the video stays open."""
        inference_state.reset()

    def _frame_masks(self, session: VideoSession, frame_idx: int) -> FrameMasks:
        logits = session.mask_logits(frame_idx)
        return frame_idx, list(session.obj_ids), self._video_masks(session, logits)

    def _video_masks(self, session: VideoSession, mask_logits: FloatArray) -> FloatArray:
        masks = session.to_video_size(mask_logits, non_overlapping=self.non_overlap_masks)
        return masks[:, None]
