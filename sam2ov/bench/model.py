"""Which model is measured: a cached one, or a published architecture with random weights."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import sam2ov
from sam2ov.engine.devices import Precision
from sam2ov.errors import CheckpointError, ConversionError, ModelError
from sam2ov.manifest import Manifest, sha256_of
from sam2ov.progress import Progress, ProgressCallback
from sam2ov.workers.environment import module_environment
from sam2ov.zoo.cache import cache_folder, checkpoints_folder
from sam2ov.zoo.catalogue import listed_name, must_be_fetched, published_model
from sam2ov.zoo.checkpoints import kept_checkpoint
from sam2ov.zoo.conversion import convert_checkpoint
from sam2ov.zoo.loading import PreparedModel, prepare_model
from sam2ov.zoo.presets import PresetName, preset_sizes
from sam2ov.zoo.published import PUBLISHED, PublishedModel

RANDOM_CHECKPOINT = "convert.random_checkpoint"
"""The module that makes random weights."""

_BESIDE = Path(sam2ov.__file__).parents[1]
"""Where ``convert`` lies beside ``sam2ov`` and, in a checkout, ``training``."""


@dataclass(frozen=True)
class Weights:
    """What a model was converted from, for torch: a checkpoint and its configuration."""

    checkpoint: Path
    config: str


def prepare_bench_model(
    model: str,
    *,
    preset: PresetName,
    random_weights: bool,
    device: str = "CPU",
    precision: Precision | None = None,
    progress: ProgressCallback | None = None,
) -> PreparedModel:
    """A model to measure, by ``prepare_model``; nothing is downloaded.

    With ``random_weights`` it has the architecture of the published model of that name.

    Raises:
        ModelError: there is no such model, a published one is not here yet, or its random twin
            cannot be made.
    """
    published = published_model(model)
    if random_weights:
        source: str | Path = _random_model(model, published, progress)
    elif must_be_fetched(model):
        raise ModelError(
            f"{listed_name(model)} has not been fetched yet, and a benchmark downloads nothing. "
            "Add --random-weights, which costs the same time and memory, or fetch it first by "
            f"using it once: sam2ov track … --model {model}"
        )
    else:
        source = model
    return prepare_model(
        source, device=device, precision=precision, preset=preset, progress=progress
    )


def find_weights(manifest: Manifest, checkpoint: Path | None, config: str | None) -> Weights:
    """The checkpoint that a model was converted from, the very same file.

    Args:
        manifest: of the model.
        checkpoint: where it lies; None looks in the places where it may be.
        config: its configuration; None takes the one that the manifest names.

    Raises:
        CheckpointError: it is not there, or is another one.
    """
    source = manifest.source
    if checkpoint is None:
        found = next((path for path in _places(manifest) if path.is_file()), None)
        if found is None:
            raise CheckpointError(
                f"To compare with torch, the checkpoint of {manifest.name} is needed: "
                f"{source.checkpoint}, which is not here. Say where it is with --checkpoint FILE."
            )
        checkpoint = found
    if not checkpoint.is_file():
        raise CheckpointError(f"There is no checkpoint at {checkpoint}.")
    if sha256_of(checkpoint) != source.sha256:
        raise CheckpointError(
            f"{checkpoint} is not the checkpoint that {manifest.name} was converted from: its "
            f"SHA-256 is not {source.sha256}. Give that one with --checkpoint FILE."
        )
    return Weights(checkpoint, config or _config(source.config))


def _places(manifest: Manifest) -> list[Path]:
    name = manifest.source.checkpoint
    places = [
        checkpoints_folder() / name,
        cache_folder() / "random" / name,
        _BESIDE / "training" / "checkpoint" / name,
    ]
    if manifest.name in PUBLISHED:
        kept = kept_checkpoint(PUBLISHED[manifest.name].repo_id, name, checkpoints_folder())
        places += [kept] if kept is not None else []
    return places


def _config(name: str) -> str:
    """The file of the bundled model's configuration, in a checkout; else the name itself."""
    path = _BESIDE / "training" / f"{name}.yaml"
    return os.fspath(path) if path.is_file() else name


def _random_model(
    asked: str, published: PublishedModel | None, progress: ProgressCallback | None
) -> Path:
    if published is None:
        names = ", ".join(PUBLISHED)
        raise ModelError(
            f"--random-weights is for the published models ({names}), not for {asked!r}."
        )
    name, config = published.name, published.config
    folder = cache_folder() / "random"
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{name}-random.safetensors"
    if not checkpoint.is_file():
        if progress is not None:
            progress(Progress("Making random weights", 0, 1, "items"))
        _make_checkpoint(config, checkpoint)
    # Another converter makes other graphs, and those of this one are to be measured.
    digest = _converter_digest()
    model = folder / f"{name}-{digest}"
    if not model.is_dir():
        for earlier in folder.glob(f"{name}-????????"):
            if not earlier.name.endswith(digest):
                shutil.rmtree(earlier)
        convert_checkpoint(
            checkpoint,
            model,
            config=config,
            name=f"{name}-random",
            image_sizes=preset_sizes(published.image_size),
            progress=progress,
        )
    return model


def _make_checkpoint(config: str, checkpoint: Path) -> None:
    command = [sys.executable, "-P", "-m", RANDOM_CHECKPOINT, config, os.fspath(checkpoint)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=module_environment()
    )
    if done.returncode != 0:
        raise ConversionError(
            f"Random weights of {config} could not be made. The last that was written:\n"
            f"{done.stderr[-2000:].rstrip()}"
        )


def _converter_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((_BESIDE / "convert").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
