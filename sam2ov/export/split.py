"""Which frames are for training and which for validation, so that none is a neighbour of another.

Frames beside each other are nearly the same picture: a network that has seen one knows the other,
and a validation with it says nothing. So whole clips are kept for validation or, of a clip, a
stretch at its end with a gap before it that goes to neither.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from sam2ov.export.annotation_options import SplitOptions
from sam2ov.export.plan import ExportFrame, ExportSource

Part = Literal["train", "val"]
PARTS: tuple[Part, Part] = ("train", "val")

_CLIPS_ENOUGH = 3


class Split:
    """Decides where frames go; the same clips are always split in the same way.

    Args:
        sources: the clips.
        options: what is wanted.
    """

    def __init__(self, sources: Sequence[ExportSource], options: SplitOptions) -> None:
        self._every = options.every
        self._starts = [source.frames.start for source in sources]
        by_clips = options.split == "clips" or (
            options.split == "auto" and len(sources) >= _CLIPS_ENOUGH
        )
        self.kind: Literal["clips", "stretches"] = "clips" if by_clips else "stretches"
        divide = _by_clips if by_clips else _by_stretches
        self._parts = divide(sources, options)
        self.has_val = any(len(val) for _, val in self._parts)

    def part(self, frame: ExportFrame) -> Part | None:
        """Where a frame goes; None for neither."""
        if (frame.index - self._starts[frame.source]) % self._every:
            return None
        train, val = self._parts[frame.source]
        return "train" if frame.index in train else "val" if frame.index in val else None

    def frames(self, source: int) -> tuple[range, range]:
        """The frames of a clip for training and for validation."""
        return self._parts[source]


def _by_clips(sources: Sequence[ExportSource], options: SplitOptions) -> list[tuple[range, range]]:
    """Whole clips, those first whose names happen to come first once they are scrambled."""
    order = sorted(
        range(len(sources)),
        key=lambda i: (hashlib.sha256(sources[i].clip_name.encode()).digest(), i),
    )
    wanted = options.val * sum(len(source.frames) for source in sources)
    chosen: set[int] = set()
    for index in order[:-1]:  # one is left for training
        length = len(sources[index].frames)
        # A clip is taken if that brings the share nearer to what is wanted.
        if wanted > 0 and abs(wanted - length) < wanted:
            chosen.add(index)
            wanted -= length
    return [
        (source.frames[:0], source.frames) if i in chosen else (source.frames, source.frames[:0])
        for i, source in enumerate(sources)
    ]


def _by_stretches(
    sources: Sequence[ExportSource], options: SplitOptions
) -> list[tuple[range, range]]:
    """The end of each clip; one too short for that is for training as a whole."""
    parts = []
    for source in sources:
        frames, info = source.frames, source.video.info
        count = round(options.val * len(frames))
        val = frames[len(frames) - count :]
        train = frames
        if val:
            # Counted in seconds, whatever the distances of frames: some clips have uneven ones.
            latest = info.time_of(val[0]) - Fraction(options.gap)
            stop = info.frame_at(latest) + 1 if latest >= info.time_of(frames[0]) else frames.start
            train = range(frames.start, min(stop, val.start))
        parts.append((train, val) if train else (frames, frames[:0]))
    return parts
