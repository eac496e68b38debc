"""A benchmark from beginning to end."""

import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2ov.bench.clip import BenchClip, write_clip
from sam2ov.bench.device import DeviceFacts, count_flops, device_facts
from sam2ov.bench.latency import click_times, overlay_fps, start_times
from sam2ov.bench.machine import (
    forget_peak_memory,
    load_average,
    machine_facts,
    peak_memory_bytes,
)
from sam2ov.bench.model import find_weights, prepare_bench_model
from sam2ov.bench.report import (
    BenchReport,
    NetworkCost,
    Subject,
    TorchResult,
    TrackingResult,
)
from sam2ov.bench.torch_side import TorchBaseline, TorchRound, decoded_frames
from sam2ov.bench.tracking import PackedMasks, Round, TrackingRun, warm_up_frames
from sam2ov.loading import PreparedModel
from sam2ov.manifest import Manifest
from sam2ov.model import Precision
from sam2ov.predictor import SAM2VideoPredictor
from sam2ov.presets import PresetName
from sam2ov.progress import Progress, ProgressCallback

_FIRST_CLICKS = 5
_OVERLAY_FRAMES = 24
_SHORTEST_CLIP = max(_FIRST_CLICKS + 2, _OVERLAY_FRAMES)
_LEAD_IN = 1
"""Frames before each round that do not count, see ``TrackingRun.measure``."""


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
        frames: in a round.
        rounds: how many.
        size_hw: of the video.
        against_torch: track with sam2 in torch, too.
        checkpoint: of the model, for torch; None looks for it.
        config: of the checkpoint, for torch; None takes the one that the model names.
    """

    model: str
    random_weights: bool
    preset: PresetName
    device: str
    precision: Precision | None
    objects: tuple[int, ...]
    frames: int
    rounds: int
    size_hw: tuple[int, int]
    against_torch: bool
    checkpoint: Path | None
    config: str | None


def run_bench(settings: BenchSettings, progress: ProgressCallback) -> BenchReport:
    """Measure everything.

    Raises:
        ModelError: the model cannot be had, or torch's side fails.
        DeviceError: the device or precision is not there.
        VideoError: there is no room for the clip.
    """
    prepared = prepare_bench_model(
        settings.model,
        preset=settings.preset,
        random_weights=settings.random_weights,
        progress=progress,
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sam2ov-bench-")))
        return _Bench(settings, prepared, folder, stack, progress).run()


@dataclass
class _Bench:
    """One benchmark; ``stack`` ends torch's processes."""

    settings: BenchSettings
    prepared: PreparedModel
    folder: Path
    stack: ExitStack
    progress: ProgressCallback
    baselines: Sequence[TorchBaseline] = field(default=(), init=False)

    def run(self) -> BenchReport:
        settings = self.settings
        model = self.prepared.compile(settings.device, settings.precision)
        self.predictor = SAM2VideoPredictor(model)
        self.warm_up = warm_up_frames(model.manifest)
        self.clip = self._clip()
        if settings.against_torch:
            self._start_torch(model.manifest)
        load_before = load_average()
        devices = [device_facts(settings.device, model.precision)]
        runs = [self._track(number) for number in settings.objects]
        load_after = load_average()
        devices.append(device_facts(settings.device, model.precision))
        device = max(devices, key=lambda facts: facts.gemm_flops)
        self.progress(Progress("Measuring clicks, an overlay and the start", 0, 1, "steps"))
        clicks = click_times(self.predictor, self.clip, first_clicks=_FIRST_CLICKS)
        overlay = overlay_fps(self.predictor, self.clip, _OVERLAY_FRAMES, self.folder)
        start = start_times(self.prepared.folder, settings.device, model.precision)
        self.progress(Progress("Measuring clicks, an overlay and the start", 1, 1, "steps"))
        one = next((run.seconds for run in runs if run.objects == 1), None)
        return BenchReport(
            subject=self._subject(model.manifest, model.precision),
            machine=machine_facts(),
            device=device,
            load_before=load_before,
            load_after=load_after,
            tracking=tuple(self._result(run, device, one) for run in runs),
            clicks=clicks,
            overlay_fps=overlay,
            start=start,
            torch_version=self.baselines[0].version if self.baselines else None,
        )

    def _subject(self, manifest: Manifest, precision: str) -> Subject:
        settings = self.settings
        return Subject(
            model=manifest.name,
            random_weights=settings.random_weights,
            preset=settings.preset,
            device=settings.device,
            precision=precision,
            image_size=manifest.image_size,
            size_hw=settings.size_hw,
            warm_up=self.warm_up,
            frames=settings.frames,
            rounds=settings.rounds,
        )

    @property
    def _torch_frames(self) -> int:
        """How many frames each of torch's processes tracks."""
        return self.warm_up + self.settings.rounds * (self.settings.frames + _LEAD_IN)

    def _clip(self) -> BenchClip:
        # In a comparison, every round of torch has one of its own before it.
        pairs = 2 if self.settings.against_torch else 1
        frames = self.warm_up + pairs * self.settings.rounds * (self.settings.frames + _LEAD_IN)
        self.progress(Progress("Making a clip", 0, 1, "steps"))
        clip = write_clip(
            self.folder / "clip.mp4",
            self.settings.size_hw,
            max(frames, _SHORTEST_CLIP),
            max(self.settings.objects),
        )
        self.progress(Progress("Making a clip", 1, 1, "steps"))
        return clip

    def _start_torch(self, manifest: Manifest) -> None:
        weights = find_weights(manifest, self.settings.checkpoint, self.settings.config)
        self.frames_file = decoded_frames(self.clip, self._torch_frames, self.folder)
        threads = machine_facts().cores
        self.baselines = [
            self.stack.enter_context(
                TorchBaseline(precision, weights, manifest.image_size, threads, self.folder)
            )
            for precision in ("bf16", "f32")
        ]

    def _track(self, objects: int) -> "_Run":
        settings = self.settings
        stage = f"Tracking {objects} object{'s' if objects > 1 else ''}"
        total = settings.rounds + 1
        self.progress(Progress(stage, 0, total, "steps"))
        forget_peak_memory()
        run = _Run(objects)
        with TrackingRun(self.predictor, self.clip, objects) as ours:
            ours.track(self.warm_up)
            pairs = [_Pairs(baseline) for baseline in self.baselines]
            for pair in pairs:
                pair.baseline.open(self.frames_file, self.clip.boxes[:objects])
                pair.keep(pair.baseline.track(self.warm_up, with_masks=pair.compares_masks))
            self.progress(Progress(stage, 1, total, "steps"))
            for number in range(settings.rounds):
                if not pairs:
                    run.rounds.append(ours.measure(settings.frames))
                for pair in pairs:
                    run.rounds.append(ours.measure(settings.frames))
                    pair.measure(settings.frames, run.rounds[-1])
                self.progress(Progress(stage, number + 2, total, "steps"))
        run.peak_memory_bytes = peak_memory_bytes()
        run.torch = tuple(pair.result(ours.masks) for pair in pairs)
        return run

    def _result(self, run: "_Run", device: DeviceFacts, one: float | None) -> TrackingResult:
        networks = tuple(self._network_costs(run.rounds, device))
        floor = sum(network.floor_seconds for network in networks)
        each = [done.seconds_per_frame for done in run.rounds]
        return TrackingResult(
            objects=run.objects,
            seconds_per_frame=run.seconds,
            fps=1 / run.seconds,
            seconds_range=(min(each), max(each)),
            cost_per_object=None if one is None else run.seconds / run.objects / one,
            networks=networks,
            rest_seconds=statistics.median(
                done.seconds_per_frame - done.busy_per_frame for done in run.rounds
            ),
            floor_seconds=floor,
            floor_share=floor / run.seconds,
            peak_memory_bytes=run.peak_memory_bytes,
            torch=run.torch,
        )

    def _network_costs(self, rounds: Sequence[Round], device: DeviceFacts) -> Iterable[NetworkCost]:
        manifest = self.predictor.model.manifest
        frames = len(rounds) * self.settings.frames
        for name, latest in rounds[-1].networks.items():
            calls = sum(done.networks[name].calls for done in rounds)
            # What runs ahead may have finished a call more or less than there were frames.
            per_frame = round(calls / frames)
            if not per_frame:
                continue
            seconds = sum(done.networks[name].seconds for done in rounds)
            xml = self.prepared.folder / manifest.networks[name].xml.file
            flops = per_frame * count_flops(xml, latest.shapes)
            yield NetworkCost(
                name=name,
                calls=per_frame,
                seconds=per_frame * seconds / calls,
                flops=flops,
                floor_seconds=flops / device.gemm_flops,
            )


@dataclass
class _Run:
    """What was measured with so many objects."""

    objects: int
    rounds: list[Round] = field(default_factory=list)
    peak_memory_bytes: int | None = None
    torch: tuple[TorchResult, ...] = ()

    @property
    def seconds(self) -> float:
        """Per frame, median over the rounds."""
        return statistics.median(done.seconds_per_frame for done in self.rounds)


class _Pairs:
    """Rounds of one of torch's processes, each with the round of ours before it."""

    def __init__(self, baseline: TorchBaseline) -> None:
        self.baseline = baseline
        self.compares_masks = baseline.precision == "f32"
        self._seconds: list[float] = []
        self._ratios: list[float] = []
        self._masks: dict[int, PackedMasks] = {}
        self._peak: int | None = None

    def measure(self, frames: int, ours: Round) -> None:
        """Let torch track as many frames as we just did, with the same lead-in."""
        self.keep(self.baseline.track(_LEAD_IN, with_masks=self.compares_masks))
        done = self.baseline.track(frames, with_masks=self.compares_masks)
        self.keep(done)
        self._seconds.append(done.seconds_per_frame)
        self._ratios.append(done.seconds_per_frame / ours.seconds_per_frame)

    def keep(self, done: TorchRound) -> None:
        """Remember masks and memory."""
        self._peak = done.peak_memory_bytes
        if done.masks is not None:
            self._masks |= dict(enumerate(done.masks, done.first_frame))

    def result(self, our_masks: Mapping[int, PackedMasks]) -> TorchResult:
        """The comparison."""
        ious = [
            iou
            for frame_idx, masks in self._masks.items()
            for iou in mask_ious(our_masks[frame_idx], masks)
        ]
        return TorchResult(
            precision=self.baseline.precision,
            seconds_per_frame=statistics.median(self._seconds),
            speed_up=statistics.median(self._ratios),
            speed_up_range=(min(self._ratios), max(self._ratios)),
            mask_iou=statistics.fmean(ious) if ious else None,
            peak_memory_bytes=self._peak,
        )


def mask_ious(masks: PackedMasks, others: PackedMasks) -> list[float]:
    """Intersection over union of each of N masks with its counterpart; 1 where both are empty."""
    common = np.bitwise_count(masks & others).sum(axis=(1, 2))
    either = np.bitwise_count(masks | others).sum(axis=(1, 2))
    return [float(c / e) if e else 1.0 for c, e in zip(common, either, strict=True)]
