"""The model folder's ``manifest.json``: the whole contract between ``convert`` and the runtime."""

import hashlib
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sam2ov.errors import ModelFolderError

FORMAT_VERSION: Final = 1
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


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(_Frozen):
    """A graph input or output; ``-1`` marks a dimension that varies at run time."""

    name: str
    dtype: Literal["u8", "i32", "f32"]
    shape: tuple[int, ...]


class FileSpec(_Frozen):
    """A file of the model folder, by name and content."""

    file: str
    sha256: str


class NetworkSpec(_Frozen):
    """One OpenVINO IR."""

    xml: FileSpec
    bin: FileSpec
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Switches(_Frozen):
    """The behaviour that upstream configures on ``SAM2Base`` and that runs outside the graphs."""

    multimask_output: bool
    multimask_output_for_tracking: bool
    multimask_min_points: int
    multimask_max_points: int
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
    max_conditioning_frames: int
    memory_stride: int


class Source(_Frozen):
    """Where the weights come from."""

    checkpoint: str
    sha256: str
    config: str
    sam2_version: str
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

    Sizes are in pixels or channels: ``image_size`` S (model input, square), ``hidden_dim`` C,
    ``mem_dim`` M. A memory is [h·w, M] with h = w = ``embedding_size``.
    """

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    family: Literal["sam2", "sam2.1"]
    image_size: int
    hidden_dim: int
    mem_dim: int
    num_maskmem: int
    max_obj_ptrs: int
    switches: Switches
    weights: Literal["f16", "f32"]
    source: Source
    networks: dict[NetworkName, NetworkSpec]
    constants: FileSpec
    memory_policy: Literal["upstream"] = "upstream"
    quantization: Quantization | None = None

    @property
    def embedding_size(self) -> int:
        """Height and width of the image embedding (stride 16)."""
        return self.image_size // 16

    @property
    def low_res_size(self) -> int:
        """Height and width of the mask logits that the decoder gives (stride 4)."""
        return self.image_size // 4

    @property
    def pointer_tokens(self) -> int:
        """How many M-dimensional tokens an object pointer is split into."""
        return self.hidden_dim // self.mem_dim

    def files(self) -> tuple[FileSpec, ...]:
        """All files of the folder besides the manifest itself."""
        networks = [part for spec in self.networks.values() for part in (spec.xml, spec.bin)]
        return (*networks, self.constants)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model folder; the files must exist, contents are not hashed.

    Raises:
        ModelFolderError: the manifest is missing, malformed, of another version, or names a file
            that is not there.
    """
    path = folder / MANIFEST_FILE
    advice = "Delete the folder and convert the checkpoint again."
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFolderError(
            f"{folder} is no model folder: it has no {MANIFEST_FILE}."
        ) from error
    except ValidationError as error:
        raise ModelFolderError(f"{path} is not a valid manifest ({error}). {advice}") from error
    missing = [spec.file for spec in manifest.files() if not (folder / spec.file).is_file()]
    absent = [name for name in NETWORK_NAMES if name not in manifest.networks]
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
