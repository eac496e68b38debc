"""Tracking a clip round by round, from the video file to masks at video size."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from sam2ov.bench.clip import BenchClip, clip_job
from sam2ov.engine.networks import NetworkUsage
from sam2ov.engine.session import TrackedFrame
from sam2ov.engine.tracker import Tracker
from sam2ov.jobs import ClipRun
from sam2ov.manifest import Manifest, NetworkName
from sam2ov.values.masks import BoolArray

LEAD_IN_FRAMES: Final = 1
"""Frames before each round that do not count: one was read ahead since the last round."""

PackedMasks = npt.NDArray[np.uint8]
"""Masks [N, H, W] with their last axis packed into bits."""


def warm_up_frames(manifest: Manifest) -> int:
    """Frames, the prompted one included, after which the memory bank is as full as it gets."""
    return max(manifest.num_maskmem, manifest.max_obj_ptrs) + 1


@dataclass(frozen=True)
class Round:
    """Frames tracked in one go.

    Attributes:
        frames: how many.
        seconds_per_frame: on average, everything included.
        networks: calls and seconds of each within the round; they run one after the other.
    """

    frames: int
    seconds_per_frame: float
    networks: Mapping[NetworkName, NetworkUsage]

    @property
    def rest_per_frame(self) -> float:
        """Seconds of a frame in which no network ran."""
        busy = sum(usage.seconds for usage in self.networks.values())
        return self.seconds_per_frame - busy / self.frames


@dataclass(frozen=True)
class ObjectRounds:
    """What was measured with so many objects.

    Attributes:
        objects: how many.
        rounds: one after the other.
        peak_memory_bytes: of the process while tracking, or None.
    """

    objects: int
    rounds: tuple[Round, ...]
    peak_memory_bytes: int | None

    @property
    def seconds_per_frame(self) -> float:
        """The median over the rounds."""
        return statistics.median(done.seconds_per_frame for done in self.rounds)


@dataclass
class TrackingRun:
    """A clip being tracked; closes the video when the block ends.

    Args:
        tracker: of the model.
        clip: what is tracked.
        num_objects: the first so many of the clip's objects.
        prompted: on so many frames, counted from the first, they are prompted.

    Attributes:
        masks: what was found so far, by frame.
    """

    tracker: Tracker
    clip: BenchClip
    num_objects: int
    prompted: int = 1
    masks: dict[int, PackedMasks] = field(default_factory=dict, init=False)

    def __enter__(self) -> Self:
        self._run = ClipRun(
            clip_job(self.clip, self.num_objects, prompted=self.prompted), self.tracker
        )
        for _ in self._run.prompt():
            pass
        self._frames = self._run.track()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run.close()

    def track(self, frames: int) -> None:
        """Go on by some frames without a measurement."""
        for _ in range(frames):
            frame = next(self._frames)
            self._keep(frame, self._masks(frame))

    def measure(self, frames: int) -> Round:
        """Go on by some frames and time them, after a lead-in."""
        self.track(LEAD_IN_FRAMES)
        model, found = self.tracker.model, []
        before = model.usage()
        started = time.perf_counter()
        for _ in range(frames):
            frame = next(self._frames)
            found.append((frame, self._masks(frame)))
        seconds = time.perf_counter() - started
        after = model.usage()
        for frame, masks in found:
            self._keep(frame, masks)
        return Round(
            frames,
            seconds / frames,
            {name: _difference(before[name], after[name]) for name in after},
        )

    def _masks(self, frame: TrackedFrame) -> BoolArray:
        """Of all objects, bool [N, H, W]."""
        return self._run.session.to_video_size(frame.mask_logits) > 0

    def _keep(self, frame: TrackedFrame, masks: BoolArray) -> None:
        self.masks[frame.frame_idx] = np.packbits(masks, axis=-1)


def _difference(before: NetworkUsage, after: NetworkUsage) -> NetworkUsage:
    return NetworkUsage(after.calls - before.calls, after.seconds - before.seconds, after.shapes)
