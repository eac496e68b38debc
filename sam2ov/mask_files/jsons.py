"""COCO and SA-V: masks in JSON."""

from collections.abc import Callable, Hashable, Iterator

import numpy as np

from sam2ov.errors import PromptError
from sam2ov.mask_files.found import FoundMask, ObjectIds, last_number, require_one_per_frame
from sam2ov.mask_files.polygons import fill_polygons
from sam2ov.mask_files.schemas import (
    CocoAnnotation,
    CocoFile,
    CocoImage,
    CocoResult,
    RleFields,
    SavFile,
)
from sam2ov.values.rle import Rle, encode_rle, pack_counts, require_valid


def coco_masks(file: CocoFile) -> Iterator[FoundMask]:
    """The masks of a COCO file, by frame.

    The frame is ``frame_id``, or the last number in the picture's name, or the picture's place.

    Raises:
        PromptError: it cannot be told which masks belong to one object, or one is malformed.
    """
    images = {image.id: image for image in file.images}
    videos = {image.video_id for image in file.images}
    if len(videos) > 1:
        raise PromptError(f"The file holds {len(videos)} videos. Give one with a single video.")
    numbers = frame_numbers(file.images)
    names = {category.id: category.name for category in file.categories}
    tracks = {track.id: track for track in file.tracks}
    key_of = _identity(file.annotations)
    ids = ObjectIds()
    known = [a for a in file.annotations if a.image_id in images]
    for annotation in sorted(known, key=lambda a: numbers[a.image_id]):
        track = tracks.get(annotation.track_id) if annotation.track_id is not None else None
        key = key_of(annotation)
        own = track.object_id if track is not None else None
        name = track.name if track is not None else names.get(annotation.category_id, "")
        image = images[annotation.image_id]
        obj_id = ids.of(key if own is None else own)
        if annotation.segmentation:
            yield FoundMask(numbers[image.id], obj_id, name, mask_of(annotation, image))
        elif (box := corners_of(annotation.bbox)) is not None:
            yield FoundMask(numbers[image.id], obj_id, name, None, box)


def coco_results(found: list[CocoResult]) -> Iterator[FoundMask]:
    """The masks of a list of results, by frame, which is ``image_id``; boxes where there are none.

    Raises:
        PromptError: it cannot be told which masks belong to one object, or one is malformed.
    """
    if any(result.track_id is None for result in found):
        require_one_per_frame(
            ((f"picture {r.image_id}", f"category {r.category_id}") for r in found), "track_id"
        )
    ids = ObjectIds()
    for result in sorted(found, key=lambda result: result.image_id):
        key = ("category", result.category_id) if result.track_id is None else result.track_id
        mask = None if result.segmentation is None else valid_rle(result.segmentation)
        box = corners_of(result.bbox) if mask is None else None
        if mask is not None or box is not None:
            yield FoundMask(result.image_id, ids.of(key), "", mask, box)


def corners_of(
    bbox: tuple[float, float, float, float] | None,
) -> tuple[float, float, float, float] | None:
    """Both corners of a box of COCO, which is a corner and the sides; None for an empty one."""
    if bbox is None or min(bbox[2:]) <= 0:
        return None
    x, y, width, height = bbox
    return x, y, x + width, y + height


def sav_masks(file: SavFile) -> Iterator[FoundMask]:
    """The masks of an SA-V file, by frame.

    SA-V itself has every fourth frame; files of sam2ov say which they have.
    """
    ids = ObjectIds()
    own = file.masklet_object_id or [number + 1 for number in file.masklet_id]
    names = file.masklet_name or [""] * len(own)
    for index, masklets in enumerate(file.masklet):
        if len(masklets) != len(own) or len(names) != len(own):
            raise PromptError(f"The file has {len(own)} objects, but {len(masklets)} on a frame.")
        number = file.video_first_frame + index * file.masklet_every
        for key, name, rle in zip(own, names, masklets, strict=True):
            yield FoundMask(number, ids.of(key), name, valid_rle(rle))


def frame_numbers(images: list[CocoImage]) -> dict[int, int]:
    """The number of each picture's frame by the picture's id."""
    if all(image.frame_id is not None for image in images):
        return {image.id: image.frame_id or 0 for image in images}
    found = [last_number(image.file_name.rsplit("/", 1)[-1]) for image in images]
    numbers = [number for number in found if number is not None]
    if len(set(numbers)) == len(images):
        return {image.id: n for image, n in zip(images, numbers, strict=True)}
    order = sorted(images, key=lambda image: image.file_name)
    return {image.id: place for place, image in enumerate(order)}


def _identity(annotations: list[CocoAnnotation]) -> Callable[[CocoAnnotation], Hashable]:
    """How the file says which object a mask belongs to."""
    ways: tuple[Callable[[CocoAnnotation], Hashable], ...] = (
        lambda a: a.track_id,
        lambda a: a.instance_id,
        lambda a: a.attributes.get("track_id"),
    )
    for way in ways:
        if annotations and all(isinstance(way(a), int | str) for a in annotations):
            return way
    require_one_per_frame(
        ((f"picture {a.image_id}", f"category {a.category_id}") for a in annotations), "track_id"
    )
    return lambda a: ("category", a.category_id)


def mask_of(annotation: CocoAnnotation, image: CocoImage) -> Rle:
    """The mask of an annotation that has run lengths or polygons."""
    size_hw = image.height, image.width
    if isinstance(annotation.segmentation, RleFields):
        return valid_rle(annotation.segmentation)
    rings = [ring for ring in annotation.segmentation if len(ring) >= 6 and len(ring) % 2 == 0]
    corners = [np.array(ring).reshape(-1, 2) for ring in rings]
    return encode_rle(fill_polygons(corners, size_hw))


def valid_rle(fields: RleFields) -> Rle:
    """Run lengths that are what they say; raises PromptError for others."""
    counts = fields.counts
    if not isinstance(counts, str):
        counts = pack_counts(np.array(counts, np.int64))
    rle = Rle(fields.size, counts)
    require_valid(rle)
    return rle
