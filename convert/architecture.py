"""What a model of the family is made of, as plain numbers: what the graphs are written from.

A description names what differs among SAM 2, SAM 2.1, EdgeTAM and EfficientTAM and among their
sizes. What all of them share (the two-way transformer of the mask decoder, 7×7 blocks in the
memory encoder, …) stands with the graphs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from sam2ov.errors import ConversionError
from sam2ov.manifest import Switches

EMBEDDING_STRIDE = 16
MASK_STRIDE = 4

SIZE_MULTIPLE = 32
"""Stride 32 of the coarsest map, and the 8×8 windows of the position embedding at stride 4."""


@dataclass(frozen=True)
class WindowedBlock:
    """A transformer block: attention in windows or over the whole map, and an MLP.

    Attributes:
        dim: channels that come in.
        dim_out: channels that go out.
        heads: of its attention.
        window: side of its windows; 0 attends to the whole map.
        pools: whether it halves the map.
    """

    dim: int
    dim_out: int
    heads: int
    window: int
    pools: bool


@dataclass(frozen=True)
class Hiera:
    """The trunk of SAM 2 (sam2/modeling/backbones/hieradet.py): four stages at strides 4 to 32.

    Attributes:
        embed_dim: channels of the first stage; each further stage has twice as many.
        heads: of the first stage, likewise.
        stages: blocks of each.
        windows: side of the windows of each stage.
        global_blocks: those that attend to the whole map, counted through all stages.
        background: side of the coarse map of the position embedding.
    """

    embed_dim: int
    heads: int
    stages: tuple[int, int, int, int]
    windows: tuple[int, int, int, int]
    global_blocks: tuple[int, ...]
    background: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the four stages' maps, finest first."""
        return tuple(self.embed_dim << stage for stage in range(4))

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """The last block of each stage."""
        return tuple(end - 1 for end in accumulate(self.stages))

    def blocks(self) -> Iterator[WindowedBlock]:
        """All blocks in order. The first one of a stage still has the windows of the one before."""
        stage, dim = 0, self.embed_dim
        for index in range(sum(self.stages)):
            window = 0 if index in self.global_blocks else self.windows[stage]
            pools = index - 1 in self.stage_ends
            stage += pools
            yield WindowedBlock(dim, self.widths[stage], self.heads << stage, window, pools)
            dim = self.widths[stage]


@dataclass(frozen=True)
class RepViT:
    """The trunk of EdgeTAM: timm's ``repvit_m1``, convolutional, at strides 4 to 32.

    Attributes:
        widths: channels of the four stages' maps, finest first.
        depths: blocks of each stage.
    """

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]


@dataclass(frozen=True)
class PlainViT:
    """The trunk of EfficientTAM: a vision transformer (backbones/vitdet.py), one map at stride 16.

    Attributes:
        dim: channels.
        heads: of each attention.
        depth: number of blocks.
        window: side of the windows.
        global_blocks: those that attend to the whole map.
        pretrained_grid: side of the map that the position embedding was made for.
    """

    dim: int
    heads: int
    depth: int
    window: int
    global_blocks: tuple[int, ...]
    pretrained_grid: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of its only map."""
        return (self.dim,)

    def blocks(self) -> Iterator[WindowedBlock]:
        """All blocks in order."""
        for index in range(self.depth):
            window = 0 if index in self.global_blocks else self.window
            yield WindowedBlock(self.dim, self.dim, self.heads, window, pools=False)


Trunk = Hiera | RepViT | PlainViT

PooledKeys = Literal["no", "logits", "keys"]
"""Whether cross-attention averages keys and values over 2×2 cells, and to what 2·ln 2 is added."""


@dataclass(frozen=True)
class MemoryAttention:
    """The layers that condition a frame on memories.

    Attributes:
        layers: how many.
        feed_forward: width of the hidden layer.
        internal_dim: channels of queries and keys.
        activation: of the feed-forward.
        rope_theta: base of the rotary frequencies.
        position_at_input: whether a tenth of the sine position is added to the embedding.
        pooled: see ``PooledKeys``.
    """

    layers: int
    feed_forward: int
    internal_dim: int
    activation: Literal["relu", "gelu"] = "relu"
    rope_theta: float = 10000.0
    position_at_input: bool = True
    pooled: PooledKeys = "no"


@dataclass(frozen=True)
class Perceiver:
    """EdgeTAM's resampler of memories: so many latents without and with a place in the image.

    Attributes:
        layers: how many, shared by both kinds of latents.
        latents_1d: tokens that see the whole map.
        latents_2d: tokens that see a window each; a square number.
    """

    layers: int
    latents_1d: int
    latents_2d: int


@dataclass(frozen=True)
class MemoryEncoder:
    """Masks and embeddings to memories.

    Attributes:
        fuser_layers: blocks after mask and embedding are added.
        layer_scale: whether these have one.
        sigmoid_scale: what mask probabilities are multiplied by.
        sigmoid_bias: what is added then.
        marks_absence: whether memories of frames without the object are marked
            (``no_obj_embed_spatial``).
        perceiver: what makes fewer tokens of a memory; None keeps a token for each cell.
    """

    fuser_layers: int
    layer_scale: bool
    sigmoid_scale: float
    sigmoid_bias: float
    marks_absence: bool
    perceiver: Perceiver | None = None


@dataclass(frozen=True)
class Architecture:
    """A whole model.

    Attributes:
        name: of the configuration, for people.
        family: "sam2", "sam2.1", "edgetam" or "efficienttam".
        image_size: side of the square input in pixels, a multiple of 32.
        hidden_dim: C, channels of the embedding.
        mem_dim: M, channels of a memory.
        num_maskmem: memories with a temporal encoding.
        max_obj_ptrs: pointers that are attended to.
        trunk: of the image encoder.
        memory_attention: its numbers.
        memory_encoder: its numbers.
        high_res: whether the mask decoder sees the maps at strides 4 and 8.
        iou_sigmoid: whether predicted IoUs pass through one.
        score_mlp: whether the object score comes from three layers, not one.
        pointer_mlp: the same for pointers.
        switches: what the runtime does around the graphs.
    """

    name: str
    family: Literal["sam2", "sam2.1", "edgetam", "efficienttam"]
    image_size: int
    hidden_dim: int
    mem_dim: int
    num_maskmem: int
    max_obj_ptrs: int
    trunk: Trunk
    memory_attention: MemoryAttention
    memory_encoder: MemoryEncoder
    high_res: bool
    iou_sigmoid: bool
    score_mlp: bool
    pointer_mlp: bool
    switches: Switches

    @property
    def embedding_size(self) -> int:
        """Side of the image embedding."""
        return self.image_size // EMBEDDING_STRIDE

    @property
    def low_res_size(self) -> int:
        """Side of the mask logits."""
        return self.image_size // MASK_STRIDE

    @property
    def memory_tokens(self) -> int:
        """Tokens of a frame's memory."""
        perceiver = self.memory_encoder.perceiver
        if perceiver is None:
            return self.embedding_size**2
        return perceiver.latents_1d + perceiver.latents_2d

    def at(self, image_size: int) -> "Architecture":
        """The same model with another input.

        Raises:
            ConversionError: the size does not fit the strides.
        """
        multiple = SIZE_MULTIPLE
        perceiver = self.memory_encoder.perceiver
        if perceiver is not None:  # each 2-D latent has a window of its own
            multiple = EMBEDDING_STRIDE * round(perceiver.latents_2d**0.5)
        if (
            isinstance(image_size, bool)
            or not isinstance(image_size, int)
            or image_size < multiple
            or image_size % multiple
        ):
            raise ConversionError(
                f"The image size must be a positive multiple of {multiple} for {self.name}, not "
                f"{image_size!r}."
            )
        return replace(self, image_size=image_size)
