"""What the reference answered, in memory and in a file.

The other packages of the family run in environments of their own, so their answers come as files;
those of sam2 1.1.0 are made in the process that compares. Both look the same here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the other environments lack what the runtime needs
    from sam2ov.manifest import NetworkName

Array = NDArray[Any]

_INDEX = "index"


@dataclass(frozen=True, eq=False)
class Case:
    """One call of one network: what goes in, and what torch gives in float32."""

    network: "NetworkName"
    label: str
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a predictor returned: mask logits float32 [N, 1, H, W] of all objects on a frame."""

    frame_idx: int
    obj_ids: tuple[int, ...]
    mask_logits: NDArray[np.float32]


def save_cases(path: Path, cases: Sequence[Case]) -> None:
    """Write cases into an .npz file."""
    index = [{"network": case.network, "label": case.label} for case in cases]
    arrays = {
        f"{number}.{kind}.{name}": array
        for number, case in enumerate(cases)
        for kind, side in (("inputs", case.inputs), ("expected", case.expected))
        for name, array in side.items()
    }
    _save(path, index, arrays)


def load_cases(path: Path) -> list[Case]:
    """Read what ``save_cases`` wrote."""
    with np.load(path) as file:
        index = json.loads(str(file[_INDEX]))
        sides: list[dict[str, dict[str, Array]]] = [{"inputs": {}, "expected": {}} for _ in index]
        for key in file.files:
            if key != _INDEX:
                number, kind, name = key.split(".")
                sides[int(number)][kind][name] = file[key]
    return [
        Case(entry["network"], entry["label"], side["inputs"], side["expected"])
        for entry, side in zip(index, sides, strict=True)
    ]


def save_answers(path: Path, answers: Mapping[str, Sequence[Answer]]) -> None:
    """Write the answers to scripts, by the names of those, into an .npz file."""
    index = {
        script: [(answer.frame_idx, answer.obj_ids) for answer in found]
        for script, found in answers.items()
    }
    arrays = {
        f"{script}.{number}": answer.mask_logits
        for script, found in answers.items()
        for number, answer in enumerate(found)
    }
    _save(path, index, arrays)


def load_answers(path: Path) -> dict[str, list[Answer]]:
    """Read what ``save_answers`` wrote."""
    with np.load(path) as file:
        index = json.loads(str(file[_INDEX]))
        return {
            script: [
                Answer(frame_idx, tuple(obj_ids), file[f"{script}.{number}"])
                for number, (frame_idx, obj_ids) in enumerate(found)
            ]
            for script, found in index.items()
        }


def _save(path: Path, index: Any, arrays: Mapping[str, Array]) -> None:
    np.savez(path, allow_pickle=False, **{_INDEX: np.array(json.dumps(index)), **arrays})
