"""The bookkeeping of sam2 1.1.0 for predictors of the family.

EdgeTAM and EfficientTAM were made from sam2 1.0: its predictor takes no object after tracking has
begun, runs all objects together, and gives those without a prompt an empty mask on every prompted
frame. sam2ov does as sam2 1.1.0, where objects know nothing of each other. So the family's
networks and memories run under the predictor of sam2 1.1.0; where objects share their prompted
frames, the two agree.
"""

import importlib.util
import sys
from importlib.metadata import distribution
from inspect import signature
from types import ModuleType
from typing import Any, Final

import torch

from tools.torch_predictor import Predictor, keep_memories_in_float32

_VERSION: Final = "1.1.0"
_MODULE: Final = "current_sam2_video_predictor"


def use_current_bookkeeping(predictor: Predictor) -> Predictor:
    """Give a predictor of another package the methods of ``SAM2VideoPredictor`` of sam2 1.1.0.

    That package has to lie on the search path, too, behind the predictor's own.
    """
    module = _load_current()
    predictor.__class__ = type(
        "PredictorOfTheFamily", (_Adapter, module.SAM2VideoPredictor), {"__module__": __name__}
    )
    return predictor


def _load_current() -> ModuleType:
    if _MODULE in sys.modules:
        return sys.modules[_MODULE]
    package = distribution("sam2")
    if package.version != _VERSION:
        raise RuntimeError(f"this needs sam2 {_VERSION} on the search path, not {package.version}")
    path = package.locate_file("sam2/sam2_video_predictor.py")
    spec = importlib.util.spec_from_file_location(_MODULE, str(path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    module.tqdm = lambda frames, **_: frames  # type: ignore[attr-defined]
    keep_memories_in_float32(module)
    return module


class _Adapter:
    """Where sam2 1.1.0 calls a ``SAM2Base`` of the family otherwise than that expects."""

    def _encode_new_memory(self, *, object_score_logits: Any = None, **inputs: Any) -> Any:
        """EfficientTAM's memories are the same whether the object is there or not."""
        encode = super()._encode_new_memory  # type: ignore[misc]
        if "object_score_logits" in signature(encode).parameters:
            inputs["object_score_logits"] = object_score_logits
        return encode(**inputs)

    def track_step(self, **inputs: Any) -> dict[str, Any]:
        """EfficientTAM keeps no object score; it would only go into the memory."""
        output: dict[str, Any] = super().track_step(**inputs)  # type: ignore[misc]
        output.setdefault("object_score_logits", torch.zeros(1, 1))
        return output

    def _get_maskmem_pos_enc(
        self, inference_state: dict[str, Any], current_out: dict[str, Any]
    ) -> Any:
        """EdgeTAM's positions are tokens, [1, tokens, M]; one object's need not be expanded."""
        return current_out["maskmem_pos_enc"]
