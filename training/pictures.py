"""Photos with object masks and short films, packed into one file at training resolution.

Command: `python -m training.pictures FOLDER PACK.npz`. The folder holds one sub-folder per source
with `<name>.jpg` and `<name>.png` (label map: 0 background, 1…K objects) and may hold
`background_clips/*.mp4` without masks. The pack holds JPEG and PNG bytes; it is never committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.attachments import with_lines
from training.textures import Image, Sprite

LONG_SIDE = 480
FILM_FRAMES = 40
HELD_OUT_EVERY = 20
LINE_SHARE = 0.15  # of the objects that training picks get thin lines, see attachments.py
PANEL_SHARE = 0.2  # of the objects that are pasted get plain colours, see panels.py
POST_SHARE = 0.3  # of the hard clips in a photo have something standing in front, see posts.py


@dataclass(frozen=True)
class Still:
    """A photo: `rgb` uint8 [h, w, 3] and `labels` uint8 [h, w] (0 background, 1…K objects)."""

    rgb: Image
    labels: Image
    source: str


@dataclass(frozen=True)
class Pictures:
    """Everything real that training sees; `films` are lists of RGB frames without masks.

    The shares are those of training (see LINE_SHARE and so on); held-out photos stay as they are.
    """

    stills: list[Still]
    films: list[list[Image]]
    objects: list[tuple[int, list[int]]]  # photos with the labels large enough to be cut out
    line_share: float = 0.0
    panel_share: float = 0.0
    post_share: float = 0.0

    def still(self, rng: np.random.Generator) -> Still:
        """A random photo."""
        return self.stills[int(rng.integers(len(self.stills)))]

    def pick(self, rng: np.random.Generator, prefer_sparse: bool = False) -> tuple[Still, int]:
        """A random photo that has objects, and the label of one of them.

        With `prefer_sparse` two are drawn, and the one that fills less of its box is taken: people
        with their arms out, animals with long necks, which a box says least about.
        """
        draws = [self._draw(rng) for _ in range(2 if prefer_sparse else 1)]
        still, label = min(draws, key=lambda draw: _fill(*draw)) if prefer_sparse else draws[0]
        if self.line_share and rng.random() < self.line_share:
            still = Still(*with_lines(rng, still.rgb, still.labels, label), still.source)
        return still, label

    def _draw(self, rng: np.random.Generator) -> tuple[Still, int]:
        index, labels = self.objects[int(rng.integers(len(self.objects)))]
        return self.stills[index], labels[int(rng.integers(len(labels)))]

    def cutout(self, rng: np.random.Generator) -> Sprite:
        """A whole real object, cut out of its photo."""
        still, label = self.pick(rng)
        return cut(still, label)[0]

    def backdrop(self, rng: np.random.Generator, num_frames: int) -> list[Image]:
        """A still background (one image) or a film (`num_frames` consecutive images)."""
        if self.films and rng.random() < 0.35:
            film = self.films[int(rng.integers(len(self.films)))]
            step = int(rng.integers(1, 3))
            if len(film) > num_frames * step:
                start = int(rng.integers(len(film) - num_frames * step))
                return film[start : start + num_frames * step : step]
        return [self.still(rng).rgb]


def _fill(still: Still, label: int) -> float:
    """The share of its box that an object fills."""
    mask = still.labels == label
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(mask.sum() / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)))


def cut(still: Still, label: int) -> tuple[Sprite, tuple[int, int]]:
    """Cut one object out of a photo; also returns the (x, y) of its corner in the photo."""
    mask = still.labels == label
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left = max(rows[0] - 4, 0), max(columns[0] - 4, 0)
    bottom, right = rows[-1] + 5, columns[-1] + 5
    alpha = mask[top:bottom, left:right].astype(np.uint8) * 255
    alpha = cv2.GaussianBlur(alpha, (3, 3), 0.8)
    rgb = still.rgb[top:bottom, left:right]
    return Sprite(rgb, np.asarray(alpha, np.uint8)), (int(left), int(top))


def pack(folder: Path, out: Path, long_side: int = LONG_SIDE) -> dict[str, int]:
    """Write the pack; returns the number of pictures per source."""
    photos, labels, sources, names = [], [], [], []
    for source, photo_path in _photos(folder):
        photo = cv2.imread(str(photo_path))
        label = cv2.imread(str(photo_path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        if photo is None or label is None:
            raise ValueError(f"{photo_path}: photo or label map cannot be read")
        photos.append(_encode(_shrink(photo, long_side, cv2.INTER_AREA), ".jpg"))
        labels.append(_encode(_shrink(label, long_side, cv2.INTER_NEAREST), ".png"))
        sources.append(source)
        names.append(photo_path.stem)
    films = [_read_film(path, long_side) for path in sorted(folder.glob("background_clips/*.mp4"))]
    lengths = [len(film) for film in films]
    _save(out, photos, labels, sources, names, [frame for film in films for frame in film], lengths)
    return {source: sources.count(source) for source in sorted(set(sources))}


def _save(
    out: Path,
    photos: list[bytes],
    labels: list[bytes],
    sources: list[str],
    names: list[str],
    frames: list[bytes],
    film_lengths: list[int],
) -> None:
    with out.open("wb") as file:
        np.savez(
            file,
            photos=_join(photos),
            photo_sizes=np.array([len(b) for b in photos]),
            labels=_join(labels),
            label_sizes=np.array([len(b) for b in labels]),
            frames=_join(frames),
            frame_sizes=np.array([len(b) for b in frames], np.int64),
            film_lengths=np.array(film_lengths, np.int64),
            sources=np.array(sources),
            names=np.array(names),
        )


def load(path: Path, held_out: bool = False) -> Pictures:
    """Read a pack into memory: the training part, or every 20th photo that is held out from it."""
    with np.load(path) as data:
        photos = _split(data["photos"], data["photo_sizes"])
        labels = _split(data["labels"], data["label_sizes"])
        frames = _split(data["frames"], data["frame_sizes"])
        sources = [str(source) for source in data["sources"]]
        lengths = [int(length) for length in data["film_lengths"]]
    stills: list[Still] = []
    for index, (photo, label) in enumerate(zip(photos, labels, strict=True)):
        if (index % HELD_OUT_EVERY == 0) == held_out:
            label_map = np.asarray(cv2.imdecode(label, cv2.IMREAD_GRAYSCALE), np.uint8)
            stills.append(Still(_decode(photo), label_map, sources[index]))
    films: list[list[Image]] = []
    start = 0
    for length in lengths:
        films.append([_decode(frame) for frame in frames[start : start + length]])
        start += length
    objects = list(_large_objects(stills))
    if held_out:
        return Pictures(stills, [], objects)
    return Pictures(stills, films, objects, LINE_SHARE, PANEL_SHARE, POST_SHARE)


def _large_objects(stills: list[Still]) -> Iterator[tuple[int, list[int]]]:
    """Photos with objects of 1.5 to 75 % of them."""
    for index, still in enumerate(stills):
        shares = np.bincount(still.labels.ravel(), minlength=2)[1:] / still.labels.size
        large = np.flatnonzero((shares > 0.015) & (shares < 0.75))
        if len(large):
            yield index, [int(label) + 1 for label in large]


def _photos(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*/*.jpg")):
        if path.with_suffix(".png").exists():
            yield path.parent.name, path


def _read_film(path: Path, long_side: int) -> list[bytes]:
    """The first frames of a film as JPEG, every frame."""
    capture = cv2.VideoCapture(str(path))
    frames: list[bytes] = []
    try:
        while len(frames) < FILM_FRAMES:
            ok, frame = capture.read()
            if not ok:
                break
            frames.append(_encode(_shrink(np.asarray(frame), long_side, cv2.INTER_AREA), ".jpg"))
    finally:
        capture.release()
    return frames


def _shrink(image: NDArray[np.generic], long_side: int, interpolation: int) -> Image:
    scale = min(1.0, long_side / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    pixels = np.asarray(image, np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)


def _encode(image: Image, suffix: str) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if suffix == ".jpg" else []
    return bytes(cv2.imencode(suffix, image, options)[1].tobytes())


def _decode(data: Image) -> Image:
    bgr = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(bgr[..., ::-1])


def _join(parts: list[bytes]) -> Image:
    return np.frombuffer(b"".join(parts), np.uint8)


def _split(joined: Image, sizes: NDArray[np.int64]) -> list[Image]:
    return np.split(joined, np.cumsum(sizes)[:-1]) if len(sizes) else []


def main() -> None:
    """Pack a folder and print how many pictures each source gave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pack", type=Path)
    arguments = parser.parse_args()
    for source, count in pack(arguments.folder, arguments.pack).items():
        print(f"{source}: {count}")
    print(f"{arguments.pack.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
