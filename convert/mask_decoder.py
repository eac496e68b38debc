"""The mask decoder (sam2/modeling/sam/mask_decoder.py, transformer.py) as an OpenVINO graph."""

import math
from collections.abc import Sequence

import numpy as np
from openvino import Model

from convert import ops
from convert.architecture import Architecture
from convert.attention import attend, join_heads, split_heads
from convert.ops import Tensor
from convert.positions import fourier_grid
from convert.shapes import DECODER_HEADS, DECODER_LAYERS, MASK_TOKENS
from convert.weights import Weights

_NORM_EPS = 1e-5
_NORM_2D_EPS = 1e-6


def build_mask_decoder(architecture: Architecture, weights: Weights) -> Model:
    """Graph: conditioned embedding, high-resolution maps if any, sparse and dense embeddings.

    Gives all four candidates (choosing among them is the runtime's part): ``mask_logits``
    [B, 4, 4h, 4w], ``ious`` [B, 4], ``pointers`` [B, 4, C] (``obj_ptr_proj`` applied) and
    ``object_score`` [B, 1].
    """
    channels, size = architecture.hidden_dim, architecture.embedding_size
    part = weights.at("sam_mask_decoder")
    embedding = ops.parameter("embedding", [-1, channels, size, size])
    high_res = [
        ops.parameter("high_res_0", [1, channels // 8, 4 * size, 4 * size]),
        ops.parameter("high_res_1", [1, channels // 4, 2 * size, 2 * size]),
    ]
    if not architecture.high_res:
        high_res.clear()
    sparse = ops.parameter("sparse", [-1, -1, channels])
    dense = ops.parameter("dense", [-1, channels, size, size])

    # Order of the tokens: object score, IoU, four masks, prompts.
    own_tokens = np.concatenate(
        [part.tensor(f"{name}.weight") for name in ("obj_score_token", "iou_token", "mask_tokens")]
    )
    tokens = ops.concat([ops.repeat_batch(own_tokens[None], like=sparse), sparse], axis=1)
    image = ops.tokens_of_nchw(ops.add(embedding, dense), channels)
    frequencies = weights.at("sam_prompt_encoder.pe_layer")
    transformer = _TwoWayTransformer(
        part.at("transformer"),
        fourier_grid(frequencies.tensor("positional_encoding_gaussian_matrix"), size),
    )
    tokens, image = transformer.build(tokens, image)

    mask_tokens = ops.take(tokens, 2, 2 + MASK_TOKENS, axis=1)
    image = ops.nchw_of_tokens(image, size, channels)
    upscaled = _upscale(image, high_res, part, size, channels)
    masks = _masks(mask_tokens, upscaled, part, size)
    ious = _mlp(_token(tokens, 1), part.at("iou_prediction_head"))
    return ops.model(
        "mask_decoder",
        inputs=[embedding, *high_res, sparse, dense],
        outputs={
            "mask_logits": masks,
            "ious": ops.sigmoid(ious) if architecture.iou_sigmoid else ious,
            "pointers": _project(mask_tokens, weights.at("obj_ptr_proj"), architecture.pointer_mlp),
            "object_score": _project(
                _token(tokens, 0), part.at("pred_obj_score_head"), architecture.score_mlp
            ),
        },
    )


def _token(tokens: Tensor, index: int) -> Tensor:
    """One token of each object: [B, tokens, C] to [B, C]."""
    return ops.reshape(ops.take(tokens, index, index + 1, axis=1), 0, -1)


def _mlp(x: Tensor, part: Weights) -> Tensor:
    """sam2's ``MLP`` of three layers with ReLU between them, without its output sigmoid."""
    *hidden, last = part.mlp(3)
    for layer in hidden:
        x = ops.relu(ops.linear(x, layer))
    return ops.linear(x, last)


def _project(x: Tensor, part: Weights, mlp: bool) -> Tensor:
    """A head that is either an ``MLP`` or one linear layer, as configured."""
    return _mlp(x, part) if mlp else ops.linear(x, part.affine())


def _upscale(
    image: Tensor, high_res: Sequence[Tensor], part: Weights, size: int, channels: int
) -> Tensor:
    """The embedding at stride 4, where there are finer maps with them: [B, C/8, 4h, 4w]."""
    up = part.at("output_upscaling")
    x = ops.conv_transpose_nchw(image, up.kernel("0", stride=2))
    if high_res:
        x = ops.add(x, high_res[1])
    x = ops.layer_norm(ops.tokens_of_nchw(x, channels // 4), up.norm("1", _NORM_2D_EPS))
    x = ops.nchw_of_tokens(ops.gelu(x), 2 * size, channels // 4)
    x = ops.conv_transpose_nchw(x, up.kernel("3", stride=2))
    if high_res:
        x = ops.add(x, high_res[0])
    return ops.gelu(x)


def _masks(mask_tokens: Tensor, upscaled: Tensor, part: Weights, size: int) -> Tensor:
    """Dot products of the hypernetworks' outputs with the upscaled embedding: [B, 4, 4h, 4w]."""
    heads = [part.at("output_hypernetworks_mlps", token).mlp(3) for token in range(MASK_TOKENS)]
    x = ops.transpose(mask_tokens, 1, 0, 2)  # [4, B, C]: each token has weights of its own
    for depth in range(3):
        layers = [head[depth] for head in heads]
        x = ops.add(
            ops.matmul(x, ops.constant([layer.weight.T for layer in layers])),
            ops.constant([layer.bias[None] for layer in layers]),
        )
        x = ops.relu(x) if depth < 2 else x
    flat = ops.reshape(upscaled, 0, 0, -1)
    return ops.reshape(ops.matmul(ops.transpose(x, 1, 0, 2), flat), 0, 0, 4 * size, 4 * size)


class _TwoWayTransformer:
    """Tokens attend to the image and the image attends to the tokens, twice."""

    def __init__(self, part: Weights, image_position: Tensor) -> None:
        self._part = part
        self._image_position = image_position

    def build(self, tokens: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [B, T, C] and image [B, h·w, C], both updated."""
        prompts = tokens
        position = self._image_position
        for index in range(DECODER_LAYERS):
            tokens, image = self._layer(tokens, image, prompts, position, index)
        attended = self._attention(
            ops.add(tokens, prompts),
            ops.add(image, position),
            image,
            self._part.at("final_attn_token_to_image"),
        )
        tokens = self._norm(ops.add(tokens, attended), self._part, "norm_final_attn")
        return tokens, image

    def _layer(
        self,
        tokens: Tensor,
        image: Tensor,
        prompts: Tensor,
        position: Tensor,
        index: int,
    ) -> tuple[Tensor, Tensor]:
        part = self._part.at("layers", index)
        own = part.at("self_attn")
        if index == 0:  # the prompts are their own position
            tokens = self._attention(tokens, tokens, tokens, own)
        else:
            query = ops.add(tokens, prompts)
            attended = self._attention(query, query, tokens, own)
            tokens = ops.add(tokens, attended)
        tokens = self._norm(tokens, part, "norm1")

        keys = ops.add(image, position)
        attended = self._attention(
            ops.add(tokens, prompts),
            keys,
            image,
            part.at("cross_attn_token_to_image"),
        )
        tokens = self._norm(ops.add(tokens, attended), part, "norm2")

        first, second = part.at("mlp").mlp(2)
        hidden = ops.linear(ops.relu(ops.linear(tokens, first)), second)
        tokens = self._norm(ops.add(tokens, hidden), part, "norm3")

        attended = self._attention(
            keys,
            ops.add(tokens, prompts),
            tokens,
            part.at("cross_attn_image_to_token"),
        )
        return tokens, self._norm(ops.add(image, attended), part, "norm4")

    @staticmethod
    def _norm(x: Tensor, part: Weights, name: str) -> Tensor:
        return ops.layer_norm(x, part.norm(name, _NORM_EPS))

    @staticmethod
    def _attention(query: Tensor, key: Tensor, value: Tensor, part: Weights) -> Tensor:
        to_query = part.affine("q_proj")
        out = attend(
            split_heads(ops.linear(query, to_query), DECODER_HEADS),
            split_heads(ops.linear(key, part.affine("k_proj")), DECODER_HEADS),
            split_heads(ops.linear(value, part.affine("v_proj")), DECODER_HEADS),
            1 / math.sqrt(len(to_query.bias) // DECODER_HEADS),
        )
        return ops.linear(join_heads(out), part.affine("out_proj"))
