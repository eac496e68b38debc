"""EdgeTAM and EfficientTAM by their authors' code, recorded in environments of their own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.reference.record import Answer, Case, load_answers, load_cases

_ROOT: Final = Path(__file__).resolve().parents[2]
_LINES_IN_MESSAGE = 15


@dataclass(frozen=True, eq=False)
class Recording:
    """What the authors' code gave.

    Attributes:
        config: upstream's name.
        image_size: side of the model's input, or None for the configuration's.
        checkpoint: seeded random weights.
        cases: of the networks.
        answers: to scripts, by name.
        bfloat16: to the same, computed in bfloat16 as upstream does.
        own: to those of ``ANSWERED_ALIKE``, by the package's own predictor.
    """

    config: str
    image_size: int | None
    checkpoint: Path
    cases: Sequence[Case]
    answers: Mapping[str, Sequence[Answer]]
    bfloat16: Mapping[str, Sequence[Answer]]
    own: Mapping[str, Sequence[Answer]]


def interpreter(config: str) -> Path:
    """The Python of the environment with the package of a configuration."""
    folder = _ROOT / f".venv-{config.split('_', 1)[0]}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    assert (folder / "installed.stamp").is_file(), f"{folder} is made by: make test-torch"
    return python


def record_family(
    config: str,
    folder: Path,
    *,
    image_size: int | None,
    sizes: Sequence[int] = (),
    scripts: Sequence[str] = (),
) -> Recording:
    """Run ``tests.reference.family_process``.

    Args:
        config: ``edgetam`` or ``efficienttam_…``.
        folder: an empty one, for what it writes.
        image_size: side of the square model input; None keeps the configuration's.
        sizes: indices of ``ALL_SIZES``, for the networks.
        scripts: names of what users do, at six frames each.
    """
    command = [os.fspath(interpreter(config)), "-P", "-m", "tests.reference.family_process"]
    command += [config, os.fspath(folder)]
    if image_size is not None:
        command += ["--image-size", str(image_size)]
    if sizes:
        command += ["--sizes", *map(str, sizes)]
    if scripts:
        command += ["--scripts", *scripts]
    environment = os.environ | {"PYTHONPATH": os.fspath(_ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    last_lines = "\n".join(done.stderr.splitlines()[-_LINES_IN_MESSAGE:])
    assert done.returncode == 0, f"{config} could not be recorded:\n{last_lines}"
    files = {path.name: path for path in folder.iterdir()}
    return Recording(
        config=config,
        image_size=image_size,
        checkpoint=files["checkpoint.pt"],
        cases=load_cases(files["networks.npz"]) if "networks.npz" in files else (),
        answers=load_answers(files["interactions.npz"]) if "interactions.npz" in files else {},
        bfloat16=load_answers(files["bfloat16.npz"]) if "bfloat16.npz" in files else {},
        own=load_answers(files["own.npz"]) if "own.npz" in files else {},
    )
