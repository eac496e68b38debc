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

EffectOf = Callable[[ExportFrame], Effect]


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
        effect_of = stack.enter_context(_effect(plan, options))
        style = _style(options)
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
            if effect_of is not None:
                covered = Area(coverage(frame, source.objects))
                # A spotlight is seen where it is not.
                is_rest = (options.on == "background") != (options.effect == "spotlight")
                area = covered.rest if is_rest else covered
                image = effects.applied(image, area, effect_of(frame))
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


def _style(options: OverlayOptions) -> OverlayStyle:
    match options.effect:
        case "colour":
            return OverlayStyle(options.fill, options.outline)
        case "outline":
            return OverlayStyle(0, options.outline)
        case _:
            return OverlayStyle(0, options.outline or 0)


@contextmanager
def _effect(plan: ExportPlan, options: OverlayOptions) -> Iterator[EffectOf | None]:
    """What to do with each frame; None for nothing but paint."""
    aspect = plan.source.video.info.pixel_aspect
    match options.effect:
        case "colour" | "outline":
            yield None
        case "blur":
            yield lambda _: effects.blurred(options.strength, aspect)
        case "pixelate":
            yield lambda _: effects.pixelated(options.strength, aspect)
        case "grey":
            yield lambda _: effects.grey
        case "spotlight":
            yield lambda _: effects.darkened(options.strength)
        case "remove":
            yield lambda _: effects.painted(from_hex(options.paint))
        case "replace":
            if not options.background:
                raise ExportError(
                    "Say what to replace it by: background is a picture or a video. For one "
                    "colour, choose the effect remove."
                )
            source = plan.source
            start = source.video.info.time_of(source.frames.start)
            place = Path(options.background)
            with open_backdrop(place, source.masks.size_hw, aspect) as backdrop:
                yield lambda frame: effects.replaced(backdrop(frame.seconds - start))
