"""The authors' own image predictor and automatic masks in torch, without torchvision.

Both import torchvision, which needs a build of its own beside the CPU's torch. What they use of it
is little, and stands here by its documented behaviour: resizing and normalising float images, and
non-maximum suppression. Like ``torch_predictor`` it needs torch and the package ``sam2``.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

STRIDES: Final = (4, 8, 16)


class _ToTensor:
    def __call__(self, image: Any) -> Tensor:
        array = np.asarray(image)
        return torch.from_numpy(array.copy()).permute(2, 0, 1).float() / 255


class _Resize(nn.Module):
    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, image: Tensor) -> Tensor:
        resized = nn.functional.interpolate(
            image[None], self.size, mode="bilinear", align_corners=False, antialias=True
        )
        return resized[0]


class _Normalize(nn.Module):
    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean, self.std = torch.tensor(mean), torch.tensor(std)

    def forward(self, image: Tensor) -> Tensor:
        return (image - self.mean[:, None, None]) / self.std[:, None, None]


def box_area(boxes: Tensor) -> Tensor:
    """Areas [N] of boxes [N, 4]."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def batched_nms(boxes: Tensor, scores: Tensor, _: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes of one category that stay, by falling score."""
    left = scores.argsort(descending=True, stable=True).tolist()
    areas = box_area(boxes)
    kept = []
    while left:
        best, left = left[0], left[1:]
        kept.append(best)
        if not left:
            break
        others = boxes[left]
        low = torch.maximum(boxes[best, :2], others[:, :2])
        high = torch.minimum(boxes[best, 2:], others[:, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        iou = shared / (areas[best] + areas[left] - shared)
        left = [
            index
            for index, value in zip(left, iou.tolist(), strict=True)
            if not value > iou_threshold
        ]
    return torch.tensor(kept, dtype=torch.int64)


def _stand_in() -> None:
    """Let ``import torchvision`` find the above."""
    modules: dict[str, dict[str, Any]] = {
        "torchvision": {},
        "torchvision.transforms": {
            "Normalize": _Normalize,
            "Resize": _Resize,
            "ToTensor": _ToTensor,
        },
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms, "box_area": box_area},
    }
    for name, contents in modules.items():
        module = ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module


def _make(module: str, name: str, model: Any, options: dict[str, Any]) -> Any:
    """An instance of one of sam2's classes that import torchvision."""
    if "torchvision" not in sys.modules:
        _stand_in()
    kind = getattr(import_module(module), name)
    script = torch.jit.script
    # Transforms are compiled when an instance is made; those above run as they are.
    torch.jit.script = lambda scripted: scripted  # type: ignore[assignment]
    try:
        return kind(model, **options)
    finally:
        torch.jit.script = script


def image_predictor(model: Any, **options: Any) -> Any:
    """Upstream's ``SAM2ImagePredictor`` of a model of any input size."""
    predictor = _make("sam2.sam2_image_predictor", "SAM2ImagePredictor", model, options)
    return _let_take_size(predictor, model.image_size)


def mask_generator(model: Any, **options: Any) -> Any:
    """Upstream's ``SAM2AutomaticMaskGenerator`` of a model of any input size."""
    module, name = "sam2.automatic_mask_generator", "SAM2AutomaticMaskGenerator"
    generator = _make(module, name, model, options)
    _let_take_size(generator.predictor, model.image_size)
    return generator


def _let_take_size(predictor: Any, image_size: int) -> Any:
    """Upstream's has the sizes of 1024 px written down."""
    predictor._bb_feat_sizes = [(image_size // stride,) * 2 for stride in STRIDES]
    return predictor
