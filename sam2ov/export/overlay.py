"""The clip with its objects coloured, or with another effect on them or on all around them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sam2ov.errors import ExportError
from sam2ov.export import effects
from sam2ov.export.backdrop import open_backdrop
from sam2ov.export.coverage import coverage
from sam2ov.export.effects import Area, Effect, Image
from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.video_options import OverlayOptions
from sam2ov.values.palette import from_hex
from sam2ov.video.encodings import h264, hevc
from sam2ov.video.writer import VideoWriter

_EffectOf = Callable[[ExportFrame], Effect]


@contextmanager
def open_overlay(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin an H.264 or H.265 video with the source's frame times and sound.

    Objects are painted in their colours, later ones over earlier ones, after other effects.

    Raises:
        VideoWriteError: the disk is full, or the place cannot be written to.
        ExportError: the other picture or video cannot be used, or is missing.
    """
    options = plan.options(OverlayOptions)
    source = plan.source
    frames = source.frames
    is_deep = options.codec == "h265-10"
    encoding = h264(options.crf) if options.codec == "h264" else hevc(options.crf, ten_bit=is_deep)
    with ExitStack() as stack:
        effect_at = stack.enter_context(_effect(plan, options))
        style = style_of(options)
        aspect = source.video.info.pixel_aspect
        writer = stack.enter_context(
            VideoWriter.for_source(
                plan.path,
                source.video.info,
                start=frames.start,
                stop=frames.stop,
                encoding=encoding,
                audio=options.audio,
                keep_start=plan.settings.keep_start,
            )
        )

        def add(frame: ExportFrame) -> None:
            image: Image = frame.image
            if effect_at is not None:
                area = area_of(options, Area(coverage(frame, source.objects)))
                image = effects.applied(image, area, effect_at(frame))
            image = np.array(image)
            for target in source.objects:
                matte = frame.matte(target) if target.clean_up.feather else None
                paint_mask(image, frame.mask(target), target.rgb, style, matte, aspect)
            writer.write(_deepened(image, frame) if is_deep else image)

        yield add


def _deepened(image: Image, frame: ExportFrame) -> npt.NDArray[np.uint16]:
    """A changed picture in uint16: with the clip's own bits wherever it is as it was."""
    is_same = (image == frame.image).all(axis=2, keepdims=True)
    return np.where(is_same, frame.deep_image, image.astype(np.uint16) * np.uint16(257))


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
def _effect(plan: ExportPlan, options: OverlayOptions) -> Iterator[_EffectOf | None]:
    """What to do with each frame; None for nothing but paint."""
    aspect = plan.source.video.info.pixel_aspect
    if options.effect != "replace":
        effect = effect_of(options, aspect)
        yield None if effect is None else lambda _: effect
        return
    if not options.background:
        raise ExportError(
            "Say what to replace it by: background is a picture or a video. For one colour, choose "
            "the effect remove."
        )
    source = plan.source
    start = source.video.info.time_of(source.frames.start)
    place = Path(options.background)
    with open_backdrop(place, source.masks.size_hw, aspect) as backdrop:
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
