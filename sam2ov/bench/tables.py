"""A report as tables: markdown, which can be pasted, and rich ones for terminals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sam2ov.bench.report import (
    BenchReport,
    NetworkCost,
    PromptedResult,
    TorchResult,
    TrackingResult,
)

if TYPE_CHECKING:
    from rich.console import Console

_BUSY_LOAD = 0.5
_LEAST_SHARE = 0.01
"""What takes less of its network is left out of the tables (the JSON file has it)."""
_GIGA, _TERA, _GIB = 1e9, 1e12, 1 << 30
_NAMES = {"bf16": "torch bf16", "f32": "torch FP32"}


@dataclass(frozen=True)
class Table:
    """A table; the first column is text, the others are numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def heading(report: BenchReport) -> list[str]:
    """What was measured on what, as lines."""
    subject, machine, device = report.subject, report.machine, report.device
    weights = ", random weights (they cost the same)" if subject.random_weights else ""
    height, width = subject.size_hw
    threads = f"{device.threads} threads" if device.threads else device.device
    memory = f", {machine.memory_bytes / _GIB:.0f} GiB" if machine.memory_bytes else ""
    lines = [
        f"{subject.model}{weights}: {subject.image_size} px, preset {subject.preset}, "
        f"{subject.device} in {subject.precision}; video {width}×{height}",
        *subject.preset_notes,
        f"{device.name}, {machine.cores} cores{memory}, {threads}; "
        f"{', '.join(device.capabilities)}; GEMM {device.gemm_flops / _TERA:.2f} TFLOP/s",
        f"{machine.system}, Python {machine.python}, OpenVINO {machine.openvino}"
        + (f", torch {report.torch_version}" if report.torch_version else "")
        + f", sam2ov {machine.sam2ov}",
        f"Load average before and after: {_load(report.load_before)}, {_load(report.load_after)}",
    ]
    if report.load_before is not None and report.load_before > _BUSY_LOAD:
        lines.append("Other programs were running: these times are not the machine's best.")
    return lines


def tables(report: BenchReport) -> list[Table]:
    """All that was measured."""
    found = [_tracking(report.tracking), _networks(report.tracking), _waits(report)]
    if report.torch_version is not None:
        found.insert(1, _against_torch(report.tracking))
    if report.prompted:
        found.append(_prompted(report.prompted))
    operations = [row for result in report.tracking for row in _operation_rows(result)]
    if operations:
        header = ("Objects, network, operation", "kernel", "number", "ms", "share")
        found.append(Table(header, tuple(operations)))
    return found


def notes(report: BenchReport) -> list[str]:
    """What one has to know about the numbers, as lines."""
    subject = report.subject
    lines = [
        f"From the video file to boolean masks at video size; medians of {subject.rounds} rounds "
        f"of {subject.frames} frames, after {subject.warm_up} frames that fill the memory bank.",
        "Floor: the networks' multiplications at the GEMM rate above. Rest: no network runs.",
    ]
    if report.torch_version is not None:
        lines.append(
            "torch: the authors' own predictor with the same weights and frames, its rounds "
            "between ours; it gets decoded frames, so that decoding is not counted on its side. "
            "Holes are not filled, which it does on GPUs only."
        )
        if subject.preset != "quality":
            lines.append(f"The preset {subject.preset} is ours alone; torch gives up nothing.")
        if subject.random_weights:
            lines.append(
                "With random weights, masks are noise that rounding shows in: compare the IoUs "
                "with each other."
            )
    return lines


def markdown(report: BenchReport) -> str:
    """The whole report as text."""
    parts = ["\n".join(f"{line}  " for line in heading(report)).rstrip()]
    parts += [_markdown_table(table) for table in tables(report)]
    parts.append("\n".join(f"- {line}" for line in notes(report)))
    return "\n\n".join(parts) + "\n"


def print_tables(report: BenchReport, console: "Console") -> None:
    """The whole report on a terminal."""
    from rich import box
    from rich.table import Table as RichTable

    for line in heading(report):
        console.print(line, highlight=False)
    for table in tables(report):
        shown = RichTable(box=box.SIMPLE_HEAD)
        for number, name in enumerate(table.header):
            shown.add_column(name, justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    for line in notes(report):
        console.print(line, style="dim", highlight=False)


def _markdown_table(table: Table) -> str:
    lines = [table.header, ("---", *("---:" for _ in table.header[1:])), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _tracking(results: Sequence[TrackingResult]) -> Table:
    return Table(
        ("Objects", "fps", "s/frame", "range", "cost per object", "rest", "floor", "peak memory"),
        tuple(
            (
                str(result.objects),
                f"{result.fps:.2f}",
                f"{result.seconds_per_frame:.3f}",
                f"{result.seconds_range[0]:.3f}–{result.seconds_range[1]:.3f}",
                "–" if result.cost_per_object is None else f"{result.cost_per_object:.2f}",
                f"{result.rest_seconds / result.seconds_per_frame:.0%}",
                f"{result.floor_share:.0%}",
                _memory(result.peak_memory_bytes),
            )
            for result in results
        ),
    )


def _prompted(results: Sequence[PromptedResult]) -> Table:
    return Table(
        ("Prompted frames", "fps", "s/frame", "peak memory"),
        tuple(
            (
                str(result.prompted),
                f"{1 / result.seconds_per_frame:.2f}",
                f"{result.seconds_per_frame:.3f}",
                _memory(result.peak_memory_bytes),
            )
            for result in results
        ),
    )


def _against_torch(results: Sequence[TrackingResult]) -> Table:
    return Table(
        (
            "Objects, other side",
            "s/frame",
            "sam2ov is faster by",
            "range",
            "IoU with sam2ov",
            "IoU with FP32",
            "peak memory",
        ),
        tuple(_torch_row(result.objects, torch) for result in results for torch in result.torch),
    )


def _torch_row(objects: int, torch: TorchResult) -> tuple[str, ...]:
    return (
        f"{objects}, {_NAMES[torch.precision]}",
        f"{torch.seconds_per_frame:.3f}",
        f"{torch.speed_up:.2f}×",
        f"{torch.speed_up_range[0]:.2f}–{torch.speed_up_range[1]:.2f}",
        f"{torch.our_mask_iou:.4f}",
        "–" if torch.exact_mask_iou is None else f"{torch.exact_mask_iou:.4f}",
        _memory(torch.peak_memory_bytes),
    )


def _networks(results: Sequence[TrackingResult]) -> Table:
    rows: list[tuple[str, ...]] = []
    for result in results:
        rows += [_network_row(result, network) for network in result.networks]
        rest = result.rest_seconds
        share = f"{rest / result.seconds_per_frame:.0%}"
        what = f"{result.objects}, no network"
        rows.append((what, "–", f"{1000 * rest:.1f}", share, "–", "–"))
    header = ("Objects, network", "calls/frame", "ms/frame", "share", "GFLOP", "of the floor")
    return Table(header, tuple(rows))


def _network_row(result: TrackingResult, network: NetworkCost) -> tuple[str, ...]:
    return (
        f"{result.objects}, {network.name.replace('_', ' ')}",
        f"{network.calls}",
        f"{1000 * network.seconds:.1f}",
        f"{network.seconds / result.seconds_per_frame:.0%}",
        f"{network.flops / _GIGA:.1f}",
        f"{network.floor_seconds / network.seconds:.0%}",
    )


def _operation_rows(result: TrackingResult) -> Iterator[tuple[str, ...]]:
    for network in result.networks:
        for times in network.operations:
            if times.share >= _LEAST_SHARE:
                yield (
                    f"{result.objects}, {network.name.replace('_', ' ')}, {times.kind}",
                    times.kernel,
                    f"{times.count}",
                    f"{1000 * times.seconds:.1f}",
                    f"{times.share:.1%}",
                )


def _waits(report: BenchReport) -> Table:
    clicks, start = report.clicks, report.start
    return Table(
        ("Waiting for", "time"),
        (
            ("the mask of a click, median", f"{1000 * clicks.median:.0f} ms"),
            ("the same, 95th percentile", f"{1000 * clicks.p95:.0f} ms"),
            ("the first click on a frame, median", f"{1000 * clicks.first_median:.0f} ms"),
            ("a file with one object coloured", f"{report.overlay_fps:.2f} fps"),
            ("loading, the first time", f"{start.cold:.1f} s"),
            ("loading, compiled graphs cached", f"{start.cached:.1f} s"),
        ),
    )


def _memory(num_bytes: int | None) -> str:
    return "–" if num_bytes is None else f"{num_bytes / _GIB:.2f} GiB"


def _load(average: float | None) -> str:
    return "unknown" if average is None else f"{average:.2f}"
