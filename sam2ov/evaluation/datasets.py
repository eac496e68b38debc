"""Annotated videos on disk.

Three layouts are understood:

* ``<sequence>/frames/*.jpg`` with ``<sequence>/masks/*.png`` (or one such folder alone);
* DAVIS: ``JPEGImages/480p/<sequence>``, ``Annotations/480p/<sequence>``, and
  ``ImageSets/<year>/<split>.txt`` with the names of the sequences;
* YouTube-VOS: the same without ``480p`` and ``ImageSets``; not every frame needs an annotation.

Masks are label maps, palette PNG or grey: 0 is background, each other value an object, 255 void
(as DAVIS reads it: background); values from 1000 on are those of MOTS. A mask of nothing but black
and white, or with soft edges between the two, shows one object (``mask_files.pictures``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sam2ov.errors import DatasetError, PromptError
from sam2ov.mask_files.pictures import AS_THEY_LOOK, labels_of

LabelMap = npt.NDArray[np.uint8]
"""uint8 [H, W], 0 background, 1 to 254 objects."""

Year = Literal["2016", "2017"]

_VOID = 255
_IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class AnnotatedSequence:
    """A video with masks.

    Attributes:
        name: unique in its dataset.
        frames: a folder of numbered images.
        num_frames: how many they are.
        masks: the annotations; each has the name of its frame.
        one_object: all labels together are one object, as in DAVIS 2016.
    """

    name: str
    frames: Path
    num_frames: int
    masks: tuple[Path, ...]
    one_object: bool

    def read_labels(self, path: Path) -> LabelMap:
        """The label map of an annotation.

        Raises:
            DatasetError: it is no readable image, or has colours instead of labels.
        """
        labels = read_labels(path)
        return (labels > 0).astype(np.uint8) if self.one_object else labels


def find_sequences(
    folder: Path,
    *,
    names: Sequence[str] = (),
    year: Year = "2017",
    split: str = "val",
) -> list[AnnotatedSequence]:
    """The sequences of a dataset.

    Args:
        folder: in one of the layouts above.
        names: only these; none: all of the split.
        year: which list of a DAVIS folder; 2016 also makes one object of all objects.
        split: of a DAVIS folder.

    Raises:
        DatasetError: there is nothing of that kind, or a sequence is incomplete.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder. Give the folder of a dataset.")
    if (folder / "JPEGImages").is_dir() and (folder / "Annotations").is_dir():
        places, one_object = _davis(folder, year, split), year == "2016"
    else:
        places, one_object = _plain(folder), False
    if not places:
        raise DatasetError(
            f"{folder} has no annotated videos. Give a folder with <sequence>/frames and "
            "<sequence>/masks, or one in the layout of DAVIS (JPEGImages, Annotations)."
        )
    if unknown := sorted(set(names) - set(places)):
        raise DatasetError(
            f"{folder} has no sequence {', '.join(unknown)}. It has: {', '.join(places)}."
        )
    chosen = [name for name in places if not names or name in names]
    return [_sequence(name, *places[name], one_object=one_object) for name in chosen]


def read_labels(path: Path) -> LabelMap:
    """The label map of an annotation file, see the module.

    Raises:
        DatasetError: it is no readable image, or has colours instead of labels.
    """
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
        raise DatasetError(f"{path} is not a readable mask: {error}. Replace it.") from error
    try:
        labels = labels_of(image, path.name, AS_THEY_LOOK)
    except PromptError as error:
        raise DatasetError(str(error)) from error
    read = np.zeros(labels.values.shape, np.uint8)
    for label in labels.objects:
        number = label.number
        if number is None or not 0 < number < _VOID:
            raise DatasetError(
                f"{path} has an object {label.name or number}; a mask has labels from 1 to 254: "
                "save it as a palette or grey PNG."
            )
        where = labels.mask(label.value)
        if (read == number).any():
            raise DatasetError(
                f"{path} has two objects of number {number}, of different classes. Number the "
                "objects of all classes together."
            )
        read[where] = number
    return read


def _davis(folder: Path, year: Year, split: str) -> dict[str, tuple[Path, Path]]:
    images, annotations = folder / "JPEGImages", folder / "Annotations"
    if (images / "480p").is_dir():
        images, annotations = images / "480p", annotations / "480p"
    if (folder / "ImageSets").is_dir():
        listed = folder / "ImageSets" / year / f"{split}.txt"
        try:
            lines = listed.read_text().splitlines()
        except OSError as error:
            raise DatasetError(
                f"{listed} cannot be read: {error.strerror}. Choose --year and --split so that "
                "such a list exists."
            ) from error
        # DAVIS 2016 lists pairs of files, later years list names.
        stripped = [line.split()[0] for line in lines if line.strip()]
        names = [Path(entry).parent.name if "/" in entry else entry for entry in stripped]
    else:
        names = sorted(path.name for path in annotations.iterdir() if path.is_dir())
    return {name: (images / name, annotations / name) for name in dict.fromkeys(names)}


def _plain(folder: Path) -> dict[str, tuple[Path, Path]]:
    if (folder / "frames").is_dir() and (folder / "masks").is_dir():
        return {folder.resolve().name: (folder / "frames", folder / "masks")}
    return {
        path.name: (path / "frames", path / "masks")
        for path in sorted(folder.iterdir())
        if (path / "frames").is_dir() and (path / "masks").is_dir()
    }


def _sequence(name: str, frames: Path, masks: Path, *, one_object: bool) -> AnnotatedSequence:
    for path in (frames, masks):
        if not path.is_dir():
            raise DatasetError(f"Sequence {name} is incomplete: {path} does not exist.")
    images = {path.stem for path in frames.iterdir() if path.suffix.lower() in _IMAGES}
    annotations = sorted(path for path in masks.iterdir() if path.suffix.lower() == ".png")
    if not annotations:
        raise DatasetError(f"Sequence {name} has no masks: {masks} contains no PNG.")
    if lost := [path.name for path in annotations if path.stem not in images]:
        raise DatasetError(
            f"Sequence {name}: {len(lost)} masks have no frame of the same name in {frames}, "
            f"the first is {lost[0]}."
        )
    return AnnotatedSequence(name, frames, len(images), tuple(annotations), one_object)
