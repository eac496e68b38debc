"""The true masks of a sequence by frame and object."""

import numpy as np

from sam2ov.errors import DatasetError
from sam2ov.evaluation.datasets import AnnotatedSequence, LabelMap
from sam2ov.values.masks import BoolArray
from sam2ov.video.sequences import find_sequence


class Annotations:
    """The annotations of a sequence by frame index, and where each object appears.

    Args:
        sequence: frames and masks.
        size_hw: of the frames.

    Attributes:
        first_frames: the frame on which each object is seen first.

    Raises:
        DatasetError: a mask cannot be read, has another size, or none shows an object.
    """

    def __init__(self, sequence: AnnotatedSequence, size_hw: tuple[int, int]) -> None:
        paths = find_sequence(sequence.frames, str(sequence.frames)).paths
        frames = {path.stem: index for index, path in enumerate(paths)}
        self._sequence = sequence
        self._size_hw = size_hw
        self._paths = {frames[path.stem]: path for path in sequence.masks}
        self.first_frames: dict[int, int] = {}
        for frame_idx in sorted(self._paths):
            for label in np.flatnonzero(np.bincount(self.labels(frame_idx).ravel())):
                if label:
                    self.first_frames.setdefault(int(label), frame_idx)
        if not self.first_frames:
            raise DatasetError(f"Sequence {sequence.name} shows no object: its masks are empty.")
        self.first_frames = dict(sorted(self.first_frames.items()))

    @property
    def frames(self) -> tuple[int, ...]:
        """The annotated frames, ascending."""
        return tuple(sorted(self._paths))

    def labels(self, frame_idx: int) -> LabelMap:
        """The label map of an annotated frame."""
        path = self._paths[frame_idx]
        labels = self._sequence.read_labels(path)
        if labels.shape != self._size_hw:
            raise DatasetError(
                f"{path} has {labels.shape[1]}×{labels.shape[0]} pixels, its frame "
                f"{self._size_hw[1]}×{self._size_hw[0]}. Both need the same size."
            )
        return labels

    def truth(self, frame_idx: int, obj_id: int) -> BoolArray:
        """An object's mask on an annotated frame."""
        mask: BoolArray = self.labels(frame_idx) == obj_id
        return mask

    def counting(self, obj_id: int) -> tuple[int, ...]:
        """The frames that an object is scored on."""
        first = self.first_frames[obj_id]
        later = [frame for frame in sorted(self._paths) if frame > first]
        return tuple(later[:-1] or later)
