"""The image encoder in INT8, where that is faster on this machine and stays accurate.

Calibrated and checked on frames of a video, and on pictures like photos, by NNCF, which nothing
else needs (``pip install "sam2ov[quantize]"``), and only once: the result is a model folder in the
cache. The other networks stay as they are. In INT8 the memory attention takes several times as
long, because its attention is no longer computed in one go, and the small networks gain nothing.
"""

import contextlib
import hashlib
import importlib.util
import json
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sam2ov.engine.devices import Precision, available_devices, needs_static_shapes
from sam2ov.engine.features import squash
from sam2ov.engine.networks import Compiler, Network
from sam2ov.errors import ModelError
from sam2ov.graph_files import GraphWriter, read_xml
from sam2ov.manifest import (
    MANIFEST_FILE,
    Manifest,
    NetworkName,
    NetworkSpec,
    Quantization,
    read_manifest,
    sha256_of,
)
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.samples import SAMPLE_PATH
from sam2ov.values.masks import FloatArray
from sam2ov.video import open_video
from sam2ov.zoo.cache import make_once
from sam2ov.zoo.child_process import how_it_ended, last_words, running_module

INSTALL_COMMAND: Final = 'pip install "sam2ov[quantize]"'

NEEDS_NNCF: Final = f"The image encoder may be faster in INT8, which needs NNCF: {INSTALL_COMMAND}"

LARGEST_ERROR: Final = 0.1
"""Of the embedding and the fine maps, relative to their size: bfloat16 alone has some 0.01."""
LARGEST_TIME: Final = 0.95
"""Of the time that the original takes: less is not worth any error."""

_NETWORK: Final[NetworkName] = "image_encoder"
_QUANTIZER: Final = "sam2ov.zoo.int8_graph"
_POLL_SECONDS: Final = 0.1
_CALIBRATION_FRAMES = 24
_CHECKED_FRAMES = 4
_ROUNDS = 7
_STAGE = "Quantising the image encoder"
_STEPS = 4
_KEY_LENGTH = 12

Image = npt.NDArray[np.uint8]


def is_installed() -> bool:
    """Whether NNCF is there; it is not imported."""
    return importlib.util.find_spec("nncf") is not None


def shortcomings(
    error: float, time_ratio: float, largest_time: float = LARGEST_TIME
) -> tuple[str, ...]:
    """Why INT8 does not pay, for people; nothing where it does.

    Args:
        error: of the outputs, relative to their size.
        time_ratio: INT8's time by the original's.
        largest_time: what that may be.
    """
    found = (
        (
            time_ratio > largest_time,
            f"it saves less than {100 * (1 - largest_time):.0f} % of the time",
        ),
        (error > LARGEST_ERROR, f"its features are more than {100 * LARGEST_ERROR:.0f} % off"),
    )
    return tuple(words for applies, words in found if applies)


def quantize_model(
    folder: Path,
    image_size: int,
    *,
    device: str = "CPU",
    precision: Precision | None = None,
    clip: Path | None = None,
    largest_time: float = LARGEST_TIME,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """A model folder with the image encoder in INT8 if that pays; made once, then cached.

    It has the one input size that was asked for. What was found is in its manifest
    (``Quantization``). Speed is of the machine, so each has its own.

    Args:
        folder: a whole model folder.
        image_size: side of the input in pixels, one of the folder's.
        device: that speed is measured on.
        precision: of what is not INT8.
        clip: a video to calibrate on; None for the sample.
        largest_time: of the original's; infinity keeps INT8 for its accuracy alone.
        progress: told of the steps.
        cancel: asked between them.

    Raises:
        ModelError: NNCF is not installed, or could not quantise the network.
        VideoError: the clip cannot be read.
        CancelledError: ``cancel`` returned true.
    """
    clip = clip or SAMPLE_PATH
    machine = available_devices().get(device, device)
    made_from = sha256_of(folder / MANIFEST_FILE), _digest(clip)
    facts = [*made_from, image_size, device, machine, precision, largest_time]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_KEY_LENGTH]

    def make(out: Path) -> None:
        if not is_installed():
            raise ModelError(f"Quantising a model needs NNCF: {INSTALL_COMMAND}")
        _make(folder, image_size, out, device, precision, clip, largest_time, progress, cancel)

    return make_once(f"{read_manifest(folder).name}-int8-{key}", make, progress, cancel)


def _digest(clip: Path) -> str:
    """Tells clips apart: by content, and folders of pictures by names and sizes."""
    if clip.is_dir():
        listed = sorted((path.name, path.stat().st_size) for path in clip.iterdir())
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return sha256_of(clip) if clip.is_file() else ""  # opening it will say that there is none


def _make(
    folder: Path,
    image_size: int,
    out: Path,
    device: str,
    precision: Precision | None,
    clip: Path,
    largest_time: float,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> None:
    def step(done: int) -> None:
        raise_if_cancelled(cancel, _STAGE)
        if progress is not None:
            progress(Progress(_STAGE, done, _STEPS, "items"))

    manifest = read_manifest(folder).at(image_size)
    step(0)
    # One clip, above all a drawn one, lacks the range of what the network will see.
    rng = np.random.default_rng(0)
    calibration, checked = (
        frames + [natural_picture(rng, manifest.image_size) for _ in frames]
        for frames in _frames(clip, manifest.image_size)
    )
    step(1)
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        xml = _quantized(folder, image_size, Path(temporary), calibration, cancel)
        step(2)
        tried = Path(temporary) / "model"
        tried.mkdir()
        _write(folder, manifest, tried, xml)
        noted = _compared(
            folder, manifest, tried, device, precision, clip.name, largest_time, checked
        )
        step(3)
        _write(folder, manifest, out, xml if noted.kept else None, noted)
    step(_STEPS)


def _write(
    folder: Path,
    manifest: Manifest,
    out: Path,
    encoder: Path | None,
    noted: Quantization | None = None,
) -> None:
    """Fill a folder with a model at the input size of ``manifest``.

    Args:
        folder: of the original.
        manifest: of the original, at the size.
        out: the folder to fill.
        encoder: the ``.xml`` of an IR to take in place of the original's.
        noted: for the manifest.
    """
    networks: dict[NetworkName, NetworkSpec] = {}
    with GraphWriter(out) as graphs:
        for name, spec in manifest.networks.items():
            if encoder is not None and name == _NETWORK:
                xml, weights = encoder.read_bytes(), encoder.with_suffix(".bin")
            else:
                xml = read_xml(folder, manifest, name)
                weights = folder / manifest.weights_file.file
            graph = graphs.add(name, manifest.image_size, xml, weights)
            networks[name] = spec.model_copy(update={"graph": graph})
        weights_file = graphs.complete()
    shutil.copy2(folder / manifest.constants.file, out)
    (size,) = (each for each in manifest.sizes if each.image_size == manifest.image_size)
    sizes = (size.model_copy(update={"networks": networks}),)
    changed = manifest.model_copy(
        update={"sizes": sizes, "weights_file": weights_file, "quantization": noted}
    )
    (out / MANIFEST_FILE).write_text(changed.model_dump_json(indent=1), encoding="utf-8")


def _compared(
    folder: Path,
    manifest: Manifest,
    tried: Path,
    device: str,
    precision: Precision | None,
    clip_name: str,
    largest_time: float,
    frames: list[Image],
) -> Quantization:
    """Measure the quantised network of ``tried`` against the original; others stay on disk."""
    compiler = Compiler.for_device(device, precision, cache_dir=None)
    original, quantized = (
        Network(compiler, each, its, _NETWORK, static_shapes=needs_static_shapes(device))
        for each, its in ((folder, manifest), (tried, read_manifest(tried)))
    )
    # Judged as they are noted, so that whoever reads the manifest comes to the same verdict.
    error = round(_error(original, quantized, frames), 4)
    time_ratio = round(_time_ratio(original, quantized, frames[0]), 3)
    return Quantization(
        network=_NETWORK,
        kept=not shortcomings(error, time_ratio, largest_time),
        error=error,
        time_ratio=time_ratio,
        device=device,
        precision=compiler.precision,
        clip=clip_name,
    )


def _frames(clip: Path, image_size: int) -> tuple[list[Image], list[Image]]:
    """Frames to calibrate on, and others to check with; the same ones if the clip is short."""
    with open_video(clip) as reader:
        wanted = min(_CALIBRATION_FRAMES + _CHECKED_FRAMES, reader.num_frames)
        indices = np.linspace(0, reader.num_frames - 1, wanted).round().astype(int).tolist()
        frames = [squash(reader.read(index), image_size) for index in indices]
    every = max(wanted // _CHECKED_FRAMES, 1)
    checked = frames[every // 2 :: every]
    rest = [frame for index, frame in enumerate(frames) if index % every != every // 2]
    return rest or frames, checked


def natural_picture(rng: np.random.Generator, size: int) -> Image:
    """Noise uint8 [size, size, 3] with the statistics of photos.

    Amplitudes fall with frequency as 1/f, and colours vary less than brightness (Field, 1987,
    "Relations between the statistics of natural images and the response properties of cortical
    cells"; the strengths are ours).
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    frequency[0, 0] = np.inf
    planes = [
        np.fft.irfft2(rng.normal(size=(*frequency.shape, 2)) @ (1, 1j) / frequency, (size, size))
        for _ in range(4)
    ]
    brightness, *colours = (plane / plane.std() for plane in planes)
    waves = brightness[..., None] + 0.5 * np.stack(colours, -1)
    mean = rng.uniform(70, 180) + rng.normal(0, 20, 3)
    picture: Image = np.clip(mean + rng.uniform(25, 60) * waves, 0, 255).astype(np.uint8)
    return picture


def _quantized(
    folder: Path, image_size: int, out: Path, frames: list[Image], cancel: CancelCheck | None
) -> Path:
    """The network in INT8: the ``.xml`` of an IR in the folder ``out``."""
    pictures, xml = out / "frames.npy", out / "graph.xml"
    np.save(pictures, np.stack(frames))
    with (
        tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as log,
        running_module(_QUANTIZER, (folder, str(image_size), pictures, xml), log) as process,
    ):
        while True:
            raise_if_cancelled(cancel, _STAGE)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_POLL_SECONDS)  # its progress bars
                break
        if process.returncode != 0:
            raise ModelError(
                f"NNCF cannot quantise {folder}: it {how_it_ended(process.returncode)}. The last "
                f"it wrote:\n{last_words(log)}"
            )
    return xml


def _error(original: Network, quantized: Network, frames: list[Image]) -> float:
    """The largest relative error of any output, over all frames together."""
    pairs = [(_encode(original, frame), _encode(quantized, frame)) for frame in frames]
    errors = []
    for name in pairs[0][0]:
        lost = sum(float(np.square(b[name] - a[name]).sum()) for a, b in pairs)
        errors.append(lost / sum(float(np.square(a[name]).sum()) for a, _ in pairs))
    return float(np.sqrt(max(errors)))


def _time_ratio(original: Network, quantized: Network, frame: Image) -> float:
    """INT8's time by the original's: of alternating runs the fastest, as others disturb least."""
    fastest = {original: math.inf, quantized: math.inf}
    for _ in range(_ROUNDS):
        for network in fastest:
            started = time.perf_counter()
            _encode(network, frame)
            fastest[network] = min(fastest[network], time.perf_counter() - started)
    return fastest[quantized] / fastest[original]


def _encode(network: Network, frame: Image) -> Mapping[str, FloatArray]:
    return network.infer({"image": np.asarray(frame, np.float32)[None]})
