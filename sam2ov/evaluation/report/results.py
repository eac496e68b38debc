"""A report as JSON, for programs; numbers of frames are written bit by bit: clips may be long."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import numpy.typing as npt

from sam2ov._version import __version__
from sam2ov.evaluation.report.batch_report import BatchClip, BatchReport
from sam2ov.evaluation.report.clip_report import (
    ClipReport,
    ClipSummary,
    Look,
    ObjectReport,
    ObjectSummary,
)
from sam2ov.evaluation.report.plots import runs
from sam2ov.values.objects import ClipObject
from sam2ov.zoo.calibration import Calibration

FORMAT_VERSION: Final = 1
_DIGITS: Final = 5
_CHUNK: Final = 4096


def write_results(path: Path, report: ClipReport | BatchReport) -> None:
    """Write a report as JSON, UTF-8; shares are 0 to 1, and null where there is nothing to tell.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8") as file:
        if isinstance(report, ClipReport):
            _write_clip(file, report)
        else:
            json.dump(_batch(report), file, indent=1)
        file.write("\n")


def _write_clip(file: TextIO, report: ClipReport) -> None:
    """The head, and then what there is for each frame, object by object."""
    head = {"format_version": FORMAT_VERSION, "program": f"sam2ov {__version__}"} | _clip(report)
    file.write(json.dumps(head, indent=1).removesuffix("\n}"))
    file.write(',\n "series": {')
    for number, each in enumerate(report.objects):
        file.write(",\n  " if number else "\n  ")
        file.write(f'"{each.target.obj_id}": {{')
        for place, (name, values) in enumerate(_series(each)):
            file.write(f'{"," if place else ""}\n   "{name}": [')
            for start in range(0, len(values), _CHUNK):
                file.write(", " if start else "")
                file.write(", ".join(map(_number, values[start : start + _CHUNK].tolist())))
            file.write("]")
        file.write("\n  }")
    file.write("\n }\n}")


def _series(each: ObjectReport) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "confidence", each.confidence
    yield "absent", each.absent
    yield "area", each.area
    yield "x", each.x
    yield "y", each.y
    for name, values in vars(each.measures).items():
        if name not in ("j", "f") or np.isfinite(values).any():
            yield name, values


def _number(value: float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if not np.isfinite(value) else repr(round(value, _DIGITS))


def _clip(report: ClipReport) -> dict[str, Any]:
    return {
        "clip": report.name,
        "width": report.size_hw[1],
        "height": report.size_hw[0],
        "fps": report.fps,
        "first_frame": report.frames[0],
        "frames": len(report.frames),
        "model": report.model,
        "calibrated": _calibration(report.calibration),
        "objects": [
            _object(each.target, each.summary)
            | {
                "prompted": list(each.prompted),
                "absences": [
                    [report.frames[away.start], report.frames[away.stop - 1]]
                    for away in runs(each.absent)
                ],
            }
            for each in report.objects
        ],
        "looks": [_look(look) for look in report.looks],
    }


def _calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {
        "frames": calibration.frames,
        "tested": [each.model_dump() for each in calibration.tested],
    }


def _object(target: ClipObject, summary: ObjectSummary) -> dict[str, Any]:
    numbers = {
        name: round(value, _DIGITS) if isinstance(value, float) else value
        for name, value in asdict(summary).items()
    }
    return {"id": target.obj_id, "name": target.name, "colour": target.colour} | numbers


def _look(look: Look) -> dict[str, Any]:
    item = look.item
    return {
        "frame": item.frame_idx,
        "seconds": round(look.seconds, 3),
        "objects": list(item.obj_ids),
        "reason": item.reason,
        "severity": round(item.severity, 3),
        "frames": item.num_frames,
    }


def _batch(report: BatchReport) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "program": f"sam2ov {__version__}",
        "batch": report.name,
        "done": report.num_done,
        "failed": [_named(each) | {"reason": each.reason} for each in report.failed],
        "clips": [_ranked(each) for each in report.ranked],
        "not_measured": [_named(each) | {"reason": each.reason} for each in report.unmeasured],
    }


def _named(each: BatchClip) -> dict[str, Any]:
    return {"name": each.name, "folder": each.folder.name}


def _ranked(each: BatchClip) -> dict[str, Any]:
    summary: ClipSummary | None = each.summary
    assert summary is not None
    return _named(each) | {
        "frames": len(summary.frames),
        "model": summary.model,
        "is_calibrated": summary.is_calibrated,
        "looks": summary.num_looks,
        "objects": [_object(target, found) for target, found in summary.objects],
    }
