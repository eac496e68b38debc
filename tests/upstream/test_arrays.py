"""Arrays that answer like CPU tensors."""

from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import DeviceError, PromptError
from sam2ov.upstream.arrays import Device, TensorArray


@pytest.fixture
def logits() -> Any:
    values = np.arange(-12, 12, dtype=np.float32).reshape(2, 1, 3, 4)
    return TensorArray.of(values)


def test_what_programs_chain_on_masks(logits: Any) -> None:
    mask = (logits[1] > 0.0).cpu().numpy()
    assert type(mask) is np.ndarray
    assert mask.dtype == np.bool_
    assert mask.shape == (1, 3, 4)
    found = logits.squeeze(0).float().detach().cpu().numpy()  # nothing of length 1 there
    assert found.shape == (2, 1, 3, 4)
    assert (logits.squeeze(1).sigmoid() > 0.5).bool().sum().item() == 11
    for obj_id, each in zip([3, 4], logits, strict=True):
        assert isinstance((each > 0).squeeze(), TensorArray), obj_id


def test_comparisons_and_indexing_keep_the_class(logits: Any) -> None:
    for each in (logits > 0, logits[0], logits[:, 0], logits[..., None], ~(logits > 0), -logits):
        assert type(each) is TensorArray


def test_nothing_is_copied_that_need_not_be(logits: Any) -> None:
    for same in (
        logits.cpu(),
        logits.detach(),
        logits.contiguous(),
        logits.numpy(),
        logits.float(),
        logits.to("cpu"),
        logits.unsqueeze(0),
        logits.permute(1, 0, 2, 3),
        logits.view(-1, 4),
        np.asarray(logits),
    ):
        assert np.shares_memory(same, logits)
    assert not np.shares_memory(logits.clone(), logits)
    assert not np.shares_memory(logits.flatten(), logits)  # np.unique sorts it in place
    assert not np.shares_memory(logits.permute(3, 2, 1, 0).contiguous(), logits)


def test_shapes_as_in_torch(logits: Any) -> None:
    assert logits.size() == (2, 1, 3, 4)
    assert logits.size(-1) == 4
    assert logits.size == 24
    assert logits.numel() == 24
    assert logits.dim() == 4
    assert logits.squeeze(1).shape == (2, 3, 4)
    assert logits.squeeze((0, 1)).shape == (2, 3, 4)
    assert logits.squeeze(-3).shape == (2, 3, 4)
    assert np.squeeze(logits, 1).shape == (2, 3, 4)
    assert logits.unsqueeze(-1).shape == (2, 1, 3, 4, 1)
    assert logits.permute(3, 0, 1, 2).shape == (4, 2, 1, 3)
    assert logits.permute((3, 0, 1, 2)).shape == (4, 2, 1, 3)
    assert logits.transpose(-2, -1).shape == (2, 1, 4, 3)
    assert logits.transpose(3, 2, 1, 0).shape == (4, 3, 1, 2)
    assert logits[0, 0].transpose(1, 0).shape == (4, 3)
    assert logits.view(2, -1).shape == (2, 12)
    assert logits.flatten(0, 1).shape == (2, 3, 4)
    assert logits.flatten(2).shape == (2, 1, 12)
    assert logits.flatten().shape == (24,)
    assert logits.flatten("F").tolist() == np.asarray(logits).flatten("F").tolist()


def test_reductions_along_dim(logits: Any) -> None:
    plain = np.asarray(logits)
    assert logits.sum(dim=-1).tolist() == plain.sum(-1).tolist()
    assert logits.sum(dim=[2, 3]).tolist() == plain.sum((2, 3)).tolist()
    assert logits.mean(dim=1, keepdim=True).shape == (2, 1, 3, 4)
    assert (logits > 0).any(dim=3).tolist() == (plain > 0).any(3).tolist()
    assert (logits > 0).all(dim=3).tolist() == (plain > 0).all(3).tolist()
    assert logits.argmax(dim=0).tolist() == plain.argmax(0).tolist()
    assert logits.argmin(dim=0).tolist() == plain.argmin(0).tolist()
    assert np.sum(logits, axis=0).tolist() == plain.sum(0).tolist()
    assert np.mean(logits, axis=(0, 1), keepdims=True).shape == (1, 1, 3, 4)
    assert logits.sum().item() == plain.sum()


class FakeTorchType:
    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"torch.{self._name}"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (np.uint8, np.uint8),
        (np.dtype(np.float64), np.float64),
        ("float16", np.float16),
        (FakeTorchType("bool"), np.bool_),
        (FakeTorchType("int64"), np.int64),
        (bool, np.bool_),
        (float, np.float64),
        (TensorArray.of(np.zeros(1, np.int32)), np.int32),
    ],
)
def test_types(logits: Any, wanted: Any, expected: type[np.generic]) -> None:
    assert logits.to(wanted).dtype == expected
    assert logits.to("cpu", wanted).dtype == expected


def test_types_by_method(logits: Any) -> None:
    names = ("float", "double", "half", "int", "long", "byte", "bool")
    types = [getattr(logits, name)().dtype.name for name in names]
    assert types == ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]
    assert logits.type() == "float32"
    assert logits.type("uint8").dtype == np.uint8


def test_other_devices_and_gradients_are_refused(logits: Any) -> None:
    assert logits.device.type == "cpu"
    assert (logits.is_cuda, logits.requires_grad) == (False, False)
    for move in (logits.cuda, lambda: logits.to("cuda:0"), lambda: logits.to(device="mps")):
        with pytest.raises(DeviceError, match="from_numpy"):
            move()
    with pytest.raises(DeviceError, match="bfloat16"):
        logits.to(FakeTorchType("bfloat16"))
    with pytest.raises(PromptError, match="gradients"):
        logits.requires_grad_()


def test_devices_have_torchs_parts() -> None:
    assert (Device("GPU.1").type, Device("GPU.1").index) == ("gpu", 1)
    assert (Device("cpu").type, Device("cpu").index) == ("cpu", None)


def test_other_libraries_take_them(logits: Any) -> None:
    mask = (logits[0, 0] < -5).byte()
    assert cv2.resize(mask, (8, 6)).shape == (6, 8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    assert len(contours) == 1
    assert Image.fromarray(mask * 255).size == (4, 3)
    assert np.stack([mask, mask]).shape == (2, 3, 4)
