"""The compiled networks, one method each. The only module that imports OpenVINO."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import openvino as ov

from sam2ov.errors import DeviceError, ModelFolderError
from sam2ov.manifest import NETWORK_NAMES, Manifest, NetworkName, read_manifest
from sam2ov.masks import FloatArray

Precision = Literal["f32", "bf16", "f16"]

_HINTS: Mapping[Precision, ov.Type] = {
    "f32": ov.Type.f32,
    "bf16": ov.Type.bf16,
    "f16": ov.Type.f16,
}
_CAPABILITIES: Mapping[Precision, str] = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
_STATIC_DEVICES = frozenset({"NPU"})
# A bank fills up in 16 steps (its pointers); objects that join later pass through other shapes.
_REQUESTS_PER_NETWORK = 32
_META_DEVICES = frozenset({"AUTO", "MULTI", "HETERO", "BATCH"})
# Point coordinates go through a matrix product before the sine: 8 bits of mantissa would move
# them by pixels, and the network costs nothing.
_ALWAYS_F32: frozenset[NetworkName] = frozenset({"prompt_encoder"})


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the image encoder says about a frame, float32, batch 1.

    Attributes:
        embedding: [1, C, h, w] at stride 16, without ``no_mem_embed``.
        high_res_0: [1, C/8, 4h, 4w].
        high_res_1: [1, C/4, 2h, 2w].
    """

    embedding: FloatArray
    high_res_0: FloatArray
    high_res_1: FloatArray

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.embedding.nbytes + self.high_res_0.nbytes + self.high_res_1.nbytes


@dataclass(frozen=True, eq=False)
class PromptEmbeddings:
    """Encoded prompts of B objects: ``sparse`` [B, T, C] and ``dense`` [B, C, h, w], float32."""

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
        mask_downsample_weight: [4, 4], stride-4 convolution of a mask prompt.
        mask_downsample_bias: scalar.
        obj_ptr_tpos_proj_weight: [M, C], SAM 2.1 only.
        obj_ptr_tpos_proj_bias: [M], SAM 2.1 only.
    """

    no_mem_embed: FloatArray
    maskmem_tpos_enc: FloatArray
    no_obj_ptr: FloatArray
    mask_downsample_weight: FloatArray
    mask_downsample_bias: FloatArray
    obj_ptr_tpos_proj_weight: FloatArray | None = None
    obj_ptr_tpos_proj_bias: FloatArray | None = None


@dataclass(frozen=True)
class NetworkUsage:
    """What a network has done since it was loaded.

    Attributes:
        calls: how often it ran.
        seconds: how long that took, without waiting for its turn.
        shapes: of its inputs at the latest call, by name.
    """

    calls: int
    seconds: float
    shapes: Mapping[str, tuple[int, ...]]


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
        memory_frames: spatial memories of at most ``memory_frames - 1`` neighbours are attended to,
            besides those of all prompted frames; None for as many as the model was trained with.

    Raises:
        ModelFolderError: the folder is incomplete or damaged.
        DeviceError: the device is not there, or does not compute in ``precision``.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "CPU",
        precision: Precision | None = None,
        cache_dir: Path | None = None,
        memory_frames: int | None = None,
        static_shapes: bool | None = None,
    ) -> None:
        self.manifest: Manifest = read_manifest(folder)
        self.device = device
        trained = self.manifest.num_maskmem
        self.memory_frames = trained if memory_frames is None else min(memory_frames, trained)
        core = ov.Core()
        self.precision: Precision = choose_precision(core, device, precision)
        self.constants = _read_constants(folder, self.manifest)
        if static_shapes is None:
            static_shapes = device.split(".")[0] in _STATIC_DEVICES
        compiler = _Compiler(core, device, self.precision, cache_dir)
        self._networks = {
            name: _Network(compiler, folder, self.manifest, name, static_shapes=static_shapes)
            for name in NETWORK_NAMES
        }

    def usage(self) -> dict[NetworkName, NetworkUsage]:
        """What each network has done so far."""
        return {name: network.usage for name, network in self._networks.items()}

    def encode_image(self, image: npt.NDArray[np.uint8]) -> ImageFeatures:
        """Embed a frame: uint8 RGB [S, S, 3]."""
        out = self._networks["image_encoder"].infer({"image": image[None]})
        return ImageFeatures(out["embedding"], out["high_res_0"], out["high_res_1"])

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
        batch, size = len(points_xy_model), self.manifest.low_res_size
        has_mask = mask_logits is not None
        if mask_logits is None:
            mask_logits = np.zeros((batch, size, size), np.float32)
        out = self._networks["prompt_encoder"].infer(
            {
                "points": points_xy_model,
                "labels": labels,
                "mask_logits": mask_logits[:, None],
                "has_mask": np.full(batch, has_mask, np.float32),
            }
        )
        return PromptEmbeddings(out["sparse"], out["dense"])

    def decode_masks(
        self, embedding: FloatArray, features: ImageFeatures, prompts: PromptEmbeddings
    ) -> DecodedMasks:
        """Segment B objects on one frame from their conditioned ``embedding`` [B, C, h, w]."""
        out = self._networks["mask_decoder"].infer(
            {
                "embedding": embedding,
                "high_res_0": features.high_res_0,
                "high_res_1": features.high_res_1,
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
            memory: [B, n, h·w, M], n ≥ 1.
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
            float32 [B, h·w, M].
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


@dataclass(frozen=True, eq=False)
class _Compiler:
    """Graphs to requests, for one device."""

    core: ov.Core
    device: str
    precision: Precision
    cache_dir: Path | None

    def read(self, path: Path) -> ov.Model:
        try:
            return self.core.read_model(path)
        except RuntimeError as error:
            raise ModelFolderError(
                f"{path} cannot be read by OpenVINO ({_first_line(error)}). "
                "Delete the folder and convert the checkpoint again."
            ) from error

    def request(self, graph: ov.Model, name: NetworkName) -> ov.InferRequest:
        hint = "f32" if name in _ALWAYS_F32 else self.precision
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _HINTS[hint],
        }
        if self.cache_dir is not None:
            config["CACHE_DIR"] = str(self.cache_dir)
        try:
            return self.core.compile_model(graph, self.device, config).create_infer_request()
        except RuntimeError as error:
            raise DeviceError(
                f"OpenVINO cannot compile {name} for {self.device} in {hint}: "
                f'{_first_line(error)}. Try device="CPU" or another precision.'
            ) from error


_Shapes = tuple[tuple[int, ...], ...]


class _Network:
    """One graph behind a lock: a request for all shapes, or one for each."""

    def __init__(
        self,
        compiler: _Compiler,
        folder: Path,
        manifest: Manifest,
        name: NetworkName,
        *,
        static_shapes: bool,
    ) -> None:
        spec = manifest.networks[name]
        self._compiler = compiler
        self._name = name
        self._path = folder / spec.xml.file
        self._by_shape = static_shapes and any(-1 in tensor.shape for tensor in spec.inputs)
        self._requests: OrderedDict[_Shapes, ov.InferRequest] = OrderedDict()
        if not self._by_shape:
            self._requests[()] = compiler.request(compiler.read(self._path), name)
        self._outputs = tuple(output.name for output in spec.outputs)
        self._lock = threading.Lock()
        self.usage = NetworkUsage(0, 0.0, {})

    def infer(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, FloatArray]:
        with self._lock:
            started = time.perf_counter()
            request = self._request_for(inputs)
            request.infer(dict(inputs), share_inputs=True)
            # The request overwrites its tensors at the next call.
            outputs = {name: request.get_tensor(name).data.copy() for name in self._outputs}
            self.usage = NetworkUsage(
                self.usage.calls + 1,
                self.usage.seconds + time.perf_counter() - started,
                {name: tensor.shape for name, tensor in inputs.items()},
            )
            return outputs

    def _request_for(self, inputs: Mapping[str, npt.NDArray[Any]]) -> ov.InferRequest:
        if not self._by_shape:
            return self._requests[()]
        shapes = tuple(tensor.shape for tensor in inputs.values())
        if shapes not in self._requests:
            graph = self._compiler.read(self._path)
            graph.reshape({name: list(tensor.shape) for name, tensor in inputs.items()})
            self._requests[shapes] = self._compiler.request(graph, self._name)
            if len(self._requests) > _REQUESTS_PER_NETWORK:
                self._requests.popitem(last=False)
        self._requests.move_to_end(shapes)
        return self._requests[shapes]


def available_devices() -> dict[str, str]:
    """OpenVINO's devices on this machine: device string → full name."""
    core = ov.Core()
    return {name: core.get_property(name, "FULL_DEVICE_NAME") for name in core.available_devices}


def choose_precision(core: ov.Core, device: str, wanted: Precision | None) -> Precision:
    """The precision to compile for: ``wanted``, or the fastest that ``device`` computes natively.

    Where OpenVINO chooses among devices (AUTO …), the one that all of them have: f32.

    Raises:
        DeviceError: the device is not there, or does not compute in ``wanted``.
    """
    base = device.split(":")[0].split(".")[0]
    names = core.available_devices
    if wanted is not None and wanted not in _CAPABILITIES:
        raise DeviceError(f"precision is one of {', '.join(_CAPABILITIES)}, got {wanted!r}.")
    if base in _META_DEVICES:
        return wanted or "f32"
    physical = next((n for n in names if n == device or n.split(".")[0] == device), None)
    if physical is None:
        raise DeviceError(
            f"There is no device {device!r} here. Available: {', '.join(names)}, or AUTO."
        )
    offered = set(core.get_property(physical, "OPTIMIZATION_CAPABILITIES"))
    if wanted is None:
        fastest_first: tuple[Precision, ...] = ("bf16", "f16") if base == "CPU" else ("f16", "bf16")
        return next((p for p in fastest_first if _CAPABILITIES[p] in offered), "f32")
    if wanted != "f32" and _CAPABILITIES[wanted] not in offered:
        raise DeviceError(
            f"{device} does not compute in {wanted}; it offers {', '.join(sorted(offered))}. "
            "Leave precision out to take its best."
        )
    return wanted


def _read_constants(folder: Path, manifest: Manifest) -> Constants:
    path = folder / manifest.constants.file
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Constants(**{name: archive[name] for name in archive.files})
    except (OSError, ValueError, TypeError) as error:
        raise ModelFolderError(
            f"{path} is damaged ({error}). Delete the folder and convert the checkpoint again."
        ) from error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
