"""A job being done: open, prompt, track, write. What can be known before, is said before."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from sam2ov.engine.plan import track_segments
from sam2ov.engine.session import TrackedFrame, VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ExportError, PromptError
from sam2ov.export.names import clip_stem
from sam2ov.export.plan import ExportSource
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.jobs.clip_job import ClipJob
from sam2ov.jobs.detected_objects import DetectedObjects, plan_objects
from sam2ov.jobs.outcome import ClipOutcome, ObjectOutcome
from sam2ov.mask_files.prompt_file import (
    PromptFile,
    VideoFacts,
    fitting_prompts,
    write_prompt_file,
)
from sam2ov.progress import CancelCheck, Progress, ProgressCallback
from sam2ov.store.journal import Journal
from sam2ov.values.masks import MAX_LABELS
from sam2ov.values.objects import ClipObject
from sam2ov.values.prompts import MaskPrompt, Prompt
from sam2ov.video import VideoLimits, open_video
from sam2ov.zoo.loading import prepare_model

Note = Callable[[str], None]
"""Is told what is worth knowing and no progress, a line each."""

_PROMPTING: Final = "Segmenting prompts"
_TRACKING: Final = "Tracking"


class ClipRun:
    """The clip of a job, open; closed when the block ends.

    Args:
        job: what to do.
        tracker: of a model that is loaded already, which takes the place of what the job says of
            the model, its preset, device and precision, and of holes; None loads what it names.
        limits: of the clip; None for those of ``open_video``.
        name: what people know the clip by, in messages too; None for its file name, and its path in
            messages.

    Attributes:
        reader: the clip.
        targets: the objects; those that detections begin come while it is tracked.
        prompts: by object and frame, fitted to the clip.
        frames: those that are tracked and written.
        segments: what is tracked together of the objects that are known at first.
        tracked_frames: how many frames were gone through, those tracked in both directions twice.
        seconds: that prompting and tracking have taken.

    Raises:
        PromptError: a prompt or the range of frames does not fit the clip.
        VideoError: the clip cannot be read.
        ExportError: an output cannot be written where it is wanted.
    """

    def __init__(
        self,
        job: ClipJob,
        tracker: Tracker | None = None,
        *,
        limits: VideoLimits | None = None,
        name: str | None = None,
    ) -> None:
        self.job = job
        self.name = name or job.clip.name
        self.targets = list(job.objects)
        if job.outputs and len(self.targets) > MAX_LABELS:
            raise ExportError(
                f"There are {len(self.targets)} objects; up to {MAX_LABELS} can be exported "
                "together. Track them in several runs."
            )
        for output in job.outputs:
            output.check()
            output.check_places([job.clip], clip_stem(self.name), self.exported)
        # A damaged frame is left out now instead of ending the work after hours.
        self.reader = open_video(
            job.clip,
            limits,
            verify=True,
            name=name,
            field_order=job.field_order,
            holds_gaps=job.hold_gaps,
        )
        self.tracked_frames = 0
        self.seconds = 0.0
        self._is_exhausted = False
        self._tracker = tracker
        self._session: VideoSession | None = None
        self._journal: Journal | None = None
        try:
            for output in job.outputs:
                output.check_clip(self.name, self.reader.info)
            self.frames = job.frames(self.reader.num_frames)
            self.prompts: dict[int, dict[int, Prompt]] = {}
            if job.prompts is not None:
                about = self.reader.num_frames, self.reader.size_hw
                self.prompts = fitting_prompts(job.prompts, *about)
            self.segments = plan_objects(self.prompts, self.frames, job.direction)
            self._detected = (
                DetectedObjects(
                    job.detections, self.targets, self.prompts, self.frames, job.direction
                )
                if job.detections
                else None
            )
        except BaseException:
            self.reader.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the clip and the masks; closing twice is fine."""
        if self._session is not None:
            self._session.close()
        if self._journal is not None:
            self._journal.close()
        self.reader.close()

    def load(
        self,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
        note: Note = lambda _: None,
    ) -> None:
        """Get the job's model ready; nothing to do where a tracker was given.

        Raises:
            ModelError, DeviceError: the model cannot be had, or does not run here.
            CancelledError: ``cancel`` returned true.
        """
        if self._tracker is not None:
            return
        job = self.job
        prepared = prepare_model(
            job.model,
            device=job.device,
            precision=job.precision,
            preset=job.preset,
            memory=job.memory,
            calibrate=job.calibrate,
            progress=progress,
            cancel=cancel,
        )
        for line in prepared.notes:
            note(line)
        note(f"Loading {job.model} for {job.device} …")
        self._tracker = Tracker(prepared.compile(job.device, job.precision), job.fill_hole_area)

    @property
    def session(self) -> VideoSession:
        """Where prompts and masks are; made when it is asked for."""
        if self._session is None:
            self._session = VideoSession(
                self.tracker,
                self.reader,
                self.journal,
                holds_pictures=self.job.hold_pictures,
                at_cuts=self.job.at_cuts,
            )
        return self._session

    @property
    def journal(self) -> Journal:
        """Where the masks lie until the run is closed."""
        if self._journal is None:
            self._journal = Journal.temporary()
        return self._journal

    @property
    def tracker(self) -> Tracker:
        """Of the model; loaded when it is asked for."""
        self.load()
        assert self._tracker is not None
        return self._tracker

    @property
    def exported(self) -> list[ClipObject]:
        """The objects as outputs show them."""
        return [target.known_as(self.job.clean_up) for target in self.targets]

    @property
    def completed(self) -> bool:
        """Whether everything has been tracked."""
        return self._is_exhausted or self.tracked_frames == self._total_frames()

    def prompt(self) -> Iterator[Progress]:
        """Answer the prompts, one at a time; all of an object on a frame in one go.

        Raises:
            PromptError: there are more objects than fit into memory.
        """
        most = self.tracker.most_objects
        if len(self.prompts) > most:
            raise PromptError(
                f"There are {len(self.prompts)} objects; with this model up to {most} fit into "
                "memory together. Track them in several runs."
            )
        total = sum(len(by_frame) for by_frame in self.prompts.values())
        prompts = [
            (i, *entry) for i, by_frame in self.prompts.items() for entry in by_frame.items()
        ]
        for done, (obj_id, frame_idx, prompt) in enumerate(prompts, 1):
            started = time.perf_counter()
            if isinstance(prompt, MaskPrompt):
                self.session.add_mask(frame_idx, obj_id, prompt)
            else:
                self.session.add_points(frame_idx, obj_id, prompt)
            self.seconds += time.perf_counter() - started
            yield Progress(_PROMPTING, done, total, "items")

    def track(self) -> Iterator[TrackedFrame]:
        """Track; a frame is computed when it is asked for, and stays if no more are.

        Raises:
            TrackingError: an object has no prompts.
        """
        frames: Iterator[TrackedFrame] = track_segments(self.session, self.segments)
        if self._detected is not None:
            most = min(self.tracker.most_objects, MAX_LABELS)
            frames = self._detected.track(self.session, most)
        while True:
            started = time.perf_counter()
            frame = next(frames, None)
            self.seconds += time.perf_counter() - started
            if frame is None:
                self._is_exhausted = True
                return
            self.tracked_frames += 1
            yield frame

    def work(self) -> Iterator[Progress]:
        """Everything up to the masks, bit by bit: prompts, then frames."""
        yield from self.prompt()
        for done, _ in enumerate(self.track(), 1):
            yield Progress(_TRACKING, done, max(self._total_frames(), done), "items")

    def _total_frames(self) -> int:
        """How many frames will be gone through, as far as that is known."""
        if self._detected is not None:
            return self._detected.total_frames
        return sum(len(segment.frames) for segment in self.segments)

    def advance(
        self, progress: ProgressCallback | None = None, cancel: CancelCheck | None = None
    ) -> None:
        """Do all of it; ``cancel`` is asked before each prompt and frame, and true ends it."""
        work = self.work()
        while not (cancel is not None and cancel()):
            found = next(work, None)
            if found is None:  # done, or the rest of the objects have been removed meanwhile
                return
            if progress is not None:
                progress(found)

    def save_prompts(self) -> None:
        """Write the job's prompt file, if it wants one.

        Raises:
            ExportError: it cannot be written.
        """
        if self.job.save_prompts is None or not self.targets:
            return
        height, width = self.reader.size_hw
        facts = VideoFacts(
            file=self.name, num_frames=self.reader.num_frames, width=width, height=height
        )
        prompts = PromptFile(video=facts, objects=tuple(self.targets))
        write_prompt_file(self.job.save_prompts, prompts)

    def write(
        self, progress: ProgressCallback | None = None, cancel: CancelCheck | None = None
    ) -> tuple[Path, ...]:
        """Write the outputs, without masks where nothing was tracked; returns their paths.

        Raises:
            ExportError, VideoError: one cannot be written; nothing is left under its final name.
            CancelledError: ``cancel`` returned true; likewise.
        """
        if self._detected is not None:
            self.save_prompts()
        masks = TrackedMasks(
            self.session, self.exported, self.frames, non_overlapping=self.job.non_overlap
        )
        source = ExportSource.of(self.name, self.reader, masks)
        return tuple(
            path for output in self.job.outputs for path in output.write([source], progress, cancel)
        )

    def outcome(self, outputs: tuple[Path, ...] = ()) -> ClipOutcome:
        """What has come of it so far."""
        job, model = self.job, self.tracker.model
        return ClipOutcome(
            video=str(job.clip),
            model=model.manifest.name,
            device=model.device,
            precision=model.precision,
            preset=job.preset,
            frames=len(self.frames),
            first_frame=self.frames[0],
            direction=job.direction,
            interrupted=not self.completed,
            objects=tuple(self._object_outcomes()),
            seconds=round(self.seconds, 3),
            fps=round(self.tracked_frames / self.seconds, 3) if self.seconds else 0.0,
            cuts=self.session.cuts,
            outputs=tuple(str(path) for path in outputs),
            left_out=self._detected.left_out if self._detected is not None else 0,
        )

    def _object_outcomes(self) -> Iterator[ObjectOutcome]:
        inside = slice(self.frames.start, self.frames.stop)
        confirmed = self._detected.confirmed if self._detected is not None else Counter[int]()
        for target in self.targets:
            if target.id not in self.session.obj_ids:
                continue
            timeline = self.session.timeline(target.id)
            known, seen = timeline.has_result[inside], timeline.object_score[inside] > 0
            yield ObjectOutcome(
                id=target.id,
                name=target.known_as().name,
                prompted=sum(frame in self.frames for frame in self.session.prompts(target.id)),
                tracked=int(np.count_nonzero(known)),
                absent=int(np.count_nonzero(known & ~seen)),
                confirmed=confirmed[target.id],
            )


def run_clip_job(
    job: ClipJob,
    tracker: Tracker | None = None,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
    note: Note = lambda _: None,
) -> ClipOutcome | None:
    """Do a job from beginning to end.

    Args:
        job: what to do.
        tracker: of the model; None loads what the job names.
        progress: told of loading, prompts, frames and writing.
        cancel: asked before every prompt and frame; when it returns true, what is
            tracked by then is written.
        note: told what is worth knowing besides.

    Returns:
        What came of it; None if it was cancelled before there was anything to write.

    Raises:
        Sam2ovError: whatever went wrong; outputs are whole or not there.
    """
    with ClipRun(job, tracker) as run:
        run.save_prompts()
        run.load(progress, cancel, note)
        run.advance(progress, cancel)
        if not run.tracked_frames:
            return None
        return run.outcome(run.write(progress))
