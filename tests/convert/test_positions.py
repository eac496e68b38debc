"""Position encodings in NumPy against torch's and sam2's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sam2.modeling.position_encoding import PositionEmbeddingSine, compute_axial_cis

from convert.positions import bicubic_matrix, rope_angles, sine_table

TOLERANCE = 1e-6


@given(source=st.integers(1, 14), more=st.integers(0, 115))
def test_bicubic_resizing_is_torchs(source: int, more: int) -> None:
    """Position embeddings have at most 14 cells, and are enlarged."""
    target = source + more
    identity = torch.eye(source)[None, None]
    rows = torch.nn.functional.interpolate(identity, size=(target, source), mode="bicubic")
    np.testing.assert_allclose(
        bicubic_matrix(source, target), rows[0, 0].numpy(), rtol=0, atol=TOLERANCE
    )


def test_both_axes_of_a_map_are_resized() -> None:
    values = torch.randn((1, 2, 7, 7), generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(values, size=(64, 64), mode="bicubic")[0].numpy()
    matrix = bicubic_matrix(7, 64)
    resized = np.einsum("ij,cjk,lk->cil", matrix, values[0].numpy(), matrix)
    np.testing.assert_allclose(resized, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("channels", "size"), [(256, 64), (256, 32), (64, 16), (128, 20)])
def test_sine_positions_are_sam2s(channels: int, size: int) -> None:
    position = PositionEmbeddingSine(channels)(torch.zeros(1, channels, size, size))[0].numpy()
    of_y, of_x = np.split(position, 2)
    table = sine_table(channels // 2, size)
    rows = np.broadcast_to(table.T[:, :, None], of_y.shape)
    columns = np.broadcast_to(table.T[:, None], of_x.shape)
    np.testing.assert_allclose(rows, of_y, atol=TOLERANCE)
    np.testing.assert_allclose(columns, of_x, atol=TOLERANCE)


@pytest.mark.parametrize(("channels", "size"), [(256, 64), (256, 32), (64, 16), (128, 20)])
@pytest.mark.parametrize("theta", [10000.0, 100.0])
def test_rotary_angles_are_sam2s(channels: int, size: int, theta: float) -> None:
    turns = torch.view_as_real(compute_axial_cis(channels, size, size, theta)).numpy()
    turns = np.repeat(turns.reshape(size, size, -1, 2), 2, axis=2)
    of_x, of_y = np.split(turns, 2, axis=2)
    angles = rope_angles(channels, size, theta).astype(np.float64)
    table = np.stack([np.cos(angles), np.sin(angles)], axis=-1)  # [size, C/2, 2]
    np.testing.assert_allclose(np.broadcast_to(table, of_x.shape), of_x, atol=TOLERANCE)
    np.testing.assert_allclose(np.broadcast_to(table[:, None], of_y.shape), of_y, atol=TOLERANCE)
