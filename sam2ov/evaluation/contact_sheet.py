"""A picture to look at: for each sequence some frames, what was found and what is true."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from sam2ov.evaluation.scoring import ScoredFrame
from sam2ov.export.paint import OverlayStyle, paint_mask
from sam2ov.unfinished import unfinished_file
from sam2ov.values.palette import default_colour

COLUMNS = 6
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

_TILE_WIDTH = 320
_TITLE_HEIGHT = 22
_TRUTH_COLOUR = (255, 255, 255)
_TEXT_COLOUR = (235, 235, 235)
_GAP = 2
_FOUND = OverlayStyle(fill=0.5, outline=0)


class ContactSheet:
    """Collects tiles while sequences are scored.

    Found masks are coloured areas, true ones white outlines; the number is the frame, then J of
    each object in percent.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str, list[tuple[str, npt.NDArray[np.uint8]]]]] = []

    def begin(self, sequence: str) -> None:
        """Start the row of a sequence."""
        self._rows.append((sequence, []))

    def add(self, frame: ScoredFrame) -> None:
        """Take a scored frame if it is one of those that the row shows."""
        if frame.frame_idx in _shown(frame.frame_indices):
            j = " ".join(f"{100 * value:.0f}" for value in frame.j.values())
            self._rows[-1][1].append((f"{frame.frame_idx}: {j}", _tile(frame)))

    def write(self, path: Path) -> None:
        """Write the picture; the format follows the suffix.

        Raises:
            ExportError: it cannot be written.
        """
        sheet = self._draw()
        with unfinished_file(path) as unfinished:
            sheet.save(unfinished, quality=85)

    def _draw(self) -> Image.Image:
        heights = [
            _TITLE_HEIGHT + max((len(tile) for _, tile in tiles), default=0)
            for _, tiles in self._rows
        ]
        width = COLUMNS * (_TILE_WIDTH + _GAP)
        sheet = Image.new("RGB", (width, sum(heights)), (24, 24, 24))
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
        top = 0
        for (name, tiles), height in zip(self._rows, heights, strict=True):
            draw.text((4, top + 3), name, fill=_TEXT_COLOUR, font=font)
            for column, (text, tile) in enumerate(tiles):
                place = (column * (_TILE_WIDTH + _GAP), top + _TITLE_HEIGHT)
                sheet.paste(Image.fromarray(tile), place)
                draw.text(
                    (place[0] + 4, place[1] + 2),
                    text,
                    fill=_TEXT_COLOUR,
                    font=font,
                    stroke_width=2,
                    stroke_fill=(0, 0, 0),
                )
            top += height
        return sheet


def _shown(frames: tuple[int, ...]) -> set[int]:
    """Frames at equal distances, the first and the last among them."""
    places = np.linspace(0, len(frames) - 1, min(COLUMNS, len(frames)))
    return {frames[round(place)] for place in places}


def _tile(frame: ScoredFrame) -> npt.NDArray[np.uint8]:
    image = frame.image()
    width = image.shape[1] * frame.pixel_aspect
    size = (_TILE_WIDTH, max(1, round(image.shape[0] * _TILE_WIDTH / width)))
    tile = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    for obj_id, mask in frame.masks.items():
        small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
        paint_mask(tile, small, default_colour(obj_id), _FOUND)
    labels = cv2.resize(frame.labels, size, interpolation=cv2.INTER_NEAREST)
    for label in np.unique(labels[labels > 0]):
        truth = (labels == label).astype(np.uint8)
        outlines, _ = cv2.findContours(truth, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, outlines, -1, _TRUTH_COLOUR, 1)
    return tile
