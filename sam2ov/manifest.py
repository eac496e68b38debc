"""The model folder's ``manifest.json``: the whole contract between ``convert`` and the runtime.

A folder may come from anywhere: numbers have bounds, and files are those of the folder itself.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sam2ov.errors import ModelFolderError, first_fault

FORMAT_VERSION: Final = 3
MANIFEST_FILE = "manifest.json"
CONSTANTS_FILE = "constants.npz"

NetworkName = Literal[
    "image_encoder", "prompt_encoder", "mask_decoder", "memory_attention", "memory_encoder"
]
NETWORK_NAMES: tuple[NetworkName, ...] = (
    "image_encoder",
    "prompt_encoder",
    "mask_decoder",
    "memory_attention",
    "memory_encoder",
)


FileName = Annotated[str, Field(pattern=r"^\w[\w.+-]*$", max_length=200)]
"""Of a file in the model folder, never beside or below it."""

_Name = Annotated[
    str,
    Field(
        pattern=r"^[^/\\\pC\p{Zl}\p{Zp}]*[^/\\\pC\p{Zl}\p{Zp}.][^/\\\pC\p{Zl}\p{Zp}]*$",
        max_length=200,
    ),
]
"""Of a model; folders in the cache are named after it."""

_MOST_SIZES: Final = 16
_LARGEST_MANIFEST: Final = 1 << 22
"""Bytes; ten networks take 13 thousand."""

_SIDE_STEP: Final = 64
_LEAST_SIDE: Final = 256

HALF: Final = 0.5
"""Scale of the second input size that the presets know, and that folders get beside the first."""

_Side = Annotated[int, Field(ge=32, le=4096)]
_Channels = Annotated[int, Field(ge=1, le=4096)]
_Stride = Annotated[int, Field(ge=1, le=64)]
_Points = Annotated[int, Field(ge=0, le=1000)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def scaled_side(trained: int, scale: float) -> int:
    """The side of the input in pixels at which a model looks at less than it was trained at.

    Args:
        trained: side that it was trained at.
        scale: of it that is wanted; what comes out is rounded up to a multiple of 64, and no
            smaller than 256: below that, objects are a few tokens large.
    """
    if scale == 1:
        return trained
    side = -(-round(trained * scale) // _SIDE_STEP) * _SIDE_STEP
    return max(side, min(trained, _LEAST_SIDE))


class TensorSpec(_Frozen):
    """A graph input or output; ``-1`` marks a dimension that varies at run time."""

    name: Annotated[str, Field(max_length=64)]
    dtype: Literal["u8", "i32", "f32"]
    shape: Annotated[tuple[Annotated[int, Field(ge=-1, le=1 << 24)], ...], Field(max_length=8)]


class FileSpec(_Frozen):
    """A file of the model folder, by name and content."""

    file: FileName
    sha256: str


class NetworkSpec(_Frozen):
    """One OpenVINO graph (``sam2ov.graph_files``).

    ``needs_f32`` says that less precision than float32 inside the graph would spoil its answers.
    """

    graph: FileSpec
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    needs_f32: bool = False


class SizeSpec(_Frozen):
    """What depends on the side of the model's input.

    Attributes:
        image_size: S; the input is square.
        memory_tokens: T; a frame's spatial memory is [T, M]. In SAM 2 one for each cell of the
            embedding.
        networks: for inputs of this size.
    """

    image_size: _Side
    memory_tokens: Annotated[int, Field(ge=1, le=1 << 16)]
    networks: dict[NetworkName, NetworkSpec]


class Switches(_Frozen):
    """The behaviour that upstream configures on ``SAM2Base`` and that runs outside the graphs.

    ``pointer_tpos`` says whether the constants have the projection of pointers' temporal encodings.
    """

    multimask_output: bool
    multimask_output_for_tracking: bool
    multimask_min_points: _Points
    multimask_max_points: _Points
    use_multimask_token_for_pointer: bool
    dynamic_multimask: bool
    dynamic_multimask_delta: float
    dynamic_multimask_threshold: float
    binarize_prompted_masks: bool
    use_mask_as_output: bool
    pointer_tpos: Literal["none", "projected"]
    signed_pointer_tpos: bool
    past_pointers_only: bool
    fixed_no_obj_ptr: bool
    max_conditioning_frames: Annotated[int, Field(ge=-1, le=1000)]
    memory_stride: Annotated[int, Field(ge=1, le=1000)]


class Source(_Frozen):
    """Where the weights come from."""

    checkpoint: str
    sha256: str
    config: str
    openvino_version: str


class Quantization(_Frozen):
    """What came of quantising a network to INT8 on one machine (``sam2ov.zoo.quantization``).

    Attributes:
        network: which.
        kept: whether it is the INT8 one; if not, the folder has the original.
        error: relative error of its outputs on frames that it was not calibrated on.
        time_ratio: its time divided by the original's.
        device: that it was measured on.
        precision: of the original there.
        clip: file name of the video that it was calibrated on.
    """

    network: NetworkName
    kept: bool
    error: float
    time_ratio: float
    device: str
    precision: str
    clip: str


class Manifest(_Frozen):
    """Everything the runtime knows about a model besides its weights.

    A folder has the model for one or more sizes of its input, and a manifest speaks of one of
    them: as read, of the one that the model was trained at. Numbers are pixels or channels:
    ``image_size`` S (model input, square), ``hidden_dim`` C, ``mem_dim`` M.

    Attributes:
        family: what people call the architecture; the runtime does not ask.
        image_size: the one of ``sizes`` that this manifest speaks of.
        sizes: all that the folder has, with their networks.
        embedding_stride: pixels of the input that a cell of the image embedding stands for.
        mask_stride: the same for the mask logits.
        num_maskmem: spatial memories that a step attends to, besides those of prompted frames.
        max_obj_ptrs: the same for object pointers.
        weights: how large constants are stored.
        weights_file: the constants of all graphs.
        constants: learned parameters outside the graphs.
    """

    format_version: Literal[3] = FORMAT_VERSION
    name: _Name
    family: Annotated[str, Field(min_length=1, max_length=64)]
    image_size: _Side
    sizes: Annotated[tuple[SizeSpec, ...], Field(min_length=1, max_length=_MOST_SIZES)]
    embedding_stride: _Stride
    mask_stride: _Stride
    hidden_dim: _Channels
    mem_dim: _Channels
    num_maskmem: Annotated[int, Field(ge=1, le=64)]
    max_obj_ptrs: Annotated[int, Field(ge=1, le=256)]
    switches: Switches
    weights: Literal["f16", "f32"]
    source: Source
    weights_file: FileSpec
    constants: FileSpec
    memory_policy: Literal["upstream"] = "upstream"
    quantization: Quantization | None = None

    @property
    def embedding_size(self) -> int:
        """Height and width of the image embedding."""
        return self.image_size // self.embedding_stride

    @property
    def low_res_size(self) -> int:
        """Height and width of the mask logits that the decoder gives."""
        return self.image_size // self.mask_stride

    @property
    def memory_tokens(self) -> int:
        """T, of a frame's spatial memory [T, M]."""
        return self._size.memory_tokens

    @property
    def networks(self) -> dict[NetworkName, NetworkSpec]:
        """The networks for this input size."""
        return self._size.networks

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """All sides of the input, in pixels, that the folder has networks for."""
        return tuple(size.image_size for size in self.sizes)

    @property
    def _size(self) -> SizeSpec:
        return self.sizes[self.image_sizes.index(self.image_size)]

    def at(self, image_size: int) -> Self:
        """The same model at another of its input sizes.

        Raises:
            ModelFolderError: the folder has no networks for it.
        """
        if image_size not in self.image_sizes:
            given = ",".join(map(str, (*self.image_sizes, image_size)))
            raise ModelFolderError(
                f"The model {self.name} has no networks for {image_size} px, only for "
                f"{' and '.join(map(str, self.image_sizes))}. Convert its checkpoint again with "
                f"--image-size {given}: the weights are shared, so the folder hardly grows."
            )
        return self.model_copy(update={"image_size": image_size})

    def files(self) -> tuple[FileSpec, ...]:
        """All files of the folder besides the manifest itself."""
        graphs = [spec.graph for size in self.sizes for spec in size.networks.values()]
        return (*graphs, self.weights_file, self.constants)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        """The tensors of the graphs have the sizes that are said here."""
        if len({*self.image_sizes}) < len(self.sizes) or self.image_size not in self.image_sizes:
            raise ValueError(f"image_size is one of the sizes {self.image_sizes}, each once")
        for size in self.sizes:
            self._check_tensors(size)
        return self

    def _check_tensors(self, size: SizeSpec) -> None:
        side = size.image_size
        if side % self.embedding_stride or side % self.mask_stride:
            raise ValueError("the strides do not divide the image size")
        embedding, low_res = side // self.embedding_stride, side // self.mask_stride
        last_dimensions = {
            "image": (side, side, 3),
            "embedding": (self.hidden_dim, embedding, embedding),
            "mask_logits": (low_res, low_res),
            "pointers": (self.hidden_dim,),
            "memory": (size.memory_tokens, self.mem_dim),
        }
        for network, spec in size.networks.items():
            for tensor in (*spec.inputs, *spec.outputs):
                expected = last_dimensions.get(tensor.name, ())
                if expected and tensor.shape[-len(expected) :] != expected:
                    raise ValueError(
                        f"{tensor.name} of {network} is {tensor.shape}, but sizes of {expected} "
                        "follow from the rest"
                    )


class _Version(BaseModel):
    """What is asked first of a manifest: those of other formats have other fields."""

    format_version: int


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_spec(path: Path) -> FileSpec:
    """A file as it is."""
    return FileSpec(file=path.name, sha256=sha256_of(path))


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model folder; the files must exist, contents are not hashed.

    It speaks of the input size that the model was trained at.

    Raises:
        ModelFolderError: the manifest is missing, malformed, of another version, or names a file
            that is not there.
    """
    path = folder / MANIFEST_FILE
    advice = "Delete the folder and convert the checkpoint again."
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_MANIFEST)
        version = _Version.model_validate_json(content).format_version
        if version != FORMAT_VERSION:
            raise ModelFolderError(
                f"{folder} has the format {version} of model folders, and this version of sam2ov "
                f"reads the format {FORMAT_VERSION}. {advice}"
            )
        manifest = Manifest.model_validate_json(content)
    except FileNotFoundError as error:
        raise ModelFolderError(
            f"{folder} is no model folder: it has no {MANIFEST_FILE}."
        ) from error
    except OSError as error:
        raise ModelFolderError(
            f"{path} cannot be read: {error.strerror or error}. {advice}"
        ) from error
    except ValidationError as error:
        raise ModelFolderError(
            f"{path} is not a valid manifest ({first_fault(error)}). {advice}"
        ) from error
    missing = [spec.file for spec in manifest.files() if not (folder / spec.file).is_file()]
    absent = [
        f"{name} at {size.image_size} px"
        for size in manifest.sizes
        for name in NETWORK_NAMES
        if name not in size.networks
    ]
    if missing or absent:
        raise ModelFolderError(f"{folder} is incomplete: {missing or absent} missing. {advice}")
    return manifest


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file of the folder with its checksum.

    Raises:
        ModelFolderError: a file's content is not what the manifest says.
    """
    for spec in manifest.files():
        if sha256_of(folder / spec.file) != spec.sha256:
            raise ModelFolderError(
                f"{folder / spec.file} is damaged (its checksum differs from the manifest). "
                "Delete the folder and convert the checkpoint again."
            )
