"""What was measured, as it goes into the JSON file and the tables."""

from dataclasses import dataclass

from sam2ov.bench.device import DeviceFacts, OperationTimes
from sam2ov.bench.latency import ClickTimes, StartTimes
from sam2ov.bench.machine import MachineFacts
from sam2ov.bench.torch_side import TorchPrecision
from sam2ov.manifest import NetworkName


@dataclass(frozen=True)
class Subject:
    """What is measured, and how.

    Attributes:
        model: its name.
        random_weights: the architecture is the model's, the weights are random.
        preset: what was given up for speed.
        preset_notes: what came of it, for people.
        device: OpenVINO's.
        precision: inside the networks.
        image_size: side of the model's input.
        size_hw: of the video.
        warm_up: frames tracked before anything is timed, so that the memory bank is full.
        frames: in a round.
        rounds: how many; medians are over them.
    """

    model: str
    random_weights: bool
    preset: str
    preset_notes: tuple[str, ...]
    device: str
    precision: str
    image_size: int
    size_hw: tuple[int, int]
    warm_up: int
    frames: int
    rounds: int


@dataclass(frozen=True)
class NetworkCost:
    """A network's part in a frame.

    Attributes:
        name: which one.
        calls: per frame.
        seconds: per frame, mean over the rounds.
        flops: floating-point operations per frame.
        floor_seconds: how long these take at the rate of the device's GEMM.
        operations: where its time goes, the largest first; empty unless a profile was asked for.
    """

    name: NetworkName
    calls: int
    seconds: float
    flops: int
    floor_seconds: float
    operations: tuple[OperationTimes, ...]


@dataclass(frozen=True)
class TorchResult:
    """The authors' predictor in torch on the same frames.

    Attributes:
        precision: "bf16" with autocast, as upstream runs it, or "f32".
        seconds_per_frame: median over the rounds; decoding is not in it.
        speed_up: how many times as long as sam2ov it takes, median of pairs of rounds.
        speed_up_range: the smallest and the largest pair.
        our_mask_iou: of sam2ov's masks with these, mean over frames and objects.
        exact_mask_iou: of these with torch's own in float32; None for those themselves.
        peak_memory_bytes: of its process, or None.
    """

    precision: TorchPrecision
    seconds_per_frame: float
    speed_up: float
    speed_up_range: tuple[float, float]
    our_mask_iou: float
    exact_mask_iou: float | None
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class TrackingResult:
    """Tracking so many objects, from the video file to boolean masks at video size.

    Attributes:
        objects: how many.
        seconds_per_frame: median over the rounds; ``fps`` is its inverse.
        fps: frames per second.
        seconds_range: the fastest and the slowest round.
        cost_per_object: seconds per frame and object, relative to those of one object alone; None
            where one object was not measured.
        networks: those that ran.
        rest_seconds: in which no network ran: waiting for frames, masks, storing.
        floor_seconds: all networks at the rate of the device's GEMM.
        floor_share: that, of ``seconds_per_frame``.
        peak_memory_bytes: of the process while tracking, or None.
        torch: the authors' predictor on the same frames, where it was asked for.
    """

    objects: int
    seconds_per_frame: float
    fps: float
    seconds_range: tuple[float, float]
    cost_per_object: float | None
    networks: tuple[NetworkCost, ...]
    rest_seconds: float
    floor_seconds: float
    floor_share: float
    peak_memory_bytes: int | None
    torch: tuple[TorchResult, ...]


@dataclass(frozen=True)
class PromptedResult:
    """Tracking one object that was prompted on many frames.

    Attributes:
        prompted: on how many.
        seconds_per_frame: of the frames behind them, median over the rounds.
        peak_memory_bytes: of the process while tracking, or None.
    """

    prompted: int
    seconds_per_frame: float
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class BenchReport:
    """Everything.

    Attributes:
        subject: what was measured.
        machine: on what.
        device: what it can do at best.
        load_before: the machine's load average before everything, or None.
        load_after: the same after the last round; tracking itself makes it what threads there are.
        tracking: by number of objects.
        prompted: by number of prompted frames, where it was asked for.
        clicks: how long answers take.
        overlay_fps: from a file to an mp4 with one object coloured.
        start: how long loading takes.
        torch_version: of the other side, if there is one.
    """

    subject: Subject
    machine: MachineFacts
    device: DeviceFacts
    load_before: float | None
    load_after: float | None
    tracking: tuple[TrackingResult, ...]
    prompted: tuple[PromptedResult, ...]
    clicks: ClickTimes
    overlay_fps: float
    start: StartTimes
    torch_version: str | None
