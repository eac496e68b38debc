"""What the model panel says, as HTML: what a model is for, what it takes, how far getting it is."""

from html import escape
from pathlib import Path

from sam2ov.errors import ModelFolderError
from sam2ov.manifest import read_manifest
from sam2ov.ui.contract.messages import JobView
from sam2ov.ui.pool.offers import ModelOffer, is_demonstration, megabytes
from sam2ov.zoo.loading import size_for
from sam2ov.zoo.presets import Preset, PresetName, find_preset
from sam2ov.zoo.quantization import INSTALL_COMMAND, is_installed


def facts_html(
    offer: ModelOffer | None,
    preset: PresetName,
    notes: tuple[str, ...],
    *,
    may_fetch: bool,
) -> str:
    """What a model is for, what the preset does to it and came to, and how it gets here.

    Args:
        offer: the model that the picker shows; None if it is no longer there.
        preset: that the picker shows.
        notes: what came of it, if the model has been loaded with it.
        may_fetch: the server's settings allow downloads.
    """
    if offer is None:
        return _paragraph("This model is no longer on the server. Choose another one.")
    said = _paragraph(f"{offer.description}.")
    chosen = find_preset(preset)
    said += _paragraph(f"{preset.capitalize()}: {chosen.description}.")
    if lacking := _lacking(Path(offer.name), chosen):
        said += _paragraph(lacking)
    said += "".join(map(_paragraph, notes))
    if chosen.int8 and not notes and not is_demonstration(offer.name) and not is_installed():
        said += _paragraph(f"INT8 needs NNCF on the server: {INSTALL_COMMAND}")
    if offer.is_here:
        return said
    size = megabytes(offer.download_bytes)
    if not may_fetch:
        return said + _paragraph(
            "It is not on this server, which does not fetch models for its pages. Ask who runs it."
        )
    if not offer.download_bytes:
        return said + _paragraph(
            "Its checkpoint is here, and is converted once. You can go on working meanwhile."
        )
    return said + _paragraph(
        f"Not here yet: {size} to download, converted once. You can go on working meanwhile; what "
        "has arrived is kept if you cancel."
    )


def _lacking(folder: Path, preset: Preset) -> str:
    """Why a model folder of one's own cannot run with a preset; nothing where it can."""
    if not folder.is_dir():
        return ""
    try:
        size_for(preset, read_manifest(folder))
    except ModelFolderError as error:
        return str(error)
    return ""


def progress_html(view: JobView) -> str:
    """How far getting a model is."""
    known = bool(view.total)
    words = f"{view.label}: {view.done} of {view.total} {view.unit}" if known else f"{view.label} …"
    if view.seconds_left is not None:
        words += f", {_duration(view.seconds_left)} left"
    if view.cancelling:
        words = "Stopping …"
    bar = f'value="{view.done}" max="{view.total}"' if known else ""
    return f'<progress aria-label="{escape(view.label)}" {bar}></progress>' + _paragraph(words)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
