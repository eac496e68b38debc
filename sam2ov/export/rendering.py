"""What becomes of a picture with its masks: painted, with effects, cut out, or as a matte.

Videos are made of this frame by frame; the app shows it on its stage before anything is written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from sam2ov.errors import ExportError
from sam2ov.export import effects
from sam2ov.export.backdrop import open_backdrop
from sam2ov.export.effects import Area, Effect, Image
from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.export.video_options import Edges, OverlayOptions
from sam2ov.values.masks import BoolArray, FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import from_hex


class MaskedFrame(Protocol):
    """A frame with its masks."""

    @property
    def image(self) -> Image:
        """The picture, read-only; on black where it is transparent."""

    @property
    def seconds(self) -> Fraction:
        """When it appears, from the clip's frame 0 on."""

    def mask(self, target: ClipObject) -> BoolArray:
        """Where an object is, [H, W]."""

    def matte(self, target: ClipObject, *, hard: bool = False) -> FloatArray:
        """How much of each pixel an object covers, float32 [H, W] from 0 to 1."""


Render = Callable[[MaskedFrame], Image]
_EffectAt = Callable[[MaskedFrame], Effect]


def coverage(
    frame: MaskedFrame, objects: Sequence[ClipObject], edges: Edges = "soft"
) -> FloatArray:
    """How much of each pixel all objects cover together, float32 [H, W] from 0 to 1: the most."""
    is_hard = edges == "hard"
    covered = frame.matte(objects[0], hard=is_hard)
    for target in objects[1:]:
        np.maximum(covered, frame.matte(target, hard=is_hard), out=covered)
    return covered


@contextmanager
def open_rendering(
    options: OverlayOptions,
    objects: Sequence[ClipObject],
    size_hw: tuple[int, int],
    pixel_aspect: float = 1.0,
    start: Fraction = Fraction(0),
) -> Iterator[Render]:
    """Have objects painted in their colours, later ones over earlier ones, after other effects.

    Args:
        options: what is done.
        objects: at least one.
        size_hw: of the pictures.
        pixel_aspect: width / height of a pixel of them.
        start: when another video that takes the place of something begins.

    Raises:
        ExportError: the other picture or video cannot be used, or is missing.
    """
    style = style_of(options)
    with _effect(options, size_hw, pixel_aspect, start) as effect_at:

        def render(frame: MaskedFrame) -> Image:
            image: Image = frame.image
            if effect_at is not None:
                area = area_of(options, Area(coverage(frame, objects)))
                image = effects.applied(image, area, effect_at(frame))
            image = np.array(image)
            for target in objects:
                matte = frame.matte(target) if target.clean_up.feather else None
                paint_mask(image, frame.mask(target), target.rgb, style, matte, pixel_aspect)
            return image

        yield render


def area_of(options: OverlayOptions, covered: Area) -> Area:
    """Where the effect is to be seen, of what the objects cover."""
    # A spotlight is seen where it is not.
    is_rest = (options.on == "background") != (options.effect == "spotlight")
    return covered.rest if is_rest else covered


def style_of(options: OverlayOptions) -> OverlayStyle:
    """How objects are painted, after other effects."""
    match options.effect:
        case "colour":
            return OverlayStyle(options.fill, options.outline)
        case "outline":
            return OverlayStyle(0, options.outline)
        case _:
            return OverlayStyle(0, options.outline or 0)


@contextmanager
def _effect(
    options: OverlayOptions, size_hw: tuple[int, int], aspect: float, start: Fraction
) -> Iterator[_EffectAt | None]:
    """What to do with each frame; None for nothing but paint."""
    if options.effect != "replace":
        effect = effect_of(options, aspect)
        yield None if effect is None else lambda _: effect
        return
    if not options.background:
        raise ExportError(
            "Say what to replace it by: background is a picture or a video. For one colour, choose "
            "the effect remove."
        )
    with open_backdrop(Path(options.background), size_hw, aspect) as backdrop:
        yield lambda frame: effects.replaced(backdrop(frame.seconds - start))


def effect_of(options: OverlayOptions, pixel_aspect: float = 1.0) -> Effect | None:
    """What is done to every frame alike; None for nothing but paint.

    Raises:
        ExportError: it needs another picture or video.
    """
    match options.effect:
        case "colour" | "outline":
            return None
        case "blur":
            return effects.blurred(options.strength, pixel_aspect)
        case "pixelate":
            return effects.pixelated(options.strength, pixel_aspect)
        case "grey":
            return effects.grey
        case "spotlight":
            return effects.darkened(options.strength)
        case "remove":
            return effects.painted(from_hex(options.paint))
        case "replace":
            raise ExportError("The effect replace needs a clip. Choose remove for one colour.")
