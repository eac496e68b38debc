"""Sequences of pictures for compositing: mattes, cut-outs with alpha, and layers in OpenEXR."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.export.cut_out import cut_out
from sam2ov.export.files import file_tree
from sam2ov.export.openexr import ExrInfo, Half, exr_file
from sam2ov.export.pictures import grey_png, number_png, rgba_png, with_pixel_aspect
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.rendering import coverage
from sam2ov.export.video_options import ExrOptions, PngCutOutOptions, PngMatteOptions
from sam2ov.values.objects import ClipObject

_MOST_CHARACTERS: Final = 60
"""Of a layer's name, before what tells it from others."""


@contextmanager
def open_png_matte(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a sequence of grey PNGs, white where any object is, with soft edges if there are any.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    options = plan.options(PngMatteOptions)
    is_fine = options.bits == "16"
    aspect = plan.source.video.info.sample_aspect_ratio

    def picture(frame: ExportFrame) -> bytes:
        covered = coverage(frame, plan.source.objects, options.edges)
        if is_fine:
            return with_pixel_aspect(number_png((covered * 65535 + 0.5).astype(np.uint16)), aspect)
        return with_pixel_aspect(grey_png((covered * 255 + 0.5).astype(np.uint8)), aspect)

    with file_tree(plan.path, _layout(plan, "png")) as tree:
        yield lambda frame: tree.write(f"{plan.name(frame)}.png", picture(frame))


@contextmanager
def open_png_rgba(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a sequence of PNGs with alpha; raises as ``open_png_matte``."""
    options = plan.options(PngCutOutOptions)
    info = plan.source.video.info
    is_deep = options.bits == "16" or (options.bits == "auto" and info.bits > 8)

    def picture(frame: ExportFrame) -> bytes:
        made = cut_out(frame, plan.source.objects, options, is_deep=is_deep)
        return with_pixel_aspect(rgba_png(made), info.sample_aspect_ratio)

    with file_tree(plan.path, _layout(plan, "png")) as tree:
        yield lambda frame: tree.write(f"{plan.name(frame)}.png", picture(frame))


@contextmanager
def open_exr(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a sequence of OpenEXR files with half floats.

    Channel ``A`` is what all objects cover together; each object has a layer with its name, in
    which ``A`` is what it covers. ``R``, ``G`` and ``B`` are the picture, if wanted.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    source, options = plan.source, plan.options(ExrOptions)
    layers = layer_names(source.objects)
    info = ExrInfo(
        source.video.info.fps,
        source.video.info.sample_aspect_ratio,
        is_compressed=options.compression == "zip",
        texts=tuple(
            (f"sam2ov/{layer}", target.name)
            for layer, target in zip(layers, source.objects, strict=True)
        ),
    )
    is_deep = source.video.info.bits > 8
    linear = _linear_light(1 << (16 if is_deep else 8))

    def file(frame: ExportFrame) -> bytes:
        channels: dict[str, Half] = {}
        covered = np.zeros(source.masks.size_hw, np.float32)
        picture = own = None
        if options.picture or source.video.info.has_alpha:
            picture = frame.rgba(is_deep=is_deep)
            own = picture[..., 3].astype(np.float32) / np.float32(len(linear) - 1)
        for target, layer in zip(source.objects, layers, strict=True):
            matte = frame.matte(target, hard=options.edges == "hard")
            if own is not None:
                matte = matte * own
            channels[f"{layer}.A"] = matte.astype(np.float16)
            np.maximum(covered, matte, out=covered)
        channels["A"] = covered.astype(np.float16)
        if options.picture and picture is not None:
            for number, name in enumerate("RGB"):
                channels[name] = (linear[picture[..., number]] * covered).astype(np.float16)
        timecode = source.video.info.timecode_of(frame.index)
        return exr_file(channels, replace(info, timecode=timecode))

    with file_tree(plan.path, _layout(plan, "exr")) as tree:
        yield lambda frame: tree.write(f"{plan.name(frame)}.exr", file(frame))


def _layout(plan: ExportPlan, suffix: str) -> tuple[str, ...]:
    return (plan.format.template(plan.settings).pattern() + rf"\.{suffix}",)


def layer_names(objects: Sequence[ClipObject]) -> list[str]:
    """A name for each object's layer that no other has and that compositing programs take.

    ASCII letters, digits and ``_``, beginning with no digit; dots would separate layers.
    """
    plain = [_plain(target) for target in objects]
    folded = [name.casefold() for name in plain]
    made: list[str] = []
    for target, name in zip(objects, plain, strict=True):
        own = f"{name}_{target.obj_id}" if folded.count(name.casefold()) > 1 else name
        others = {*(each.casefold() for each in made), *folded} - {name.casefold()}
        candidates = chain((own,), (f"{own}_{again}" for again in count(2)))
        made.append(next(each for each in candidates if each.casefold() not in others))
    return made


def _plain(target: ClipObject) -> str:
    ascii_only = unicodedata.normalize("NFKD", target.name).encode("ascii", "ignore").decode()
    name = re.sub(r"\W+", "_", ascii_only).strip("_")[:_MOST_CHARACTERS]
    return name if name and not name[0].isdigit() else f"object_{name or target.obj_id}"


def _linear_light(values: int) -> npt.NDArray[np.float32]:
    """By so many values, float32 from 0 to 1: the curve of sRGB (IEC 61966-2-1)."""
    encoded = np.arange(values) / (values - 1)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)
