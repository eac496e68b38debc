"""The networks on frames, prompts, masks and memories: one method each, arrays in and out."""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.devices import Precision, needs_static_shapes
from sam2ov.engine.networks import Compiler, Network, NetworkUsage
from sam2ov.engine.policy import AS_TRAINED, MemorySettings
from sam2ov.errors import ModelFolderError
from sam2ov.manifest import NETWORK_NAMES, Manifest, NetworkName, read_manifest
from sam2ov.values.masks import FloatArray

_HEADERS_BYTES: Final = 1 << 16
"""What the constants' shapes and names may take in their file."""
_NPZ_DAMAGE: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    TypeError,
    NotImplementedError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and NumPy raise for damaged files."""


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the image encoder says about a frame, float32, batch 1.

    Attributes:
        embedding: [1, C, h, w], without ``no_mem_embed``.
        high_res: finer maps for the mask decoder by their names there, [1, C/8, 4h, 4w] and
            [1, C/4, 2h, 2w]; none in families whose decoder sees the embedding alone.
    """

    embedding: FloatArray
    high_res: Mapping[str, FloatArray]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.embedding.nbytes + sum(each.nbytes for each in self.high_res.values())


@dataclass(frozen=True, eq=False)
class PromptEmbeddings:
    """Encoded prompts of B objects: ``sparse`` [B, T, C] and ``dense`` [B, C, h, w], float32.

    Without masks among the prompts, ``dense`` is the same for all objects and may be [1, C, h, w].
    """

    sparse: FloatArray
    dense: FloatArray


@dataclass(frozen=True, eq=False)
class DecodedMasks:
    """All four candidates of B objects, float32; token 0 is the single mask, 1 to 3 the multimask.

    Attributes:
        mask_logits: [B, 4, 4h, 4w].
        ious: [B, 4], 0 to 1.
        pointers: [B, 4, C].
        object_score: [B], logit.
    """

    mask_logits: FloatArray
    ious: FloatArray
    pointers: FloatArray
    object_score: FloatArray


@dataclass(frozen=True, eq=False)
class Constants:
    """Learned parameters that live outside the graphs, float32.

    Attributes:
        no_mem_embed: [C], added to the embedding where there is no memory.
        maskmem_tpos_enc: [num_maskmem, M], one row per temporal slot.
        no_obj_ptr: [C], the pointer of an absent object.
        mask_downsample_weight: [s, s], convolves mask prompts at the stride s of masks.
        mask_downsample_bias: scalar.
        obj_ptr_tpos_proj_weight: [M, C], where ``pointer_tpos`` is projected.
        obj_ptr_tpos_proj_bias: [M], likewise.
    """

    no_mem_embed: FloatArray
    maskmem_tpos_enc: FloatArray
    no_obj_ptr: FloatArray
    mask_downsample_weight: FloatArray
    mask_downsample_bias: FloatArray
    obj_ptr_tpos_proj_weight: FloatArray | None = None
    obj_ptr_tpos_proj_bias: FloatArray | None = None


class SAM2Model:
    """A model folder compiled for one device. Calls from several threads take turns per network.

    Args:
        folder: a model folder (see ``sam2ov.manifest``).
        device: any OpenVINO device string: "CPU", "GPU", "GPU.1", "NPU", "AUTO", …
        precision: inside the graphs; None takes the fastest that the device computes natively,
            and f32 where OpenVINO chooses among devices (AUTO, MULTI, HETERO).
        cache_dir: where OpenVINO keeps compiled graphs; None compiles at every start.
        static_shapes: compile a graph for each shape of its inputs when it first comes, for devices
            that cannot leave dimensions open; None does so on NPU alone.
        memory: what trackers of this model remember.
        image_size: side of the model's input in pixels, one of those that the folder has; None
            takes the one that the model was trained at.
        threads: of the CPU that a network computes with; None for all.

    Raises:
        ModelFolderError: the folder is incomplete or damaged, or lacks the size.
        DeviceError: the device is not there, or does not compute in ``precision``.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "CPU",
        precision: Precision | None = None,
        cache_dir: Path | None = None,
        memory: MemorySettings = AS_TRAINED,
        static_shapes: bool | None = None,
        image_size: int | None = None,
        threads: int | None = None,
    ) -> None:
        manifest = read_manifest(folder)
        self.manifest: Manifest = manifest if image_size is None else manifest.at(image_size)
        self.device = device
        self.memory = memory
        compiler = Compiler.for_device(device, precision, cache_dir, threads)
        self.precision: Precision = compiler.precision
        self.constants = _read_constants(folder, self.manifest)
        if static_shapes is None:
            static_shapes = needs_static_shapes(device)
        self._networks = {
            name: Network(compiler, folder, self.manifest, name, static_shapes=static_shapes)
            for name in NETWORK_NAMES
        }

    def usage(self) -> dict[NetworkName, NetworkUsage]:
        """What each network has done so far."""
        return {name: network.usage for name, network in self._networks.items()}

    def encode_image(self, image: npt.NDArray[np.uint8] | FloatArray) -> ImageFeatures:
        """Embed a frame: RGB [S, S, 3] from 0 to 255, uint8 or float32."""
        pixels = np.ascontiguousarray(image, np.float32)[None]
        out = self._networks["image_encoder"].infer({"image": pixels})
        return ImageFeatures(out.pop("embedding"), out)

    def encode_prompts(
        self,
        points_xy_model: FloatArray,
        labels: npt.NDArray[np.int32],
        mask_logits: FloatArray | None,
    ) -> PromptEmbeddings:
        """Embed prompts.

        Args:
            points_xy_model: [B, P, 2] in model pixels, P ≥ 1.
            labels: [B, P]; -1 pads.
            mask_logits: [B, 4h, 4w] fed back from an earlier answer, or None.
        """
        size = self.manifest.low_res_size
        has_mask = mask_logits is not None
        if mask_logits is None:
            mask_logits = np.zeros((1, size, size), np.float32)
        out = self._networks["prompt_encoder"].infer(
            {
                "points": points_xy_model,
                "labels": labels,
                "mask_logits": mask_logits[:, None],
                "has_mask": np.full(len(mask_logits), has_mask, np.float32),
            }
        )
        return PromptEmbeddings(out["sparse"], out["dense"])

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        """Segment B objects on one frame from their conditioned ``embedding`` [B or 1, C, h, w]."""
        out = self._networks["mask_decoder"].infer(
            {
                "embedding": embedding,
                **features.high_res,
                "sparse": prompts.sparse,
                "dense": prompts.dense,
            }
        )
        return DecodedMasks(
            out["mask_logits"], out["ious"], out["pointers"], out["object_score"][:, 0]
        )

    def attend_memory(
        self,
        features: ImageFeatures,
        memory: FloatArray,
        memory_tpos: FloatArray,
        pointers: FloatArray,
        pointer_tpos: FloatArray,
    ) -> FloatArray:
        """Condition a frame's embedding on the memories of B objects.

        Args:
            features: of the frame, shared by the objects.
            memory: [B, n, T, M], n ≥ 1.
            memory_tpos: [B, n, M], the temporal encoding of each memory.
            pointers: [B, p, C], p ≥ 0.
            pointer_tpos: [B, p, M].

        Returns:
            float32 [B, C, h, w].
        """
        out = self._networks["memory_attention"].infer(
            {
                "embedding": features.embedding,
                "memory": memory,
                "memory_tpos": memory_tpos,
                "pointers": pointers,
                "pointer_tpos": pointer_tpos,
            }
        )
        return out["conditioned"]

    def encode_memory(
        self,
        features: ImageFeatures,
        mask_logits: FloatArray,
        binarize: FloatArray,
        object_score: FloatArray,
    ) -> FloatArray:
        """Turn the masks of B objects on a frame into memories.

        Args:
            features: of the frame, shared by the objects.
            mask_logits: [B, 4h, 4w].
            binarize: [B]; 1 thresholds the mask (prompted frames), 0 takes its sigmoid.
            object_score: [B], logit.

        Returns:
            float32 [B, T, M].
        """
        out = self._networks["memory_encoder"].infer(
            {
                "embedding": features.embedding,
                "mask_logits": mask_logits[:, None],
                "binarize": binarize,
                "object_score": object_score[:, None],
            }
        )
        return out["memory"]


def _read_constants(folder: Path, manifest: Manifest) -> Constants:
    path = folder / manifest.constants.file
    c, m = manifest.hidden_dim, manifest.mem_dim
    shapes: dict[str, tuple[int, ...]] = {
        "no_mem_embed": (c,),
        "maskmem_tpos_enc": (manifest.num_maskmem, m),
        "no_obj_ptr": (c,),
        "mask_downsample_weight": (manifest.mask_stride, manifest.mask_stride),
        "mask_downsample_bias": (),
    }
    if manifest.switches.pointer_tpos == "projected":
        shapes |= {"obj_ptr_tpos_proj_weight": (m, c), "obj_ptr_tpos_proj_bias": (m,)}
    most = 4 * sum(math.prod(shape) for shape in shapes.values()) + _HEADERS_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > most:
                raise _damaged(path, f"it holds {unpacked:,} bytes instead of up to {most:,}")
            arrays = {
                entry.filename.removesuffix(".npy"): np.load(io.BytesIO(archive.read(entry)))
                for entry in archive.infolist()
            }
    except _NPZ_DAMAGE as error:
        raise _damaged(path, str(error)[:100] or type(error).__name__) from error
    found = {name: array.shape for name, array in arrays.items() if array.dtype == np.float32}
    if found != shapes:
        raise _damaged(path, f"it has {found} in float32, but the manifest asks for {shapes}")
    return Constants(**arrays)


def _damaged(path: Path, how: str) -> ModelFolderError:
    return ModelFolderError(
        f"{path} is damaged ({how}). Delete the folder and convert the checkpoint again."
    )
