"""Pictures come out upright."""

from pathlib import Path

import numpy as np
import pytest

from sam2ov.video.orientation import Orientation
from sam2ov.video.served import open_in_process
from tests.clips import Encoding, Scene, read_frame_number, write_clip

ONE = 1 << 16


# The writer of test clips turns or mirrors, not both; the matrices below have all combinations.
@pytest.mark.parametrize(
    ("counterclockwise", "hflip"), [(0, False), (90, False), (180, False), (270, False), (0, True)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_display_matrix_is_honoured(
    counterclockwise: int, hflip: bool, suffix: str, tmp_path: Path, scene: Scene
) -> None:
    encoding = Encoding(suffix, rotation=counterclockwise, hflip=hflip)
    path = write_clip(tmp_path / "turned", scene.frames[:6], encoding)
    with open_in_process(path) as reader:
        info = reader.info
        assert (info.height, info.width) == (96, 128)
        assert reader.size_hw == (96, 128)
        assert info.rotation == -counterclockwise % 360
        assert info.orientation.mirrored is hflip
        for number, frame in enumerate(reader):
            assert frame.shape == (96, 128, 3)
            assert frame.flags.c_contiguous
            assert read_frame_number(frame) == number
            assert np.abs(frame.astype(int) - scene.frames[number]).mean() < 6


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        # (a, b, u, c, d): where a stored point (p, q) is shown: (a·p + c·q, b·p + d·q)
        ((ONE, 0, 0, 0, ONE), [[1, 2, 3], [4, 5, 6]]),
        ((0, ONE, 0, -ONE, 0), [[4, 1], [5, 2], [6, 3]]),
        ((-ONE, 0, 0, 0, -ONE), [[6, 5, 4], [3, 2, 1]]),
        ((0, -ONE, 0, ONE, 0), [[3, 6], [2, 5], [1, 4]]),
        ((-ONE, 0, 0, 0, ONE), [[3, 2, 1], [6, 5, 4]]),
        ((ONE, 0, 0, 0, -ONE), [[4, 5, 6], [1, 2, 3]]),
        ((0, ONE, 0, ONE, 0), [[1, 4], [2, 5], [3, 6]]),
        ((0, -ONE, 0, -ONE, 0), [[6, 3], [5, 2], [4, 1]]),
        # 3 degrees off, and not a matrix at all
        ((ONE, 3000, 0, -3000, ONE), [[1, 2, 3], [4, 5, 6]]),
        ((0, 0, 0, 0, 0), [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_all_eight_orientations(matrix: tuple[int, ...], expected: list[list[int]]) -> None:
    stored = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)[..., None].repeat(3, axis=2)
    orientation = Orientation.from_display_matrix(matrix)
    shown = orientation.apply(stored)
    assert shown[..., 0].tolist() == expected
    assert orientation.display_size(3, 2) == (shown.shape[1], shown.shape[0])
    # What the properties say: mirrored left and right first, then turned clockwise.
    described = stored[:, ::-1] if orientation.mirrored else stored
    described = np.rot90(described, -orientation.rotation // 90)
    np.testing.assert_array_equal(shown, described)
