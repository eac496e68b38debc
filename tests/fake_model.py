"""A stand-in for the compiled networks: a few NumPy lines with the same interface.

An object is wherever the picture is red, as long as red is to be seen; what the tracker asks of
the networks is recorded. It lets the logic around the networks be tested in milliseconds.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sam2ov.engine.devices import Precision
from sam2ov.engine.model import Constants, DecodedMasks, ImageFeatures, PromptEmbeddings
from sam2ov.engine.policy import AS_TRAINED, MemorySettings
from sam2ov.manifest import FileSpec, Manifest, SizeSpec, Source, Switches
from sam2ov.values.masks import FloatArray

SIZE = 64


def make_manifest(**switches: object) -> Manifest:
    """SAM 2.1's switches at a tiny size: S 64, C 8, M 4."""
    values: dict[str, object] = {
        "multimask_output": True,
        "multimask_output_for_tracking": True,
        "multimask_min_points": 0,
        "multimask_max_points": 1,
        "use_multimask_token_for_pointer": True,
        "dynamic_multimask": True,
        "dynamic_multimask_delta": 0.05,
        "dynamic_multimask_threshold": 0.98,
        "binarize_prompted_masks": True,
        "use_mask_as_output": True,
        "pointer_tpos": "projected",
        "signed_pointer_tpos": True,
        "past_pointers_only": True,
        "fixed_no_obj_ptr": True,
        "max_conditioning_frames": -1,
        "memory_stride": 1,
    }
    source = Source(checkpoint="-", sha256="-", config="-", openvino_version="-")
    return Manifest(
        name="fake",
        family="sam2.1",
        image_size=SIZE,
        sizes=(SizeSpec(image_size=SIZE, memory_tokens=(SIZE // 16) ** 2, networks={}),),
        embedding_stride=16,
        mask_stride=4,
        hidden_dim=8,
        mem_dim=4,
        num_maskmem=7,
        max_obj_ptrs=16,
        switches=Switches.model_validate(values | switches),
        weights="f32",
        source=source,
        weights_file=FileSpec(file="weights.bin", sha256="-"),
        constants=FileSpec(file="constants.npz", sha256="-"),
    )


@dataclass
class FakeModel:
    """Has ``SAM2Model``'s methods; ``calls`` counts them, ``banks`` lists (B, n, p) attended to."""

    manifest: Manifest = field(default_factory=make_manifest)
    calls: dict[str, int] = field(default_factory=dict)
    banks: list[tuple[int, int, int]] = field(default_factory=list)
    feedback: list[FloatArray | None] = field(default_factory=list)
    binarized: list[float] = field(default_factory=list)
    memory: MemorySettings = AS_TRAINED
    device: str = "CPU"
    precision: Precision = "f32"

    @property
    def constants(self) -> Constants:
        """Zeros but for the pointer of absent objects."""
        c, m = self.manifest.hidden_dim, self.manifest.mem_dim
        return Constants(
            no_mem_embed=np.zeros(c, np.float32),
            maskmem_tpos_enc=np.zeros((self.manifest.num_maskmem, m), np.float32),
            no_obj_ptr=np.full(c, -1, np.float32),
            mask_downsample_weight=np.full((4, 4), 1 / 16, np.float32),
            mask_downsample_bias=np.zeros((), np.float32),
            obj_ptr_tpos_proj_weight=np.zeros((m, c), np.float32),
            obj_ptr_tpos_proj_bias=np.zeros(m, np.float32),
        )

    def _count(self, method: str) -> None:
        self.calls[method] = self.calls.get(method, 0) + 1

    def encode_image(self, image: npt.NDArray[np.uint8] | FloatArray) -> ImageFeatures:
        """Redness, in every channel of the high-resolution map."""
        self._count("encode_image")
        c, h = self.manifest.hidden_dim, self.manifest.embedding_size
        rgb = image.astype(np.float32)
        red = (rgb[..., 0] - rgb[..., 1:].max(axis=-1)).reshape(4 * h, 4, 4 * h, 4).mean((1, 3))
        return ImageFeatures(
            np.zeros((1, c, h, h), np.float32),
            {"high_res_0": red[None, None].astype(np.float32)},
        )

    def encode_prompts(
        self,
        points_xy_model: FloatArray,
        labels: npt.NDArray[np.int32],
        mask_logits: FloatArray | None,
    ) -> PromptEmbeddings:
        """Nothing of interest."""
        self._count("encode_prompts")
        self.feedback.append(mask_logits)
        batch, c, h = len(labels), self.manifest.hidden_dim, self.manifest.embedding_size
        return PromptEmbeddings(
            np.zeros((batch, labels.shape[1] + 1, c), np.float32),
            np.zeros((batch, c, h, h), np.float32),
        )

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        """Redness - 100 as logits; present where any is positive."""
        self._count("decode_masks")
        batch = len(prompts.sparse)
        assert len(embedding) in (1, batch)
        logits = features.high_res["high_res_0"][0, 0] - 100
        score = 5.0 if (logits > 0).any() else -5.0
        return DecodedMasks(
            np.broadcast_to(logits, (batch, 4, *logits.shape)).copy(),
            np.tile(np.array([0.5, 0.6, 0.9, 0.7], np.float32), (batch, 1)),
            np.ones((batch, 4, self.manifest.hidden_dim), np.float32),
            np.full(batch, score, np.float32),
        )

    def attend_memory(
        self,
        features: ImageFeatures,
        memory: FloatArray,
        memory_tpos: FloatArray,
        pointers: FloatArray,
        pointer_tpos: FloatArray,
    ) -> FloatArray:
        """The embedding, unchanged."""
        self._count("attend_memory")
        assert memory.shape[:2] == memory_tpos.shape[:2]
        assert pointers.shape[:2] == pointer_tpos.shape[:2]
        self.banks.append((memory.shape[0], memory.shape[1], pointers.shape[1]))
        return np.repeat(features.embedding, len(memory), axis=0)

    def encode_memory(
        self,
        features: ImageFeatures,
        mask_logits: FloatArray,
        binarize: FloatArray,
        object_score: FloatArray,
    ) -> FloatArray:
        """Zeros."""
        self._count("encode_memory")
        self.binarized.extend(float(value) for value in binarize)
        shape = (len(mask_logits), self.manifest.memory_tokens, self.manifest.mem_dim)
        return np.zeros(shape, np.float32)
