"""True masks of a tracked clip, where a data set has them."""

from collections.abc import Sequence
from pathlib import Path

from sam2ov.errors import DatasetError
from sam2ov.evaluation.annotations import Annotations
from sam2ov.evaluation.datasets import AnnotatedSequence, find_sequences
from sam2ov.project.stored import StoredProject
from sam2ov.values.masks import BoolArray


class ClipTruth:
    """The annotations of a clip's objects (``measures.TrueMasks``).

    An object goes with the label of its number; a single object with a single label in any case.

    Args:
        annotations: of the clip.
        obj_ids: of the objects.

    Raises:
        DatasetError: no object has a label.
    """

    def __init__(self, annotations: Annotations, obj_ids: Sequence[int]) -> None:
        self._annotations = annotations
        self.frames = annotations.frames
        labels = annotations.first_frames
        if len(labels) == len(obj_ids) == 1:
            self._labels = dict(zip(obj_ids, labels, strict=True))
        else:
            self._labels = {obj_id: obj_id for obj_id in obj_ids if obj_id in labels}
        if not self._labels:
            raise DatasetError(
                f"The true masks have the labels {', '.join(map(str, labels))}, the objects the "
                f"numbers {', '.join(map(str, obj_ids))}: none is in both."
            )

    def truth(self, frame_idx: int, obj_id: int) -> BoolArray | None:
        """See ``TrueMasks``; nothing is known before the object first appears."""
        label = self._labels.get(obj_id)
        if label is None or frame_idx < self._annotations.first_frames[label]:
            return None
        return self._annotations.truth(frame_idx, label)


def truth_for(folder: Path, project: StoredProject, *, is_only: bool) -> ClipTruth | None:
    """The true masks of a project's clip in a data set as ``sam2ov eval`` reads it.

    Args:
        folder: of the data set.
        project: of the clip; the sequence has the name of its file, without the ending.
        is_only: the report is on this clip alone: a data set of one sequence is of it, and it is an
            error if there is none.

    Returns:
        None if the data set does not have it.

    Raises:
        DatasetError: the data set cannot be read or does not fit.
    """
    sequences = find_sequences(folder)
    name = Path(project.info.clip_name).stem
    names = {name, project.info.clip_name}
    sequence = next((each for each in sequences if each.name in names), None)
    if sequence is None and is_only and len(sequences) == 1:
        sequence = sequences[0]
    if sequence is None:
        if is_only:
            there = ", ".join(each.name for each in sequences[:10])
            raise DatasetError(f"{folder} has no sequence {name}. It has: {there}.")
        return None
    return _fitting(sequence, project)


def _fitting(sequence: AnnotatedSequence, project: StoredProject) -> ClipTruth:
    if sequence.num_frames != project.info.num_frames:
        raise DatasetError(
            f"Sequence {sequence.name} has {sequence.num_frames} frames, the clip "
            f"{project.info.clip_name} {project.info.num_frames}: they are not the same."
        )
    annotations = Annotations(sequence, project.masks.size_hw)
    return ClipTruth(annotations, project.masks.obj_ids)
