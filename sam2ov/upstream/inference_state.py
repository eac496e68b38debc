"""``InferenceState``: a session that answers the keys which programs read of upstream's state.

Upstream's ``init_state`` (sam2_video_predictor.py, l. 42) gives a dictionary.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.upstream.arrays import TensorArray
from sam2ov.upstream.module import program_device
from sam2ov.values.masks import mask_to_model
from sam2ov.values.prompts import MaskPrompt, PointPrompt, points_to_model


class InferenceState(VideoSession):
    """A ``VideoSession`` that can be read like upstream's dictionary, and not written to.

    ``state[key]`` has, made anew each time:

    - ``num_frames``, ``video_height``, ``video_width``: integers;
    - ``obj_ids``: the objects in the order of their creation, a list;
    - ``obj_id_to_idx``, ``obj_idx_to_id``: between them and their places in that list;
    - ``frames_tracked_per_obj``: by place, by frame that was tracked: ``{"reverse": bool}``;
    - ``point_inputs_per_obj``: by place, by frame: ``{"point_coords": [1, P, 2] in model pixels,
      "point_labels": [1, P]}``;
    - ``mask_inputs_per_obj``: by place, by frame: float32 [1, 1, S, S], 0 and 1, at the model's
      size;
    - ``device``, ``storage_device``: "cpu", or what OpenVINO calls the device; results are on disk;
    - ``offload_video_to_cpu``, ``offload_state_to_cpu``: true: neither is on a graphics card.
    """

    def __getitem__(self, key: str) -> Any:
        """What ``key`` stands for.

        Raises:
            KeyError: there is no such key; the message has those that there are.
        """
        if key not in _KEYS:
            raise KeyError(f"{key!r}: an inference state of sam2ov has {', '.join(_KEYS)}.")
        return _KEYS[key](self)

    def __contains__(self, key: object) -> bool:
        return key in _KEYS

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def keys(self) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(_KEYS)

    def get(self, key: str, default: Any = None) -> Any:
        """What ``key`` stands for, or ``default``."""
        return self[key] if key in _KEYS else default

    @property
    def tracker(self) -> Tracker:
        """The model's per-frame logic."""
        return self._tracker

    def each_object(self, make: Callable[[int], Any]) -> Mapping[int, Any]:
        """What ``make`` gives for each object, by its place."""
        return MappingProxyType({idx: make(obj_id) for idx, obj_id in enumerate(self.obj_ids)})


def _frames_tracked(state: InferenceState) -> Mapping[int, Any]:
    def of(obj_id: int) -> Mapping[int, Any]:
        direction = state.timeline(obj_id).direction
        return MappingProxyType(
            {
                int(frame): {"reverse": bool(direction[frame] < 0)}
                for frame in np.flatnonzero(direction)
            }
        )

    return state.each_object(of)


def _point_inputs(state: InferenceState) -> Mapping[int, Any]:
    size = state.tracker.manifest.image_size

    def coded(prompt: PointPrompt) -> dict[str, TensorArray]:
        points = points_to_model(prompt.points_xy_video, state.size_hw, size)
        return {
            "point_coords": TensorArray.of(points[None]),
            "point_labels": TensorArray.of(prompt.labels[None]),
        }

    def of(obj_id: int) -> Mapping[int, Any]:
        prompts = state.prompts(obj_id).items()
        return MappingProxyType(
            {frame: coded(each) for frame, each in prompts if isinstance(each, PointPrompt)}
        )

    return state.each_object(of)


def _mask_inputs(state: InferenceState) -> Mapping[int, Any]:
    size = state.tracker.manifest.image_size

    def coded(prompt: MaskPrompt) -> TensorArray:
        mask = mask_to_model(prompt.mask, size)
        return TensorArray.of(mask.astype(np.float32)[None, None])

    def of(obj_id: int) -> Mapping[int, Any]:
        prompts = state.prompts(obj_id).items()
        return MappingProxyType(
            {frame: coded(each) for frame, each in prompts if isinstance(each, MaskPrompt)}
        )

    return state.each_object(of)


_KEYS: Final[Mapping[str, Callable[[InferenceState], Any]]] = {
    "num_frames": lambda state: state.num_frames,
    "video_height": lambda state: state.size_hw[0],
    "video_width": lambda state: state.size_hw[1],
    "obj_ids": lambda state: list(state.obj_ids),
    "obj_id_to_idx": lambda state: MappingProxyType(
        {obj_id: idx for idx, obj_id in enumerate(state.obj_ids)}
    ),
    "obj_idx_to_id": lambda state: MappingProxyType(dict(enumerate(state.obj_ids))),
    "frames_tracked_per_obj": _frames_tracked,
    "point_inputs_per_obj": _point_inputs,
    "mask_inputs_per_obj": _mask_inputs,
    "device": lambda state: program_device(state.tracker.model.device),
    "storage_device": lambda _: program_device("CPU"),
    "offload_video_to_cpu": lambda _: True,
    "offload_state_to_cpu": lambda _: True,
}
