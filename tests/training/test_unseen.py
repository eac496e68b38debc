from pathlib import Path

import cv2
import numpy as np

from sam2ov.evaluation.datasets import find_sequences
from training.unseen import FRAMES, unseen_clip, write_sequence


def test_a_written_clip_is_read_back_by_the_evaluation(tmp_path: Path) -> None:
    clip = unseen_clip("hard", 3)
    write_sequence(clip, tmp_path / "hard03")
    (sequence,) = find_sequences(tmp_path)
    assert (sequence.name, sequence.num_frames) == ("hard03", FRAMES)
    for index, path in enumerate(sequence.masks):
        np.testing.assert_array_equal(sequence.read_labels(path), clip.masks[index])
    frame = cv2.imread(str(sequence.frames / "00005.jpg"))
    assert frame is not None
    difference = np.abs(np.float32(frame[..., ::-1]) - np.float32(clip.frames[5]))
    assert difference.mean() < 10


def test_a_number_is_always_the_same_clip() -> None:
    np.testing.assert_array_equal(unseen_clip("easy", 1).frames, unseen_clip("easy", 1).frames)
    assert not np.array_equal(unseen_clip("easy", 1).frames, unseen_clip("easy", 2).frames)
