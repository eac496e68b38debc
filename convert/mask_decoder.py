"""The mask decoder (sam2/modeling/sam/mask_decoder.py, transformer.py) as an OpenVINO graph."""

import math
from collections.abc import Sequence

import numpy as np
from openvino import Model

from convert import ops
from convert.architecture import Architecture
from convert.attention import attend, attend_apart, join_heads, split_heads
from convert.ops import Affine, FloatArray, Kernel, Tensor
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
        size * size,
    )
    tokens, image = transformer.build(tokens, image)

    mask_tokens = ops.take(tokens, 2, 2 + MASK_TOKENS, axis=1)
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
    """The embedding at stride 4, where there are finer maps with them: [B, 16 h·w, C/8].

    A transposed convolution whose stride is its size is a linear map of each cell to the four
    below it. The cells are left in that order (see ``_quartered``), in which their channels lie
    beside each other for all that follows; only the masks are brought into the order of rows.
    """
    up = part.at("output_upscaling")
    x = _to_quarters(image, up.kernel("0", stride=2))
    if high_res:
        x = ops.add(x, _quartered(high_res[1], size, channels // 4, 1))
    x = ops.gelu(ops.layer_norm(x, up.norm("1", _NORM_2D_EPS)))
    x = _to_quarters(x, up.kernel("3", stride=2))
    if high_res:
        x = ops.add(x, _quartered(high_res[0], size, channels // 8, 2))
    return ops.gelu(x)


def _to_quarters(x: Tensor, kernel: Kernel) -> Tensor:
    """A transposed 2×2 convolution of cells [B, n, in], each to its four: [B, 4n, out]."""
    inputs, outputs = kernel.weight.shape[:2]
    weight = kernel.weight.transpose(2, 3, 1, 0).reshape(-1, inputs)
    x = ops.linear(x, Affine(np.ascontiguousarray(weight), np.tile(kernel.bias, 4)))
    return ops.reshape(x, 0, -1, outputs)


def _quartered(finer: Tensor, size: int, channels: int, times: int) -> Tensor:
    """A map [1, C, 2ⁿ·size, 2ⁿ·size] as cells [1, 4ⁿ·size², C].

    The cells of the coarse map come row by row, and for each of them its four quarters, row by row,
    and so on, n ``times``.
    """
    halves = [2] * times
    split = ops.reshape(finer, channels, size, *halves, size, *halves)
    order = [axis for level in range(times + 1) for axis in (1 + level, 2 + times + level)]
    return ops.reshape(ops.transpose(split, *order, 0), 1, -1, channels)


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
    products = ops.matmul(ops.transpose(x, 1, 0, 2), upscaled, transpose_b=True)
    quarters = ops.reshape(products, -1, size, size, 2, 2, 2, 2)  # y, x, then y and x twice
    rows = ops.transpose(quarters, 0, 1, 3, 5, 2, 4, 6)
    return ops.reshape(rows, -1, MASK_TOKENS, 4 * size, 4 * size)


class _TwoWayTransformer:
    """Tokens attend to the image and the image attends to the tokens, twice.

    There are many cells and few tokens. So what attention does to cells beforehand and afterwards,
    linear maps to the channels of the heads and back, is done to the tokens instead: the products
    are the same, taken in another order, at half the work and without writing any cell.
    """

    def __init__(self, part: Weights, image_position: Tensor, cells: int) -> None:
        self._part = part
        self._image_position = image_position
        self._cells = cells

    def build(self, tokens: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [B, T, C] and image [B, h·w, C], both updated."""
        prompts = tokens
        position = self._image_position
        for index in range(DECODER_LAYERS):
            tokens, image = self._layer(tokens, image, prompts, position, index)
        attended = self._tokens_to_image(
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
        attended = self._tokens_to_image(
            ops.add(tokens, prompts),
            keys,
            image,
            part.at("cross_attn_token_to_image"),
        )
        tokens = self._norm(ops.add(tokens, attended), part, "norm2")

        first, second = part.at("mlp").mlp(2)
        hidden = ops.linear(ops.relu(ops.linear(tokens, first)), second)
        tokens = self._norm(ops.add(tokens, hidden), part, "norm3")

        attended = self._image_to_tokens(
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

    @staticmethod
    def _tokens_to_image(query: Tensor, key: Tensor, value: Tensor, part: Weights) -> Tensor:
        """Attention of tokens [B, T, C] to cells, ``key`` and ``value`` [B or 1, n, C]: [B, T, C].

        The bias of keys moves all scores of a query alike, so it has no effect; that of values
        goes through as it is, since the shares add up to 1.
        """
        to_query, to_value = part.affine("q_proj"), part.affine("v_proj")
        to_key = part.affine("k_proj")
        scale = 1 / math.sqrt(len(to_query.bias) // DECODER_HEADS)
        channels = to_key.weight.shape[1]
        queries = split_heads(ops.linear(query, to_query.scaled(scale)), DECODER_HEADS)
        queries = ops.matmul(queries, ops.constant(_by_head(to_key)))
        queries = ops.reshape(queries, 0, -1, channels)
        attended = attend_apart(queries, key, value)
        attended = ops.reshape(attended, 0, DECODER_HEADS, -1, channels)
        attended = ops.matmul(attended, ops.constant(_by_head(to_value)), transpose_b=True)
        attended = ops.add(join_heads(attended), ops.constant(to_value.bias))
        return ops.linear(attended, part.affine("out_proj"))

    def _image_to_tokens(self, query: Tensor, key: Tensor, value: Tensor, part: Weights) -> Tensor:
        """Attention of cells [B or 1, n, C] to tokens, ``key`` and ``value`` [B, T, C]: [B, n, C].

        Scores are [B, heads, T, n]: the softmax over the few tokens is taken for many cells at
        once.
        """
        to_query, to_out = part.affine("q_proj"), part.affine("out_proj")
        scale = 1 / math.sqrt(len(to_query.bias) // DECODER_HEADS)
        channels = to_query.weight.shape[1]
        keys = split_heads(ops.linear(key, part.affine("k_proj").scaled(scale)), DECODER_HEADS)
        shift = ops.matmul(keys, ops.constant(to_query.bias.reshape(1, DECODER_HEADS, -1, 1)))
        keys = ops.reshape(ops.matmul(keys, ops.constant(_by_head(to_query))), 0, -1, channels)
        values = split_heads(ops.linear(value, part.affine("v_proj")), DECODER_HEADS)
        from_head = to_out.weight.T.reshape(1, DECODER_HEADS, -1, channels)
        values = ops.reshape(ops.matmul(values, ops.constant(from_head)), 0, -1, channels)
        scores = ops.matmul(keys, query, transpose_b=True)
        scores = ops.add(scores, ops.reshape(shift, 0, -1, 1))
        scores = ops.reshape(scores, 0, DECODER_HEADS, -1, self._cells)
        shares = ops.reshape(ops.softmax(scores, axis=2), 0, -1, self._cells)
        attended = ops.matmul(shares, values, transpose_a=True)
        return ops.add(attended, ops.constant(to_out.bias))


def _by_head(affine: Affine) -> FloatArray:
    """The weight [heads·D, C] of a map to all heads, for each by itself: [1, heads, D, C]."""
    return affine.weight.reshape(1, DECODER_HEADS, -1, affine.weight.shape[1])
