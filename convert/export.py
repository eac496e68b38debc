"""From a checkpoint to a model folder, which appears whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import openvino as ov
from pydantic import ValidationError

from convert.build import build_model, guess_config, read_config
from convert.checkpoint import check_fits, read_checkpoint
from convert.folder import FolderWriter
from convert.image_encoder import build_image_encoder
from convert.mask_decoder import build_mask_decoder
from convert.memory_attention import build_memory_attention
from convert.memory_encoder import build_memory_encoder
from convert.ops import FloatArray
from convert.prompt_encoder import build_prompt_encoder
from convert.support import check_supported
from convert.weights import Weights
from sam2ov.errors import ConversionError
from sam2ov.manifest import (
    MANIFEST_FILE,
    Manifest,
    NetworkName,
    NetworkSpec,
    SizeSpec,
    Source,
    Switches,
    sha256_of,
)
from sam2ov.unfinished import unfinished_folder

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of the stage that begins, how many are done, and how many there are."""

BUILDERS: Final[Mapping[NetworkName, Callable[[Any, Weights], ov.Model]]] = {
    "image_encoder": build_image_encoder,
    "prompt_encoder": build_prompt_encoder,
    "mask_decoder": build_mask_decoder,
    "memory_attention": build_memory_attention,
    "memory_encoder": build_memory_encoder,
}
_MASK_STRIDE: Final = 4

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
) -> Manifest:
    """Convert a checkpoint of SAM 2 or SAM 2.1 to a model folder.

    Args:
        checkpoint: ``.pt`` or ``.safetensors``: see ``read_checkpoint``.
        out: the folder to make. A model folder that is there already is replaced; equal inputs
            give equal files.
        config: upstream's name or a yaml file; None finds the official one that fits.
        image_sizes: sides of the square model input, multiples of 32; None keeps the config's. The
            config's is what the model was trained at; where it is not among them, the first is
            taken for it.
        weights: how weights are stored; "f16" halves the files, computation is unaffected.
        name: the model's name in the manifest; None takes the folder's.
        progress: called as each stage begins, and once at the end.

    Raises:
        CheckpointError: the checkpoint is unsafe, damaged, or does not fit the configuration.
        ConversionError: the configuration is malformed or unsupported, a tensor would be lost, or
            ``out`` is a folder of something else or cannot be written.
    """
    if image_sizes is not None and len({*image_sizes}) != len(image_sizes):
        raise ConversionError(f"Each image size is given once, not {list(image_sizes)}.")
    stages = ["checkpoint", *(len(image_sizes or [None]) * [*BUILDERS]), "constants", "done"]
    steps = enumerate(stages)

    def begin_next() -> None:
        done, stage = next(steps)
        if progress is not None:
            progress(stage, done, len(stages) - 1)

    begin_next()
    read = read_checkpoint(checkpoint)
    config = guess_config(read.tensors) if config is None else config
    description = read_config(config)
    model = build_model(description)
    check_supported(model)
    check_fits(
        {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()},
        read.shapes,
        str(config),
    )
    account = Weights(read.tensors)
    image_sizes = image_sizes or [model.image_size]
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(out, _cannot_write) as folder, FolderWriter(folder, weights) as writer:
        try:
            sizes = tuple(
                _write_graphs(build_model(description, size), account, writer, begin_next)
                for size in image_sizes
            )
            begin_next()
            constants = writer.constants(constants_of(model, account))
            account.check_all_used(UNUSED)
            manifest = Manifest(
                name=name or out.absolute().name,
                family="sam2.1" if model.no_obj_embed_spatial is not None else "sam2",
                image_size=model.image_size if model.image_size in image_sizes else image_sizes[0],
                sizes=sizes,
                embedding_stride=model.backbone_stride,
                mask_stride=_MASK_STRIDE,
                hidden_dim=model.hidden_dim,
                mem_dim=model.mem_dim,
                num_maskmem=model.num_maskmem,
                max_obj_ptrs=model.max_obj_ptrs_in_encoder,
                switches=_switches(model),
                weights=weights,
                source=Source(
                    checkpoint=checkpoint.name,
                    sha256=sha256_of(checkpoint),
                    config=Path(config).name.removesuffix(".yaml"),
                    sam2_version=version("sam2"),
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
    model: Any, account: Weights, writer: FolderWriter, begin_next: Callable[[], None]
) -> SizeSpec:
    """Write the networks of a model at its input size, one after the other."""
    networks: dict[NetworkName, NetworkSpec] = {}
    for network, build in BUILDERS.items():
        begin_next()
        networks[network] = writer.add(network, model.image_size, build(model, account))
    return SizeSpec(
        image_size=model.image_size,
        memory_tokens=(model.image_size // model.backbone_stride) ** 2,
        networks=networks,
    )


def constants_of(model: Any, account: Weights) -> dict[str, FloatArray]:
    """The learned parameters that stay outside the graphs (see the runtime's ``Constants``)."""
    constants = {
        "no_mem_embed": account.tensor("no_mem_embed").reshape(model.hidden_dim),
        "maskmem_tpos_enc": account.tensor("maskmem_tpos_enc").reshape(-1, model.mem_dim),
        "no_obj_ptr": account.tensor("no_obj_ptr").reshape(model.hidden_dim),
        "mask_downsample_weight": account.tensor("mask_downsample.weight").reshape(4, 4),
        "mask_downsample_bias": account.tensor("mask_downsample.bias").reshape(()),
    }
    if model.proj_tpos_enc_in_obj_ptrs:
        projection = account.affine("obj_ptr_tpos_proj")
        constants["obj_ptr_tpos_proj_weight"] = projection.weight
        constants["obj_ptr_tpos_proj_bias"] = projection.bias
    return constants


def _switches(model: Any) -> Switches:
    decoder = model.sam_mask_decoder
    return Switches(
        multimask_output=model.multimask_output_in_sam,
        multimask_output_for_tracking=model.multimask_output_for_tracking,
        multimask_min_points=model.multimask_min_pt_num,
        multimask_max_points=model.multimask_max_pt_num,
        use_multimask_token_for_pointer=model.use_multimask_token_for_obj_ptr,
        dynamic_multimask=decoder.dynamic_multimask_via_stability,
        dynamic_multimask_delta=decoder.dynamic_multimask_stability_delta,
        dynamic_multimask_threshold=decoder.dynamic_multimask_stability_thresh,
        binarize_prompted_masks=model.binarize_mask_from_pts_for_mem_enc,
        use_mask_as_output=model.use_mask_input_as_output_without_sam,
        pointer_tpos="projected" if model.proj_tpos_enc_in_obj_ptrs else "none",
        signed_pointer_tpos=model.use_signed_tpos_enc_to_obj_ptrs,
        past_pointers_only=model.only_obj_ptrs_in_the_past_for_eval,
        fixed_no_obj_ptr=model.fixed_no_obj_ptr,
        max_conditioning_frames=model.max_cond_frames_in_attn,
        memory_stride=model.memory_temporal_stride_for_eval,
    )


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
