"""A benchmark from beginning to end."""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sam2ov.bench.clip import BenchClip, write_clip
from sam2ov.bench.comparison import PairedRounds
from sam2ov.bench.costs import tracking_results
from sam2ov.bench.device import device_facts
from sam2ov.bench.latency import click_times, overlay_fps, start_times
from sam2ov.bench.machine import (
    forget_peak_memory,
    load_average,
    machine_facts,
    peak_memory_bytes,
)
from sam2ov.bench.model import find_weights, prepare_bench_model
from sam2ov.bench.report import BenchReport, PromptedResult, Subject, TorchResult
from sam2ov.bench.torch_side import TorchBaseline, TorchPrecision, write_decoded_frames
from sam2ov.bench.tracking import LEAD_IN_FRAMES, ObjectRounds, TrackingRun, warm_up_frames
from sam2ov.engine.devices import Precision
from sam2ov.engine.tracker import Tracker
from sam2ov.manifest import Manifest, read_manifest
from sam2ov.progress import Progress, ProgressCallback
from sam2ov.unfinished import ScratchFolder
from sam2ov.values.masks import HOLE_AREA
from sam2ov.zoo.presets import PresetName

_FIRST_CLICKS = 5
_SHORTEST_CLIP = _FIRST_CLICKS + 2
_OVERLAY_SECONDS = 8.0
_OVERLAY_FRAMES = range(24, 241)
"""How many frames of an overlay are measured, as many as take the seconds."""
_OPPONENTS: tuple[TorchPrecision, ...] = ("bf16", "f32")


@dataclass(frozen=True)
class BenchSettings:
    """What to measure.

    Attributes:
        model: a name or a folder.
        random_weights: see ``prepare_bench_model``.
        preset: what may be given up for speed.
        device: OpenVINO's.
        precision: inside the networks; None for the device's best.
        objects: numbers of objects, in rising order.
        prompted: numbers of frames that one object is prompted on, in rising order; may be none.
        frames: in a round.
        rounds: how many.
        size_hw: of the video.
        against_torch: track with the authors' predictor in torch, too.
        checkpoint: of the model, for torch; None looks for it.
        config: of the checkpoint, for torch; None takes the one that the model names.
        reference_python: the interpreter that has torch and the model's package; None is this one.
        profile: tell where the time of each network goes.
    """

    model: str
    random_weights: bool
    preset: PresetName
    device: str
    precision: Precision | None
    objects: tuple[int, ...]
    prompted: tuple[int, ...]
    frames: int
    rounds: int
    size_hw: tuple[int, int]
    against_torch: bool
    checkpoint: Path | None
    config: str | None
    reference_python: Path | None
    profile: bool


def run_bench(settings: BenchSettings, progress: ProgressCallback) -> BenchReport:
    """Measure everything.

    Raises:
        ModelError: the model cannot be had, or torch's side fails.
        DeviceError: the device or precision is not there.
        VideoError: there is no room for the clip.
    """
    load_before = load_average()  # later, it would be ours
    prepared = prepare_bench_model(
        settings.model,
        preset=settings.preset,
        random_weights=settings.random_weights,
        device=settings.device,
        precision=settings.precision,
        progress=progress,
    )
    model = prepared.compile(settings.device, settings.precision)
    # Torch fills no holes on a CPU; to compare masks, neither side does.
    fill = 0 if settings.against_torch else HOLE_AREA
    tracker = Tracker(model, fill)
    plan = _Plan(settings, warm_up_frames(model.manifest))
    with ExitStack() as stack:
        folder = stack.enter_context(ScratchFolder("sam2ov-bench-"))
        clip = _make_clip(plan, folder, progress)
        baselines: list[TorchBaseline] = []
        if settings.against_torch:
            write_decoded_frames(clip, plan.torch_frames, folder)
            baselines = _start_torch(settings, prepared.folder, folder, stack)
        devices = [device_facts(settings.device, model.precision)]
        bench = _Bench(plan, tracker, clip, baselines, progress)
        runs = [bench.track(number) for number in settings.objects]
        prompted = tuple(bench.track_prompted(number) for number in settings.prompted)
        load_after = load_average()
        devices.append(device_facts(settings.device, model.precision))
        device = max(devices, key=lambda facts: facts.gemm_flops)
        stage = "Measuring clicks, an overlay and the start"
        progress(Progress(stage, 0, 1, "items"))
        clicks = click_times(tracker, clip, first_clicks=_FIRST_CLICKS)
        frames = round(_OVERLAY_SECONDS / runs[0][0].seconds_per_frame)
        frames = max(_OVERLAY_FRAMES[0], min(frames, _OVERLAY_FRAMES[-1]))
        short = write_clip(folder / "short.mp4", settings.size_hw, frames, 1)
        overlay = overlay_fps(tracker, short, folder)
        start = start_times(prepared, settings.device, model.precision)
        progress(Progress(stage, 1, 1, "items"))
    rounds, against = zip(*runs, strict=True)
    return BenchReport(
        subject=_subject(plan, model.manifest, model.precision, prepared.notes),
        machine=machine_facts(),
        device=device,
        load_before=load_before,
        load_after=load_after,
        tracking=tuple(
            tracking_results(
                rounds,
                against,
                prepared.folder,
                model.manifest,
                device,
                profile_in=model.precision if settings.profile else None,
            )
        ),
        prompted=prompted,
        clicks=clicks,
        overlay_fps=overlay,
        start=start,
        torch_version=baselines[0].version if baselines else None,
    )


@dataclass(frozen=True)
class _Plan:
    """How many frames there have to be."""

    settings: BenchSettings
    warm_up: int

    @property
    def torch_frames(self) -> int:
        """What each of torch's processes tracks."""
        return self.warm_up + self.settings.rounds * (self.settings.frames + LEAD_IN_FRAMES)

    @property
    def frames(self) -> int:
        """What we track: in a comparison, each round of torch has one of its own before it."""
        pairs = len(_OPPONENTS) if self.settings.against_torch else 1
        measured = self.torch_frames - self.warm_up
        prompted = max(self.settings.prompted, default=0)
        return self.warm_up + max(pairs * measured, prompted + measured)


def _make_clip(plan: _Plan, folder: Path, progress: ProgressCallback) -> BenchClip:
    progress(Progress("Making a clip", 0, 1, "items"))
    settings = plan.settings
    frames = max(plan.frames, _SHORTEST_CLIP)
    clip = write_clip(folder / "clip.mp4", settings.size_hw, frames, max(settings.objects))
    progress(Progress("Making a clip", 1, 1, "items"))
    return clip


def _start_torch(
    settings: BenchSettings, model: Path, folder: Path, stack: ExitStack
) -> list[TorchBaseline]:
    manifest = read_manifest(model)
    weights = find_weights(manifest, settings.checkpoint, settings.config)
    threads = machine_facts().cores
    size = manifest.image_size  # as trained: a preset's smaller pictures are ours alone
    return [
        stack.enter_context(
            TorchBaseline(precision, weights, size, threads, folder, settings.reference_python)
        )
        for precision in _OPPONENTS
    ]


def _subject(plan: _Plan, manifest: Manifest, precision: str, notes: tuple[str, ...]) -> Subject:
    settings = plan.settings
    return Subject(
        model=manifest.name,
        random_weights=settings.random_weights,
        preset=settings.preset,
        preset_notes=notes,
        device=settings.device,
        precision=precision,
        image_size=manifest.image_size,
        size_hw=settings.size_hw,
        warm_up=plan.warm_up,
        frames=settings.frames,
        rounds=settings.rounds,
    )


@dataclass(frozen=True)
class _Bench:
    """Tracks with any number of objects."""

    plan: _Plan
    tracker: Tracker
    clip: BenchClip
    baselines: Sequence[TorchBaseline]
    progress: ProgressCallback

    def track(self, objects: int) -> tuple[ObjectRounds, tuple[TorchResult, ...]]:
        """All rounds with so many objects, ours and torch's in turn."""
        settings = self.plan.settings
        self._tell(objects, 0)
        forget_peak_memory()
        rounds = []
        with TrackingRun(self.tracker, self.clip, objects) as ours:
            ours.track(self.plan.warm_up)
            pairs = [self._pair(baseline, objects) for baseline in self.baselines]
            self._tell(objects, 1)
            for number in range(settings.rounds):
                if not pairs:
                    rounds.append(ours.measure(settings.frames))
                for pair in pairs:
                    rounds.append(ours.measure(settings.frames))
                    pair.measure(settings.frames, rounds[-1])
                self._tell(objects, number + 2)
        measured = ObjectRounds(objects, tuple(rounds), peak_memory_bytes())
        exact = pairs[_OPPONENTS.index("f32")].masks if pairs else {}
        return measured, tuple(pair.result(ours.masks, exact) for pair in pairs)

    def track_prompted(self, prompted: int) -> PromptedResult:
        """One object that is prompted on so many frames, tracked behind them."""
        settings = self.plan.settings
        stage = f"Tracking with {prompted} prompted frame{'s' if prompted > 1 else ''}"
        self.progress(Progress(stage, 0, 1, "items"))
        forget_peak_memory()
        with TrackingRun(self.tracker, self.clip, 1, prompted) as ours:
            ours.track(prompted + self.plan.warm_up)
            rounds = [ours.measure(settings.frames) for _ in range(settings.rounds)]
        self.progress(Progress(stage, 1, 1, "items"))
        seconds = statistics.median(done.seconds_per_frame for done in rounds)
        return PromptedResult(prompted, seconds, peak_memory_bytes())

    def _pair(self, baseline: TorchBaseline, objects: int) -> PairedRounds:
        return PairedRounds(baseline, self.clip.boxes[:objects], self.plan.warm_up)

    def _tell(self, objects: int, done: int) -> None:
        stage = f"Tracking {objects} object{'s' if objects > 1 else ''}"
        self.progress(Progress(stage, done, self.plan.settings.rounds + 1, "items"))
