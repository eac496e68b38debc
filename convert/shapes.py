"""Which tensors a checkpoint of an architecture has, under upstream's names."""

from collections.abc import Iterator, Mapping
from typing import Final

from convert.architecture import (
    EMBEDDING_STRIDE,
    Architecture,
    Hiera,
    Perceiver,
    PlainViT,
    RepViT,
)
from convert.wording import some
from sam2ov.errors import CheckpointError

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]

MASK_TOKENS: Final = 4
DECODER_LAYERS: Final = 2
DECODER_HEADS: Final = 8
DECODER_FEED_FORWARD: Final = 2048
DECODER_DOWNSAMPLING: Final = 2
IOU_HIDDEN: Final = 256
MASK_PROMPT_CHANNELS: Final = 16
"""What upstream's ``SAM2Base._build_sam_heads`` fixes for all models."""


def expected_shapes(architecture: Architecture) -> dict[str, Shape]:
    """The shape of each tensor, by its key in upstream's ``state_dict``."""
    c, m = architecture.hidden_dim, architecture.mem_dim
    shapes: dict[str, Shape] = {
        "maskmem_tpos_enc": (architecture.num_maskmem, 1, 1, m),
        "no_mem_embed": (1, 1, c),
        "no_mem_pos_enc": (1, 1, c),
        "no_obj_ptr": (1, c),
        "mask_downsample.weight": (1, 1, 4, 4),
        "mask_downsample.bias": (1,),
    }
    if architecture.memory_encoder.marks_absence:
        shapes["no_obj_embed_spatial"] = (1, m)
    shapes |= _within("obj_ptr_proj", _head(c, c, c, architecture.pointer_mlp))
    if architecture.switches.pointer_tpos == "projected":
        shapes |= _within("obj_ptr_tpos_proj", _affine(c, m))
    shapes |= _within("image_encoder.trunk", _trunk(architecture))
    shapes |= _within("image_encoder.neck", _neck(architecture))
    shapes |= _within("sam_prompt_encoder", _prompt_encoder(c))
    shapes |= _within("sam_mask_decoder", _mask_decoder(architecture))
    shapes |= _within("memory_attention", _memory_attention(architecture))
    shapes |= _within("memory_encoder", _memory_encoder(architecture))
    perceiver = architecture.memory_encoder.perceiver
    if perceiver is not None:
        shapes |= _within("spatial_perceiver", _perceiver(perceiver, m))
    return shapes


def check_fits(architecture: Architecture, found: Mapping[str, Shape]) -> None:
    """Check that a checkpoint has the keys and shapes of an architecture, and no others.

    Raises:
        CheckpointError: keys are missing or unexpected, or shapes differ; the message names them.
    """
    expected = expected_shapes(architecture)
    problems = (
        ("missing", sorted(expected.keys() - found.keys())),
        ("unexpected", sorted(found.keys() - expected.keys())),
        (
            "of another shape",
            [
                f"{key} {found[key]} instead of {shape}"
                for key, shape in expected.items()
                if key in found and found[key] != shape
            ],
        ),
    )
    parts = [f"{len(keys)} {kind} ({some(keys)})" for kind, keys in problems if keys]
    if parts:
        raise CheckpointError(
            f"The checkpoint does not fit the configuration {architecture.name}: tensors "
            f"{'; '.join(parts)}. Give the configuration that it was trained with (--config NAME "
            "or a yaml file)."
        )


def _within(prefix: str, named: Named) -> dict[str, Shape]:
    return {f"{prefix}.{name}" if name else prefix: shape for name, shape in named}


def _affine(inputs: int, outputs: int, bias: bool = True) -> Named:
    yield "weight", (outputs, inputs)
    if bias:
        yield "bias", (outputs,)


def _norm(channels: int) -> Named:
    yield "weight", (channels,)
    yield "bias", (channels,)


def _kernel(inputs: int, outputs: int, side: int, bias: bool = True) -> Named:
    yield "weight", (outputs, inputs, side, side)
    if bias:
        yield "bias", (outputs,)


def _mlp(inputs: int, hidden: int, outputs: int, layers: int) -> Named:
    widths = [inputs, *[hidden] * (layers - 1), outputs]
    for index in range(layers):
        yield from _within(f"layers.{index}", _affine(widths[index], widths[index + 1])).items()


def _head(inputs: int, hidden: int, outputs: int, mlp: bool) -> Named:
    return _mlp(inputs, hidden, outputs, 3) if mlp else _affine(inputs, outputs)


def _attention(channels: int, internal: int, keys: int | None = None) -> Named:
    """Upstream's ``Attention``; ``keys``: the channels of keys and values where they differ."""
    yield from _within("q_proj", _affine(channels, internal)).items()
    for name in ("k_proj", "v_proj"):
        yield from _within(name, _affine(channels if keys is None else keys, internal)).items()
    yield from _within("out_proj", _affine(internal, channels)).items()


def _trunk(architecture: Architecture) -> Named:
    trunk = architecture.trunk
    if isinstance(trunk, Hiera):
        return _hiera(trunk)
    return _repvit(trunk) if isinstance(trunk, RepViT) else _plain_vit(trunk)


def _hiera(trunk: Hiera) -> Named:
    c = trunk.embed_dim
    yield "pos_embed", (1, c, trunk.background, trunk.background)
    yield "pos_embed_window", (1, c, trunk.windows[0], trunk.windows[0])
    yield from _within("patch_embed.proj", _kernel(3, c, 7)).items()
    yield from _windowed_blocks(trunk)


def _repvit(trunk: RepViT) -> Named:
    def convolution(inputs: int, outputs: int, side: int) -> Named:
        yield "c.weight", (outputs, inputs, side, side)
        for name in ("weight", "bias", "running_mean", "running_var"):
            yield f"bn.{name}", (outputs,)

    def mlp(width: int) -> Named:
        yield from _within("conv1", convolution(width, 2 * width, 1)).items()
        yield from _within("conv2", convolution(2 * width, width, 1)).items()

    def block(width: int, squeezes: bool) -> Named:
        yield from _within("token_mixer.conv", convolution(1, width, 3)).items()
        yield from _within("token_mixer.conv1", convolution(1, width, 1)).items()
        if squeezes:
            hidden = max(8, (width // 4 + 4) // 8 * 8)  # timm's make_divisible
            yield from _within("se.fc1", _kernel(width, hidden, 1)).items()
            yield from _within("se.fc2", _kernel(hidden, width, 1)).items()
        yield from _within("channel_mixer", mlp(width)).items()

    first = trunk.widths[0]
    yield from _within("body.stem.conv1", convolution(3, first // 2, 3)).items()
    yield from _within("body.stem.conv2", convolution(first // 2, first, 3)).items()
    for stage, (width, depth) in enumerate(zip(trunk.widths, trunk.depths, strict=True)):
        prefix = f"body.stages_{stage}"
        if stage:
            before = trunk.widths[stage - 1]
            parts: dict[str, Named] = {
                "pre_block": block(before, squeezes=False),
                "spatial_downsample": convolution(1, before, 3),
                "channel_downsample": convolution(before, width, 1),
                "ffn": mlp(width),
            }
            for name, part in parts.items():
                yield from _within(f"{prefix}.downsample.{name}", part).items()
        for index in range(depth):
            named = block(width, squeezes=index % 2 == 0)
            yield from _within(f"{prefix}.blocks.{index}", named).items()


def _plain_vit(trunk: PlainViT) -> Named:
    yield "pos_embed", (1, trunk.pretrained_grid**2 + 1, trunk.dim)
    yield from _within("patch_embed.proj", _kernel(3, trunk.dim, EMBEDDING_STRIDE)).items()
    yield from _windowed_blocks(trunk)


def _windowed_blocks(trunk: Hiera | PlainViT) -> Named:
    for index, block in enumerate(trunk.blocks()):
        parts: dict[str, Named] = {
            "norm1": _norm(block.dim),
            "attn.qkv": _affine(block.dim, 3 * block.dim_out),
            "attn.proj": _affine(block.dim_out, block.dim_out),
            "norm2": _norm(block.dim_out),
            "mlp": _mlp(block.dim_out, 4 * block.dim_out, block.dim_out, 2),
        }
        if block.dim != block.dim_out:
            parts["proj"] = _affine(block.dim, block.dim_out)
        for name, part in parts.items():
            yield from _within(f"blocks.{index}.{name}", part).items()


def _neck(architecture: Architecture) -> Named:
    """One 1×1 convolution per stage, the coarsest first; two normalised ones on a plain trunk."""
    if isinstance(architecture.trunk, PlainViT):
        c = architecture.hidden_dim
        yield "convs.0.conv_1x1.weight", (c, architecture.trunk.dim, 1, 1)
        yield "convs.0.conv_3x3.weight", (c, c, 3, 3)
        for name in ("norm_0", "norm_1"):
            yield from _within(f"convs.0.{name}", _norm(c)).items()
        return
    for index, width in enumerate(reversed(architecture.trunk.widths)):
        kernel = _kernel(width, architecture.hidden_dim, 1)
        yield from _within(f"convs.{index}.conv", kernel).items()


def _prompt_encoder(c: int) -> Named:
    hidden = MASK_PROMPT_CHANNELS
    yield "pe_layer.positional_encoding_gaussian_matrix", (2, c // 2)
    for name in (*(f"point_embeddings.{kind}" for kind in range(4)), "not_a_point_embed"):
        yield f"{name}.weight", (1, c)
    yield "no_mask_embed.weight", (1, c)
    down = "mask_downscaling"
    yield from _within(f"{down}.0", _kernel(1, hidden // 4, 2)).items()
    yield from _within(f"{down}.1", _norm(hidden // 4)).items()
    yield from _within(f"{down}.3", _kernel(hidden // 4, hidden, 2)).items()
    yield from _within(f"{down}.4", _norm(hidden)).items()
    yield from _within(f"{down}.6", _kernel(hidden, c, 1)).items()


def _mask_decoder(architecture: Architecture) -> Named:
    c = architecture.hidden_dim
    for name, count in (("obj_score_token", 1), ("iou_token", 1), ("mask_tokens", MASK_TOKENS)):
        yield f"{name}.weight", (count, c)
    yield from _two_way_transformer(c)
    # Transposed convolutions: inputs come first.
    yield "output_upscaling.0.weight", (c, c // 4, 2, 2)
    yield "output_upscaling.0.bias", (c // 4,)
    yield from _within("output_upscaling.1", _norm(c // 4)).items()
    yield "output_upscaling.3.weight", (c // 4, c // 8, 2, 2)
    yield "output_upscaling.3.bias", (c // 8,)
    if architecture.high_res:
        yield from _within("conv_s0", _kernel(c, c // 8, 1)).items()
        yield from _within("conv_s1", _kernel(c, c // 4, 1)).items()
    for token in range(MASK_TOKENS):
        head = _mlp(c, c, c // 8, 3)
        yield from _within(f"output_hypernetworks_mlps.{token}", head).items()
    iou = _mlp(c, IOU_HIDDEN, MASK_TOKENS, 3)
    yield from _within("iou_prediction_head", iou).items()
    score = _head(c, c, 1, architecture.score_mlp)
    yield from _within("pred_obj_score_head", score).items()


def _two_way_transformer(c: int) -> Named:
    less = c // DECODER_DOWNSAMPLING
    for index in range(DECODER_LAYERS):
        layer: dict[str, Named] = {
            "self_attn": _attention(c, c),
            "cross_attn_token_to_image": _attention(c, less),
            "cross_attn_image_to_token": _attention(c, less),
            "mlp": _mlp(c, DECODER_FEED_FORWARD, c, 2),
        }
        layer |= {f"norm{number}": _norm(c) for number in range(1, 5)}
        for name, part in layer.items():
            yield from _within(f"transformer.layers.{index}.{name}", part).items()
    last = "transformer.final_attn_token_to_image"
    yield from _within(last, _attention(c, less)).items()
    yield from _within("transformer.norm_final_attn", _norm(c)).items()


def _memory_attention(architecture: Architecture) -> Named:
    c, numbers = architecture.hidden_dim, architecture.memory_attention
    for index in range(numbers.layers):
        internal = numbers.internal_dim
        layer: dict[str, Named] = {
            "self_attn": _attention(c, internal),
            "cross_attn_image": _attention(c, internal, architecture.mem_dim),
            "linear1": _affine(c, numbers.feed_forward),
            "linear2": _affine(numbers.feed_forward, c),
        }
        layer |= {f"norm{number}": _norm(c) for number in range(1, 4)}
        for name, part in layer.items():
            yield from _within(f"layers.{index}.{name}", part).items()
    yield from _within("norm", _norm(c)).items()


def _memory_encoder(architecture: Architecture) -> Named:
    c, m = architecture.hidden_dim, architecture.mem_dim
    channels = 1
    for index in range(4):  # each halves the mask and has four times the channels
        kernel = _kernel(channels, 4 * channels, 3)
        channels *= 4
        yield from _within(f"mask_downsampler.encoder.{3 * index}", kernel).items()
        yield from _within(f"mask_downsampler.encoder.{3 * index + 1}", _norm(channels)).items()
    yield from _within("mask_downsampler.encoder.12", _kernel(channels, c, 1)).items()
    yield from _within("pix_feat_proj", _kernel(c, c, 1)).items()
    for index in range(architecture.memory_encoder.fuser_layers):
        parts: dict[str, Named] = {
            "dwconv": _kernel(1, c, 7),
            "norm": _norm(c),
            "pwconv1": _affine(c, 4 * c),
            "pwconv2": _affine(4 * c, c),
        }
        for name, part in parts.items():
            yield from _within(f"fuser.layers.{index}.{name}", part).items()
        if architecture.memory_encoder.layer_scale:
            yield f"fuser.layers.{index}.gamma", (c,)
    if m != c:
        yield from _within("out_proj", _kernel(c, m, 1)).items()


def _perceiver(perceiver: Perceiver, m: int) -> Named:
    yield "latents", (perceiver.latents_1d, m)
    yield "latents_2d", (perceiver.latents_2d, m)
    yield from _within("norm", _norm(m)).items()
    for index in range(perceiver.layers):
        parts: dict[str, Named] = {
            "attn.norm_x": _norm(m),
            "attn.norm_latents": _norm(m),
            "self_attn.norm": _norm(m),
        }
        for name in ("attn", "self_attn"):
            parts[f"{name}.to_q"] = _affine(m, m, bias=False)
            parts[f"{name}.to_kv"] = _affine(m, 2 * m, bias=False)
            parts[f"{name}.to_out"] = _affine(m, m, bias=False)
        for name in ("ff", "self_ff"):  # norm, linear, GELU, linear
            parts[f"{name}.0"] = _norm(m)
            parts[f"{name}.1"] = _affine(m, 4 * m, bias=False)
            parts[f"{name}.3"] = _affine(4 * m, m, bias=False)
        for name, part in parts.items():
            yield from _within(f"layers.{index}.{name}", part).items()
