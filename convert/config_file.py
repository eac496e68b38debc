"""A configuration in upstream's yaml to the architecture that it describes.

A configuration may come with a checkpoint from anywhere, and upstream instantiates whatever its
``_target_`` entries name. Here nothing is instantiated: each entry is read, and one that is not
known, or has a value that the graphs do not compute, is refused by name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

import yaml

from convert.architecture import (
    EMBEDDING_STRIDE,
    Architecture,
    Hiera,
    MemoryAttention,
    MemoryEncoder,
)
from sam2ov.errors import ConversionError
from sam2ov.manifest import Switches

_MOST_BYTES: Final = 1 << 20
_MODELING: Final = "sam2.modeling."

_T = TypeVar("_T", int, float, bool, str)


def read_config_file(path: Path) -> Architecture:
    """The architecture that the ``model:`` section of a yaml file describes.

    Raises:
        ConversionError: the file is missing, malformed, describes no model of SAM 2's family, or
            uses a switch that the graphs do not have.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConversionError(f"{path} is too large for a configuration.")
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConversionError(f"{path} is no readable configuration: {error}") from error
    model = loaded.get("model") if isinstance(loaded, dict) else None
    if not isinstance(model, dict):
        raise ConversionError(
            f"{path} has no 'model:' section, where upstream describes the model."
        )
    return architecture_of(model, path.name.removesuffix(".yaml"))


def architecture_of(config: Mapping[Any, Any], name: str) -> Architecture:
    """The architecture of a ``model:`` section, with the switches of upstream's predictor.

    Raises:
        ConversionError: as ``read_config_file``.
    """
    model = _Section(config, "model")
    model.target("sam2_base.SAM2Base", "training.model.sam2.SAM2Train")
    encoder = model.section("image_encoder", "backbones.image_encoder.ImageEncoder")
    encoder.require("scalp", 0, 1)
    trunk = _trunk(encoder)
    hidden_dim = _neck(encoder, trunk)
    mem_dim, memory_encoder = _memory_encoder(model, hidden_dim)
    memory_attention = _memory_attention(model, hidden_dim, mem_dim)
    encoder.end()
    pointer_tpos = model.get("add_tpos_enc_to_obj_ptrs", True)
    model.require("proj_tpos_enc_in_obj_ptrs", False, pointer_tpos)
    model.require("use_high_res_features_in_sam", False, True)
    model.require("directly_add_no_mem_embed", False, True)
    model.require("use_obj_ptrs_in_encoder", False, True)
    model.require("pred_obj_scores", False, True)
    model.require("soft_no_obj_ptr", False, False)
    model.require("non_overlap_masks_for_mem_enc", False, False)
    model.require("backbone_stride", EMBEDDING_STRIDE, EMBEDDING_STRIDE)
    # What build_sam2_video_predictor sets whatever the configuration says.
    model.ignore("binarize_mask_from_pts_for_mem_enc", "compile_image_encoder")
    decoder = model.optional("sam_mask_decoder_extra_args")
    if decoder is not None:
        decoder.ignore(*(f"dynamic_multimask_{key}" for key in _DYNAMIC_MULTIMASK))
        decoder.end()
    architecture = Architecture(
        name=name,
        family="sam2.1" if memory_encoder.marks_absence else "sam2",
        image_size=model.get("image_size", 512),
        hidden_dim=hidden_dim,
        mem_dim=mem_dim,
        num_maskmem=model.positive("num_maskmem", 7),
        max_obj_ptrs=model.positive("max_obj_ptrs_in_encoder", 16),
        trunk=trunk,
        memory_attention=memory_attention,
        memory_encoder=memory_encoder,
        high_res=True,
        iou_sigmoid=model.get("iou_prediction_use_sigmoid", False),
        score_mlp=model.get("pred_obj_scores_mlp", False),
        pointer_mlp=model.get("use_mlp_for_obj_ptr_proj", False),
        switches=Switches(
            multimask_output=model.get("multimask_output_in_sam", False),
            multimask_output_for_tracking=model.get("multimask_output_for_tracking", False),
            multimask_min_points=model.get("multimask_min_pt_num", 1),
            multimask_max_points=model.get("multimask_max_pt_num", 1),
            use_multimask_token_for_pointer=model.get("use_multimask_token_for_obj_ptr", False),
            dynamic_multimask=True,
            dynamic_multimask_delta=0.05,
            dynamic_multimask_threshold=0.98,
            binarize_prompted_masks=True,
            use_mask_as_output=model.get("use_mask_input_as_output_without_sam", False),
            pointer_tpos="projected" if pointer_tpos else "none",
            signed_pointer_tpos=model.get("use_signed_tpos_enc_to_obj_ptrs", False),
            past_pointers_only=model.get("only_obj_ptrs_in_the_past_for_eval", False),
            fixed_no_obj_ptr=model.get("fixed_no_obj_ptr", False),
            max_conditioning_frames=model.get("max_cond_frames_in_attn", -1),
            memory_stride=model.positive("memory_temporal_stride_for_eval", 1),
        ),
    )
    model.end()
    return architecture.at(architecture.image_size)


_DYNAMIC_MULTIMASK: Final = ("via_stability", "stability_delta", "stability_thresh")


def _trunk(encoder: "_Section") -> Hiera:
    trunk = encoder.section("trunk", "backbones.hieradet.Hiera")
    if trunk.has("weights_path"):
        raise ConversionError(f"The configuration's {trunk.where}.weights_path would load a file.")
    trunk.require("q_pool", 3, 3)
    trunk.require("q_stride", [2, 2], [2, 2])
    trunk.require("dim_mul", 2.0, 2.0)
    trunk.require("head_mul", 2.0, 2.0)
    trunk.require("return_interm_layers", True, True)
    trunk.ignore("drop_path_rate")
    stages = trunk.integers("stages", (2, 3, 16, 3), length=4, least=1)
    windows = trunk.integers("window_spec", (8, 4, 14, 7), length=4, least=1)
    background = trunk.integers("window_pos_embed_bkg_spatial_size", (14, 14), length=2, least=1)
    if background[0] != background[1]:
        raise ConversionError(
            f"The configuration sets {trunk.where}.window_pos_embed_bkg_spatial_size to "
            f"{list(background)}; the converter supports squares."
        )
    hiera = Hiera(
        embed_dim=trunk.positive("embed_dim", 96),
        heads=trunk.positive("num_heads", 1),
        stages=cast(tuple[int, int, int, int], stages),
        windows=cast(tuple[int, int, int, int], windows),
        global_blocks=trunk.integers("global_att_blocks", (12, 16, 20)),
        background=background[0],
    )
    trunk.end()
    for index, block in enumerate(hiera.blocks()):
        if block.pools and not block.window:
            raise ConversionError(
                f"The configuration's {trunk.where}.global_att_blocks names block {index}, the "
                "first of a stage, which cannot attend to the whole map."
            )
    return hiera


def _neck(encoder: "_Section", trunk: Hiera) -> int:
    """Check the neck; gives C."""
    neck = encoder.section("neck", "backbones.image_encoder.FpnNeck")
    hidden_dim = neck.positive("d_model")
    neck.require("backbone_channel_list", None, list(reversed(trunk.widths)))
    neck.require("kernel_size", 1, 1)
    neck.require("stride", 1, 1)
    neck.require("padding", 0, 0)
    neck.require("fpn_interp_model", "bilinear", "nearest")
    neck.require("fuse_type", "sum", "sum")
    neck.require("fpn_top_down_levels", [0, 1, 2, 3], [2, 3])
    _position(neck, hidden_dim)
    neck.end()
    return hidden_dim


def _position(owner: "_Section", channels: int) -> None:
    section = owner.section("position_encoding", "position_encoding.PositionEmbeddingSine")
    section.require("num_pos_feats", None, channels)
    section.require("normalize", True, True)
    section.require("scale", None, None)
    section.require("temperature", 10000, 10000)
    section.ignore("warmup_cache", "image_size", "strides")
    section.end()


def _memory_encoder(model: "_Section", hidden_dim: int) -> tuple[int, MemoryEncoder]:
    """M and the numbers of the memory encoder."""
    encoder = model.section("memory_encoder", "memory_encoder.MemoryEncoder")
    mem_dim = encoder.positive("out_dim")
    encoder.require("in_dim", 256, hidden_dim)
    _position(encoder, mem_dim)
    masks = encoder.section("mask_downsampler", "memory_encoder.MaskDownSampler")
    masks.require("embed_dim", 256, hidden_dim)
    masks.require("kernel_size", 4, 3)
    masks.require("stride", 4, 2)
    masks.require("padding", 0, 1)
    masks.require("total_stride", 16, 16)
    masks.end()
    fuser = encoder.section("fuser", "memory_encoder.Fuser")
    fuser.require("input_projection", False, False)
    fuser.ignore("dim")  # of the input projection
    block = fuser.section("layer", "memory_encoder.CXBlock")
    block.require("dim", None, hidden_dim)
    block.require("kernel_size", 7, 7)
    block.require("padding", 3, 3)
    block.require("use_dwconv", True, True)
    block.ignore("drop_path")
    layer_scale = block.number("layer_scale_init_value", 1e-6) > 0
    block.end()
    layers = fuser.positive("num_layers")
    fuser.end()
    encoder.end()
    return mem_dim, MemoryEncoder(
        fuser_layers=layers,
        layer_scale=layer_scale,
        sigmoid_scale=model.number("sigmoid_scale_for_mem_enc", 1.0),
        sigmoid_bias=model.number("sigmoid_bias_for_mem_enc", 0.0),
        marks_absence=model.get("no_obj_embed_spatial", False),
    )


def _memory_attention(model: "_Section", hidden_dim: int, mem_dim: int) -> MemoryAttention:
    attention = model.section("memory_attention", "memory_attention.MemoryAttention")
    attention.require("d_model", None, hidden_dim)
    attention.require("batch_first", True, True)
    layer = attention.section("layer", "memory_attention.MemoryAttentionLayer")
    layer.require("d_model", None, hidden_dim)
    layer.require("pos_enc_at_attn", None, False)
    layer.require("pos_enc_at_cross_attn_queries", None, False)
    layer.require("pos_enc_at_cross_attn_keys", None, True)
    layer.ignore("dropout")
    activation = layer.get("activation", "relu")
    if activation not in ("relu", "gelu"):
        raise layer.unsupported("activation", activation, "relu or gelu")
    thetas, dims = set(), set()
    for name in ("self_attention", "cross_attention"):
        part = layer.section(name, "sam.transformer.RoPEAttention")
        part.require("embedding_dim", None, hidden_dim)
        part.require("num_heads", None, 1)
        part.require("kv_in_dim", None, mem_dim if name == "cross_attention" else None)
        part.ignore("dropout", "feat_sizes", "rope_k_repeat")
        thetas.add(part.number("rope_theta", 10000.0))
        dims.add(hidden_dim // part.positive("downsample_rate", 1))
        part.end()
    if len(thetas) > 1 or len(dims) > 1:
        raise ConversionError(
            f"The configuration's {layer.where} has two attentions of different rope_theta or "
            "downsample_rate; the converter supports equal ones."
        )
    numbers = MemoryAttention(
        layers=attention.positive("num_layers"),
        feed_forward=layer.positive("dim_feedforward"),
        internal_dim=dims.pop(),
        activation=cast(Literal["relu", "gelu"], activation),
        rope_theta=thetas.pop(),
        position_at_input=attention.boolean("pos_enc_at_input"),
    )
    layer.end()
    attention.end()
    return numbers


class _Section:
    """A mapping of a configuration whose every entry has to be asked for."""

    def __init__(self, entries: Mapping[Any, Any], where: str) -> None:
        self.where = where
        self._entries = dict(entries)

    def has(self, key: str) -> bool:
        return self._entries.get(key) is not None

    def target(self, *names: str) -> None:
        """Check which class of upstream's the section is for."""
        found = self._entries.pop("_target_", None)
        allowed = [name if name.startswith("training.") else _MODELING + name for name in names]
        if found not in allowed:
            raise ConversionError(
                f"The configuration's {self.where} names {found!r}, where {allowed[0]} is "
                "supported. It was not loaded."
            )

    def section(self, key: str, target: str) -> "_Section":
        section = self.optional(key)
        if section is None:
            raise ConversionError(f"The configuration has no {self.where}.{key}.")
        section.target(target)
        return section

    def optional(self, key: str) -> "_Section | None":
        value = self._entries.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.unsupported(key, value, "a section")
        return _Section(value, f"{self.where}.{key}")

    def get(self, key: str, default: _T) -> _T:
        """An entry of the default's type."""
        value = self._entries.pop(key, default)
        if not isinstance(value, type(default)) or isinstance(value, bool) != isinstance(
            default, bool
        ):
            raise self.unsupported(key, value, f"a value like {default!r}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self._entries.pop(key, default)
        try:  # yaml reads 1e-6 as text
            return float(cast(Any, value))
        except (TypeError, ValueError):
            raise self.unsupported(key, value, "a number") from None

    def boolean(self, key: str) -> bool:
        value = self._entries.pop(key, None)
        if not isinstance(value, bool):
            raise self.unsupported(key, value, "true or false")
        return value

    def positive(self, key: str, default: int | None = None) -> int:
        value = self._entries.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 1 << 16:
            raise self.unsupported(key, value, "a positive whole number")
        return value

    def integers(
        self, key: str, default: tuple[int, ...], length: int | None = None, least: int = 0
    ) -> tuple[int, ...]:
        values = self._entries.pop(key, default)
        if (
            not isinstance(values, list | tuple)
            or any(isinstance(v, bool) or not isinstance(v, int) for v in values)
            or any(not least <= v <= 1 << 12 for v in values)
            or (length is not None and len(values) != length)
            or (length is None and len(values) > 1 << 10)
        ):
            wanted = "whole numbers" if length is None else f"{length} whole numbers"
            raise self.unsupported(key, values, wanted)
        return tuple(values)

    def require(self, key: str, default: Any, supported: Any) -> None:
        """Check an entry that has one value in all models that the graphs compute."""
        value = self._entries.pop(key, default)
        value = list(value) if isinstance(value, tuple) else value
        if value != supported or isinstance(value, bool) != isinstance(supported, bool):
            raise self.unsupported(key, value, repr(supported))

    def ignore(self, *keys: str) -> None:
        """Pass over entries that inference does not ask for."""
        for key in keys:
            self._entries.pop(key, None)

    def end(self) -> None:
        """Check that nothing is left."""
        if self._entries:
            raise ConversionError(
                f"The configuration's {self.where} has entries that the converter does not know: "
                f"{', '.join(map(str, self._entries))}."
            )

    def unsupported(self, key: str, value: object, supported: str) -> ConversionError:
        return ConversionError(
            f"The configuration sets {self.where}.{key} to {_short(value)}; the converter "
            f"supports {supported}."
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
