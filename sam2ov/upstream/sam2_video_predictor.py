"""``SAM2VideoPredictor``: upstream's interface over a ``VideoSession``.

Line numbers are those of ``sam2/sam2_video_predictor.py`` at upstream's commit 2b90b9f.
"""

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
from sam2ov.upstream.arrays import TensorArray
from sam2ov.upstream.build_sam import build_sam2_video_predictor_hf
from sam2ov.upstream.inference_state import InferenceState
from sam2ov.upstream.module import Module
from sam2ov.values.masks import HOLE_AREA, FloatArray, without_overlaps
from sam2ov.values.prompts import make_mask_prompt, make_point_prompt
from sam2ov.video import open_video
from sam2ov.zoo.presets import PresetName

FrameMasks = tuple[int, list[int], TensorArray]
"""Frame index, object ids, and mask logits float32 [N, 1, H, W] at video size."""


class SAM2VideoPredictor(Module):
    """Drop-in for upstream's class in ``sam2.sam2_video_predictor``, without torch (l. 19).

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
        self.fill_hole_area = fill_hole_area
        self.non_overlap_masks = non_overlap_masks
        self._tracker = Tracker(model, fill_hole_area)

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        device: Any = "CPU",
        preset: PresetName = "quality",
        precision: Precision | None = None,
        fill_hole_area: int | None = None,
        non_overlap_masks: bool | None = None,
        mode: str = "eval",
        hydra_overrides_extra: Sequence[str] = (),
        apply_postprocessing: bool = True,
        vos_optimized: bool = False,
    ) -> Self:
        """Load a model by name or folder; names are fetched and converted on first use (l. 101).

        Args:
            model_id: "micro", "sam2.1-hiera-tiny", "facebook/sam2.1-hiera-tiny" … or a folder of
                IRs.
            device: any OpenVINO device string, or a ``torch.device("cpu")``.
            preset: "quality" (the results of upstream), "balanced" or "fast".
            precision: inside the graphs: "f32", "bf16", "f16", or None for the device's best.
            fill_hole_area: see the class; None for 8, or 0 without ``apply_postprocessing``.
            non_overlap_masks: see the class; None for what the overrides say.
            mode: "eval".
            hydra_overrides_extra: as ``build_sam2`` takes it.
            apply_postprocessing: as ``build_sam2_video_predictor`` takes it.
            vos_optimized: likewise.

        Raises:
            ModelError: the model cannot be found, fetched or read, or there is no such preset.
            DeviceError: the device or precision is not there.
        """
        built = build_sam2_video_predictor_hf(
            model_id,
            device=device,
            mode=mode,
            hydra_overrides_extra=hydra_overrides_extra,
            apply_postprocessing=apply_postprocessing,
            vos_optimized=vos_optimized,
            precision=precision,
            preset=preset,
        )
        return cls(
            built.model,
            fill_hole_area=built.fill_hole_area if fill_hole_area is None else fill_hole_area,
            non_overlap_masks=(
                built.non_overlap_masks if non_overlap_masks is None else non_overlap_masks
            ),
        )

    def init_state(
        self,
        video_path: str | Path | npt.NDArray[np.uint8] | FrameSource,
        offload_video_to_cpu: bool = False,  # noqa: ARG002
        offload_state_to_cpu: bool = False,  # noqa: ARG002
        async_loading_frames: bool = False,  # noqa: ARG002
        *,
        storage_dir: str | Path | None = None,
    ) -> InferenceState:
        """Open a video (l. 42).

        Args:
            video_path: a video file, a folder of numbered images, frames in memory (uint8 RGB
                [T, H, W, 3]), or any ``FrameSource``.
            offload_video_to_cpu: taken for programs that give it: frames are read when they are
                needed and never held on a graphics card, whatever it says.
            offload_state_to_cpu: likewise: results are on disk.
            async_loading_frames: likewise: no frame is loaded in advance but the next one, which is
                decoded and embedded while the present one is tracked.
            storage_dir: where results are kept while the session lives; None for the system's
                temporary folder.

        Returns:
            A ``VideoSession`` that answers upstream's keys (``state["num_frames"]`` …). Close it,
            or use it in a ``with`` statement, to release the video and the results early.

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
        return InferenceState(self._tracker, frames, journal)

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
        """Add clicks or a box on a frame (l. 161).

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

    def add_new_points(self, *args: Any, **kwargs: Any) -> FrameMasks:
        """The earlier name of ``add_new_points_or_box``, with the same arguments (l. 295)."""
        return self.add_new_points_or_box(*args, **kwargs)

    def add_new_mask(
        self, inference_state: VideoSession, frame_idx: int, obj_id: int, mask: Any
    ) -> FrameMasks:
        """Give an object's mask on a frame (l. 300).

        Args:
            inference_state: from ``init_state``.
            frame_idx: index of the frame.
            obj_id: any integer; a new one makes a new object.
            mask: [H, W] of any size, squashed to the frame's; not 0 is the object.

        Returns:
            The frame's masks of all objects.

        Raises:
            PromptError: a ``ValueError``; the mask has other axes or no pixels.
        """
        inference_state.add_mask(frame_idx, obj_id, make_mask_prompt(mask))
        return self._frame_masks(inference_state, frame_idx)

    def propagate_in_video(
        self,
        inference_state: VideoSession,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        reverse: bool = False,
    ) -> Iterator[FrameMasks]:
        """Track all objects, frame by frame (l. 546); see ``VideoSession.propagate``.

        Args:
            inference_state: from ``init_state``.
            start_frame_idx: included; None starts at the earliest prompted frame.
            max_frame_num_to_track: frames beyond the start; None goes to the end.
            reverse: go back in time. From frame 0 that yields nothing, as upstream has it: not
                even that frame.

        Yields:
            Frame index, object ids, and mask logits float32 [N, 1, H, W].

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

    def propagate_in_video_preflight(self, inference_state: VideoSession) -> None:
        """Put the prompts into memory, which ``propagate_in_video`` does by itself (l. 480).

        Raises:
            TrackingError: a ``RuntimeError``; an object has no prompts.
        """
        inference_state.commit()

    def clear_all_prompts_in_frame(
        self, inference_state: VideoSession, frame_idx: int, obj_id: int, need_output: bool = True
    ) -> FrameMasks | None:
        """Remove an object's prompts from a frame (l. 633).

        Returns:
            The frame's masks of all objects; None without ``need_output``.
        """
        inference_state.clear_frame(frame_idx, obj_id)
        return self._frame_masks(inference_state, frame_idx) if need_output else None

    def remove_object(
        self,
        inference_state: VideoSession,
        obj_id: int,
        strict: bool = False,
        need_output: bool = True,
    ) -> tuple[list[int], list[tuple[int, TensorArray]]]:
        """Remove an object (l. 867).

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
        """Remove all objects, prompts and results; the video stays open (l. 676)."""
        inference_state.reset()

    def _frame_masks(self, session: VideoSession, frame_idx: int) -> FrameMasks:
        logits = session.mask_logits(frame_idx)
        return frame_idx, list(session.obj_ids), self._video_masks(session, logits)

    def _video_masks(self, session: VideoSession, mask_logits: FloatArray) -> TensorArray:
        masks = session.to_video_size(mask_logits, non_overlapping=self.non_overlap_masks)
        return TensorArray.of(masks[:, None])

    def _apply_non_overlapping_constraints(self, pred_masks: Any) -> TensorArray:
        """Logits [N, 1, H, W] with each pixel left to one object; upstream's tools call it."""
        logits = np.asarray(pred_masks, np.float32)
        return TensorArray.of(without_overlaps(logits[:, 0])[:, None])

    @property
    def _compiled(self) -> SAM2Model:
        return self.model


class SAM2VideoPredictorVOS(SAM2VideoPredictor):
    """What upstream compiles with torch (l. 976); OpenVINO compiles all predictors alike."""
