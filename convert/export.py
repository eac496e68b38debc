"""From a checkpoint to a model folder, which appears whole or not at all."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import openvino as ov
from pydantic import ValidationError

from convert.architecture import EMBEDDING_STRIDE, MASK_STRIDE, Architecture
from convert.checkpoint import read_checkpoint
from convert.folder import FolderWriter
from convert.image_encoder import build_image_encoder
from convert.infer import find_architecture
from convert.mask_decoder import build_mask_decoder
from convert.memory_attention import build_memory_attention
from convert.memory_encoder import build_memory_encoder
from convert.ops import FloatArray
from convert.prompt_encoder import build_prompt_encoder
from convert.weights import Weights
from sam2ov.errors import ConversionError
from sam2ov.manifest import (
    HALF,
    MANIFEST_FILE,
    Manifest,
    NetworkName,
    NetworkSpec,
    SizeSpec,
    Source,
    scaled_side,
    sha256_of,
)
from sam2ov.unfinished import unfinished_folder

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of the stage that begins, how many are done, and how many there are."""

NoteCallback = Callable[[str], None]
"""Called with what people should know of a conversion, a sentence each."""

BUILDERS: Final[Mapping[NetworkName, Callable[[Architecture, Weights], ov.Model]]] = {
    "image_encoder": build_image_encoder,
    "prompt_encoder": build_prompt_encoder,
    "mask_decoder": build_mask_decoder,
    "memory_attention": build_memory_attention,
    "memory_encoder": build_memory_encoder,
}

UNUSED: Final = {
    "no_mem_pos_enc": "upstream reads it only where directly_add_no_mem_embed is false",
}
"""Keys of every checkpoint that inference does not need, and why."""


def convert_checkpoint(
    checkpoint: Path,
    out: Path,
    config: str | Path | None = None,
    image_sizes: Sequence[int] | None = None,
    weights: Literal["f16", "f32"] = "f16",
    name: str | None = None,
    progress: ProgressCallback | None = None,
    note: NoteCallback | None = None,
    *,
    halved: bool = False,
) -> Manifest:
    """Convert a checkpoint of SAM 2, SAM 2.1, EdgeTAM or EfficientTAM to a model folder.

    Args:
        checkpoint: ``.pt`` or ``.safetensors``: see ``read_checkpoint``.
        out: the folder to make. A model folder that is there already is replaced; equal inputs
            give equal files.
        config: upstream's name or a yaml file; None finds it from the checkpoint.
        image_sizes: sides of the square model input, multiples of 32; None keeps the config's. The
            config's is what the model was trained at; where it is not among them, the first is
            taken for it.
        weights: how weights are stored; "f16" halves the files, computation is unaffected.
        name: the model's name in the manifest; None takes the folder's.
        progress: called as each stage begins, and once at the end.
        halved: where ``image_sizes`` is None: at half the side besides (``scaled_side``).
        note: told which configuration was found, and what of the checkpoint was left aside.

    Raises:
        CheckpointError: the checkpoint is unsafe, damaged, or does not fit the configuration.
        ConversionError: the configuration is malformed or unsupported, a tensor would be lost, or
            ``out`` is a folder of something else or cannot be written.
    """
    if image_sizes is not None and len({*image_sizes}) != len(image_sizes):
        raise ConversionError(f"Each image size is given once, not {list(image_sizes)}.")
    read = read_checkpoint(checkpoint)
    architecture = find_architecture(config, read.shapes, checkpoint.name)
    trained = architecture.image_size
    if image_sizes is None:
        sides = [trained, scaled_side(trained, HALF)] if halved else [trained]
        image_sizes = [*dict.fromkeys(sides)]
    stages = [*(len(image_sizes) * [*BUILDERS]), "constants", "done"]
    steps = enumerate(stages)

    def begin_next() -> None:
        done, stage = next(steps)
        if progress is not None:
            progress(stage, done, len(stages) - 1)

    account = Weights(read.tensors)
    for sentence in (f"The checkpoint is read as {architecture.name}.", *read.notes):
        if note is not None:
            note(sentence)
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(out, _cannot_write) as folder, FolderWriter(folder, weights) as writer:
        try:
            sizes = tuple(
                _write_graphs(architecture.at(size), account, writer, begin_next)
                for size in image_sizes
            )
            begin_next()
            constants = writer.constants(constants_of(architecture, account))
            account.check_all_used(UNUSED)
            manifest = Manifest(
                name=name or out.absolute().name,
                family=architecture.family,
                image_size=trained if trained in image_sizes else image_sizes[0],
                sizes=sizes,
                embedding_stride=EMBEDDING_STRIDE,
                mask_stride=MASK_STRIDE,
                hidden_dim=architecture.hidden_dim,
                mem_dim=architecture.mem_dim,
                num_maskmem=architecture.num_maskmem,
                max_obj_ptrs=architecture.max_obj_ptrs,
                switches=architecture.switches,
                weights=weights,
                source=Source(
                    checkpoint=checkpoint.name,
                    sha256=_digest(checkpoint),
                    config=architecture.name,
                    openvino_version=version("openvino"),
                ),
                weights_file=writer.weights_file(),
                constants=constants,
            )
        except ValidationError as error:
            raise ConversionError(
                f"The runtime does not take such a model: {error.errors()[0]['loc']}: "
                f"{error.errors()[0]['msg']}."
            ) from error
        writer.manifest(manifest)
    begin_next()
    return manifest


def _write_graphs(
    architecture: Architecture,
    account: Weights,
    writer: FolderWriter,
    begin_next: Callable[[], None],
) -> SizeSpec:
    """Write the networks of a model at its input size, one after the other."""
    networks: dict[NetworkName, NetworkSpec] = {}
    for network, build in BUILDERS.items():
        begin_next()
        graph = build(architecture, account)
        networks[network] = writer.add(network, architecture.image_size, graph)
    return SizeSpec(
        image_size=architecture.image_size,
        memory_tokens=architecture.memory_tokens,
        networks=networks,
    )


def _digest(checkpoint: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and digests of its weights."""
    if checkpoint.is_file():
        return sha256_of(checkpoint)
    files = sorted(checkpoint.glob("*.safetensors"))
    listed = "".join(f"{sha256_of(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def constants_of(architecture: Architecture, account: Weights) -> dict[str, FloatArray]:
    """The learned parameters that stay outside the graphs (see the runtime's ``Constants``)."""
    c, m = architecture.hidden_dim, architecture.mem_dim
    constants = {
        "no_mem_embed": account.tensor("no_mem_embed").reshape(c),
        "maskmem_tpos_enc": account.tensor("maskmem_tpos_enc").reshape(-1, m),
        "no_obj_ptr": account.tensor("no_obj_ptr").reshape(c),
        "mask_downsample_weight": account.tensor("mask_downsample.weight").reshape(4, 4),
        "mask_downsample_bias": account.tensor("mask_downsample.bias").reshape(()),
    }
    if architecture.switches.pointer_tpos == "projected":
        projection = account.affine("obj_ptr_tpos_proj")
        constants["obj_ptr_tpos_proj_weight"] = projection.weight
        constants["obj_ptr_tpos_proj_bias"] = projection.bias
    return constants


def _require_replaceable(out: Path) -> None:
    if (
        out.exists()
        and not (out / MANIFEST_FILE).is_file()
        and (out.is_file() or any(out.iterdir()))
    ):
        raise ConversionError(
            f"{out} exists and is no model folder; it was left alone. Give another --out."
        )


def _cannot_write(out: Path, error: OSError) -> ConversionError:
    return ConversionError(
        f"The model cannot be written to {out}: {error.strerror or error}. Free some space, or "
        "give another --out; what was there before was left alone."
    )
