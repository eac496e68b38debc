"""The clip that is tracked: textured objects on a textured background that pans, made here."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from sam2ov.jobs import ClipJob, Output
from sam2ov.mask_files.prompt_file import FramePrompt, ObjectPrompts, PromptFile
from sam2ov.video import FrameTimes, VideoWriter

FPS = 24

_PAN_PER_FRAME = 2
_PAN_RANGE = 64
_GRAIN = 12  # pixels a blob of the texture
_FILL = 0.55  # of its cell that an object takes
_WANDER = 0.2  # of its cell that an object moves to either side

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class BenchClip:
    """A clip on disk and what is to be tracked in it.

    Attributes:
        path: an H.264 file.
        num_frames: its length.
        size_hw: of its frames.
        boxes_by_frame: (x0, y0, x1, y1) of each object on each frame, in pixels.
    """

    path: Path
    num_frames: int
    size_hw: tuple[int, int]
    boxes_by_frame: tuple[tuple[Box, ...], ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Of each object on frame 0."""
        return self.boxes_by_frame[0]


def write_clip(
    path: Path, size_hw: tuple[int, int], num_frames: int, num_objects: int, seed: int = 0
) -> BenchClip:
    """Paint and encode a clip; the same arguments give the same pictures.

    Raises:
        VideoWriteError: it cannot be written.
    """
    objects = _objects(size_hw, num_objects, np.random.default_rng(seed))
    with VideoWriter(path, size_hw, FrameTimes.constant(FPS, num_frames)) as writer:
        for frame in _frames(size_hw, num_frames, objects, seed):
            writer.write(frame)
    boxes = tuple(tuple(each.box(index) for each in objects) for index in range(num_frames))
    return BenchClip(path, num_frames, size_hw, boxes)


def clip_job(
    clip: BenchClip, num_objects: int = 1, outputs: tuple[Output, ...] = (), *, prompted: int = 1
) -> ClipJob:
    """Track the first ``num_objects`` of a clip from their boxes on its first frames.

    Args:
        clip: of more than ``prompted`` frames.
        num_objects: how many.
        outputs: what to write.
        prompted: on so many frames, counted from the first, each object has a box.
    """
    objects = tuple(
        ObjectPrompts(
            id=number + 1,
            prompts=tuple(
                FramePrompt(frame=index, box=boxes[number])
                for index, boxes in enumerate(clip.boxes_by_frame[:prompted])
            ),
        )
        for number in range(min(num_objects, len(clip.boxes)))
    )
    prompts = PromptFile(objects=objects)
    return ClipJob(clip=clip.path, prompts=prompts, direction="forward", outputs=outputs)


@dataclass(frozen=True, eq=False)
class _Object:
    """An ellipse that circles around a place of its own, so that objects never meet.

    Attributes:
        picture: its texture [h, w, 3].
        shape: bool [h, w].
        centre_xy: what it circles around.
        radius: of the circle, in pixels.
        phase: where it is on frame 0, in radians.
        speed: radians per frame.
    """

    picture: Image
    shape: npt.NDArray[np.bool_]
    centre_xy: tuple[float, float]
    radius: float
    phase: float
    speed: float

    def corner(self, frame_idx: int) -> tuple[int, int]:
        """Its left upper corner."""
        angle = self.phase + self.speed * frame_idx
        height, width = self.shape.shape
        return (
            round(self.centre_xy[0] + self.radius * math.cos(angle) - width / 2),
            round(self.centre_xy[1] + self.radius * math.sin(angle) - height / 2),
        )

    def box(self, frame_idx: int) -> Box:
        """Its extent."""
        left, top = self.corner(frame_idx)
        height, width = self.shape.shape
        return float(left), float(top), float(left + width - 1), float(top + height - 1)


def _objects(size_hw: tuple[int, int], number: int, rng: np.random.Generator) -> list[_Object]:
    height, width = size_hw
    columns = math.ceil(math.sqrt(number * width / height))
    rows = math.ceil(number / columns)
    cell_hw = height / rows, width / columns
    side = min(cell_hw)
    objects = []
    for index in range(number):
        row, column = divmod(index, columns)
        high = max(round(side * _FILL * rng.uniform(0.8, 1)), 4)
        wide = max(round(side * _FILL * rng.uniform(0.8, 1)), 4)
        y, x = np.mgrid[:high, :wide]
        shape = ((x + 0.5) / wide * 2 - 1) ** 2 + ((y + 0.5) / high * 2 - 1) ** 2 <= 1
        objects.append(
            _Object(
                picture=_texture((high, wide), rng, base=rng.uniform(20, 235, 3), contrast=45),
                shape=shape,
                centre_xy=((column + 0.5) * cell_hw[1], (row + 0.5) * cell_hw[0]),
                radius=side * _WANDER,
                phase=rng.uniform(0, 2 * math.pi),
                speed=rng.choice((-1, 1)) * rng.uniform(0.05, 0.12),
            )
        )
    return objects


def _frames(
    size_hw: tuple[int, int], num_frames: int, objects: list[_Object], seed: int
) -> Iterator[Image]:
    height, width = size_hw
    rng = np.random.default_rng((seed, 1))
    background = _texture((height, width + _PAN_RANGE), rng, base=np.full(3, 120.0), contrast=30)
    for frame_idx in range(num_frames):
        offset = abs((frame_idx * _PAN_PER_FRAME + _PAN_RANGE) % (2 * _PAN_RANGE) - _PAN_RANGE)
        frame = background[:, offset : offset + width].copy()
        for each in objects:
            left, top = each.corner(frame_idx)
            rows, columns = each.shape.shape
            area = frame[top : top + rows, left : left + columns]
            area[each.shape] = each.picture[each.shape]
        yield frame


def _texture(
    size_hw: tuple[int, int],
    rng: np.random.Generator,
    base: npt.NDArray[np.float64],
    contrast: float,
) -> Image:
    """Smooth blobs [H, W, 3] with fine noise, around a colour."""
    height, width = size_hw
    coarse = rng.normal(size=(height // _GRAIN + 2, width // _GRAIN + 2, 3)).astype(np.float32)
    blobs = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(size=(height, width, 1)).astype(np.float32)
    picture: Image = np.clip(base + contrast * blobs + 6 * noise, 0, 255).astype(np.uint8)
    return picture
