"""What a picture of masks shows: one object, soft or hard, or a label for each object.

Programs write the same pixels and mean different things by them. A palette is a label map. In
other pictures, areas tell: the values of a label map fill areas, while the values between black and
white of a soft matte, or of a mask that was saved as a JPEG, lie along edges. What can be taken for
either is refused, and the user says which it is.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.errors import PromptError
from sam2ov.values.masks import BoolArray

PictureKind = Literal["auto", "labels", "matte"]
"""What is meant by the values of a picture; "auto" looks at it."""

MOST_LABELS: Final = 1000
"""Of one picture: each takes a look at all of its pixels."""

_VOID: Final = 255
MOTS_FACTOR: Final = 1000
MOTS_IGNORED: Final = 10
_AREAS: Final = 0.5
_EDGES: Final = 0.2
"""Shares of the pixels in between that lie within areas of their value: from the one on, the values
are labels; up to the other, they are edges."""
_PLAIN: Final = 0.3
"""The share of a matte that is black or white, give or take what a JPEG does to them."""
_NEARLY: Final = 0.02
_MOST_COLOURS: Final = 64
_NAMED_COLOURS: Final = 8


@dataclass(frozen=True)
class Reading:
    """How pictures are taken.

    Attributes:
        kind: what their values mean.
        threshold: of full white, above which a soft matte is the object; 0…1.
    """

    kind: PictureKind = "auto"
    threshold: float = 0.5


AS_THEY_LOOK: Final = Reading()


@dataclass(frozen=True)
class Label:
    """A value that is an object.

    Attributes:
        value: of its pixels; it tells the object from others.
        number: what the object is called by the format; None for a colour. With MOTS, objects of
            different classes may have the same.
        name: its colour as #rrggbb, or empty.
        class_id: MOTS's number of its class, or None.
    """

    value: int
    number: int | None = None
    name: str = ""
    class_id: int | None = None


@dataclass(frozen=True, eq=False)
class Labels:
    """What a picture shows.

    Attributes:
        values: [H, W], whose pixels of one value belong together.
        objects: the values that are objects.
        is_soft: it was taken for a matte by its edges; others of its sequence are mattes, too.
    """

    values: npt.NDArray[np.integer]
    objects: tuple[Label, ...]
    is_soft: bool = False

    def mask(self, value: int) -> BoolArray:
        """Where an object is."""
        where: BoolArray = self.values == value
        return where

    def everything(self) -> BoolArray:
        """Where any object is."""
        return np.isin(self.values, [label.value for label in self.objects])


def labels_of(image: Image.Image, name: str, how: Reading) -> Labels:
    """Read an opened picture.

    Args:
        image: of bounded size.
        name: for messages.
        how: to take it.

    Raises:
        PromptError: it may be a label map or a matte, or has more values than either.
    """
    if image.mode == "1":
        return _one_object(np.asarray(image, np.bool_))
    if image.mode == "P" and how.kind != "matte":
        return _label_map(np.asarray(image), name, is_palette=True)
    if image.mode in {"L", "F"} or image.mode.startswith("I"):
        return _of_grey(np.asarray(image), name, how)
    rgba = np.asarray(image.convert("RGBA"))
    return _of_colours(rgba[..., :3], rgba[..., 3], name, how)


def _one_object(mask: BoolArray) -> Labels:
    return Labels(mask.astype(np.uint8), (Label(1, 1),) if mask.any() else ())


def _of_grey(values: npt.NDArray[np.generic], name: str, how: Reading) -> Labels:
    if np.issubdtype(values.dtype, np.floating):
        return _one_object(np.asarray(values, np.float64) > how.threshold)
    grey = values.astype(np.int64)
    white = 255 if grey.max(initial=0) <= 255 else 65535
    if how.kind == "labels":
        return _label_map(grey, name)
    between = (grey > 0) & (grey < white)
    plain = (grey <= _NEARLY * white) | (grey >= (1 - _NEARLY) * white)
    may_be_soft = grey.max(initial=0) > white / 2 and between.any() and plain.mean() >= _PLAIN
    if how.kind == "matte" or may_be_soft:
        share = _share_in_areas(grey, between)
        if how.kind == "matte" or share <= _EDGES:
            return replace(_one_object(grey > how.threshold * white), is_soft=True)
        if share < _AREAS:
            raise PromptError(
                f"{name} may be a label map or a soft matte: {share:.0%} of what is neither black "
                "nor white lies in areas of one value. Say which with --masks-kind."
            )
    return _label_map(grey, name)


def _label_map(values: npt.NDArray[np.integer], name: str, *, is_palette: bool = False) -> Labels:
    """Values are objects: 255 is void, and from 1000 on they are those of MOTS."""
    found = [int(value) for value in np.unique(values) if value > 0]
    if len(found) > MOST_LABELS:
        raise PromptError(
            f"{name} has {len(found):,} different values; a label map has one for each object, up "
            f"to {MOST_LABELS:,}."
        )
    if len(found) == 1 and found[0] in {_VOID, 65535} and not is_palette:
        return _one_object(values == found[0])  # black and white
    return Labels(
        values,
        tuple(
            _label(value)
            for value in found
            if value != _VOID and value // MOTS_FACTOR != MOTS_IGNORED
        ),
    )


def _label(value: int) -> Label:
    if value < MOTS_FACTOR:
        return Label(value, value)
    class_id, number = divmod(value, MOTS_FACTOR)
    return Label(value, number, class_id=class_id)


def _of_colours(
    rgb: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], name: str, how: Reading
) -> Labels:
    """Grey in colours, a cut-out, or a label map whose labels became colours."""
    inside = alpha > how.threshold * 255
    if not (rgb != rgb[..., :1])[inside].any():
        return _of_grey(np.where(inside, rgb[..., 0], np.uint8(0)), name, how)
    packed = (rgb.astype(np.int64) << (16, 8, 0)).sum(axis=2) * inside
    if how.kind == "matte":
        return _one_object(inside & (packed > 0))
    colours, counts = np.unique(packed[packed > 0], return_counts=True)
    if len(colours) == 1:
        colour = int(colours[0])
        return Labels(packed, (Label(colour, name=f"#{colour:06x}"),))
    by_size = [int(colours[place]) for place in np.argsort(-counts, kind="stable")]
    plain = [colour for colour in by_size[:_MOST_COLOURS] if _fills_areas(packed == colour)]
    covered = int(counts[np.isin(colours, plain)].sum())
    if covered >= 0.9 * int(counts.sum()):
        return Labels(
            np.where(np.isin(packed, plain), packed, 0),
            tuple(Label(colour, name=f"#{colour:06x}") for colour in sorted(plain)),
        )
    if not inside.all():
        return _one_object(inside)  # a cut-out: the colours are those of the object
    named = ", ".join(f"#{colour:06x}" for colour in by_size[:_NAMED_COLOURS])
    raise PromptError(
        f"{name} has {len(by_size):,} colours ({named}, …). A mask has one for each object, or is "
        "grey, or transparent around its object."
    )


def _fills_areas(mask: BoolArray) -> bool:
    return _share_in_areas(mask.astype(np.int64), mask) >= _AREAS


def _share_in_areas(values: npt.NDArray[np.int64], among: BoolArray) -> float:
    """How many of some pixels lie in a cross of five whose pixels have one value."""
    if not among.any():
        return 1.0
    padded = np.pad(values, 1, mode="edge")
    centre = padded[1:-1, 1:-1]
    middle = among.copy()
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        height, width = values.shape
        middle &= padded[down : down + height, right : right + width] == centre
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    within = cv2.dilate(middle.astype(np.uint8), cross) > 0
    return float((within & among).sum() / among.sum())
