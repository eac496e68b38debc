"""``python -m tests.reference.transformers_model FAMILY OUT``: a random model of transformers.

In a process of its own, where torchvision is hidden: transformers would load it, and its wheel does
not fit torch's for the CPU. Beside the model's files stands ``answers.npz`` with the inputs and
outputs of the networks of a Sam2Video model: what its weights compute under transformers' names.
"""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import torch

SHARED = "prompt_encoder.shared_embedding.positional_embedding"


def sam2(transformers: Any) -> Any:
    """SAM 2.1's tiny model."""
    return transformers.Sam2VideoModel(transformers.Sam2VideoConfig())


def edgetam(transformers: Any) -> Any:
    """EdgeTAM on another trunk, since its own needs timm."""
    config = transformers.EdgeTamVideoConfig(
        enable_occlusion_spatial_embedding=False,
        enable_temporal_pos_encoding_for_object_pointers=False,
    )
    return transformers.EdgeTamVideoModel(config)


def randomize(model: Any) -> None:
    """No parameter is like another, and none is near zero."""
    generator = torch.Generator().manual_seed(1)
    state_dict = model.state_dict()
    for key, values in state_dict.items():
        scale = key.endswith("weight") and values.ndim == 1
        values.copy_(0.05 * torch.randn(values.shape, generator=generator) + float(scale))
    state_dict["shared_image_embedding.positional_embedding"].copy_(state_dict[SHARED])


def answers(model: Any) -> dict[str, torch.Tensor]:
    """Inputs (``in_``) and outputs (``out_``) of each network."""
    generator = torch.Generator().manual_seed(2)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    found = {
        "in_image": random(1, 3, 256, 256),
        "in_points": torch.tensor([[[100.0, 200.0], [300.0, 50.0]]]),
        "in_labels": torch.tensor([[1, 0]], dtype=torch.int32),
        "in_mask": random(1, 1, 256, 256),
        "in_embedding": random(1, 256, 64, 64),
        "in_high_res_0": random(1, 32, 256, 256),
        "in_high_res_1": random(1, 64, 128, 128),
        "in_mask_for_memory": random(1, 1, 1024, 1024),
        "in_memory": random(4096 + 4, 1, 64),
        "in_memory_position": random(4096 + 4, 1, 64),
        "in_pointer": random(2, 256),
    }
    encoded = model.vision_encoder(found["in_image"]).fpn_hidden_states
    found |= {f"out_level_{index}": level for index, level in enumerate(encoded)}
    sparse, dense = model.prompt_encoder(
        input_points=found["in_points"][None],
        input_labels=found["in_labels"][None],
        input_boxes=None,
        input_masks=found["in_mask"],
    )
    position = model.get_image_wide_positional_embeddings()
    masks, ious, tokens, presence = model.mask_decoder(
        image_embeddings=found["in_embedding"],
        image_positional_embeddings=position,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
        high_resolution_features=[found["in_high_res_0"], found["in_high_res_1"]],
    )
    memory, _ = model.memory_encoder(found["in_embedding"], found["in_mask_for_memory"])
    current = found["in_embedding"].flatten(2).permute(2, 0, 1)
    conditioned = model.memory_attention(
        current_vision_features=current,
        memory=found["in_memory"],
        current_vision_position_embeddings=torch.zeros_like(current),
        memory_posision_embeddings=found["in_memory_position"],
        num_object_pointer_tokens=4,
    )
    return found | {
        "out_sparse": sparse[0],
        "out_dense": dense,
        "out_position": position,
        "out_masks": masks[0],
        "out_ious": ious[0],
        "out_tokens": tokens[0],
        "out_presence": presence[0],
        "out_memory": memory,
        "out_conditioned": conditioned.reshape(4096, 1, 256),
        "out_pointer": model.object_pointer_proj(found["in_pointer"]),
    }


def main() -> None:
    """Make it."""
    family, out = sys.argv[1], Path(sys.argv[2])
    sys.modules["torchvision"] = cast(ModuleType, None)
    model = {"sam2": sam2, "edgetam": edgetam}[family](import_module("transformers")).eval()
    with torch.no_grad():
        randomize(model)
        model.save_pretrained(out)
        if family == "sam2":
            found = answers(model)
            arrays = {key: values.numpy() for key, values in found.items()}
            np.savez(out / "answers.npz", allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
