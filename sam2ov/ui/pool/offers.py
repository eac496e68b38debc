"""The models that the page offers: what is on the server, what can be got, and what each is for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sam2ov.zoo.cache import checkpoints_folder
from sam2ov.zoo.catalogue import BUNDLED_NAME, ModelEntry, list_models
from sam2ov.zoo.published import PUBLISHED, Accuracy

_UNKNOWN = Accuracy()

Status = Literal["bundled", "cached", "available"]


@dataclass(frozen=True)
class ModelOffer:
    """A model as the page lists it.

    Attributes:
        name: what it is asked for by: a name or a folder.
        title: for people.
        status: a folder that the app was started with counts as cached.
        description: what it is good for.
        download_bytes: roughly what getting it costs; 0 for one that is here, or whose checkpoint
            is.
        disk_bytes: what it takes on the server; 0 for one that is not here.
        folder: of the model; None for one that is not here.
        parameters: weights; None where it is not known.
        licence: of the weights; None where it is not known.
        accuracy: as published.
    """

    name: str
    title: str
    status: Status
    description: str
    download_bytes: int
    disk_bytes: int
    folder: Path | None = None
    parameters: int | None = None
    licence: str | None = None
    accuracy: Accuracy = _UNKNOWN

    @property
    def is_here(self) -> bool:
        """Whether it can be loaded without fetching anything."""
        return self.status != "available"


def offered_models(started_with: str) -> list[ModelOffer]:
    """All models: those that are here first, the one that the app was started with among them.

    Args:
        started_with: name or folder.
    """
    offers = [
        _offer(entry)
        for entry in list_models()
        if entry.path is None or entry.path.is_dir()  # a checkout may lack the bundled model
    ]
    if started_with not in [offer.name for offer in offers]:
        folder = Path(started_with)
        offers.append(
            ModelOffer(
                name=started_with,
                title=folder.name,
                status="cached",
                description="A model folder of your own",
                download_bytes=0,
                disk_bytes=_size(folder) if folder.is_dir() else 0,
                folder=folder,
            )
        )
    return sorted(offers, key=lambda offer: not offer.is_here)


def _offer(entry: ModelEntry) -> ModelOffer:
    return ModelOffer(
        name=entry.name,
        title=entry.title,
        status=entry.status,
        description=entry.description,
        download_bytes=entry.download_bytes,
        disk_bytes=_size(entry.path) if entry.path is not None else 0,
        folder=entry.path,
        parameters=entry.parameters,
        licence=entry.licence,
        accuracy=entry.accuracy,
    )


def find_offer(name: str, started_with: str) -> ModelOffer | None:
    """The offer of that name, in an app that was started with a name or folder."""
    offers = offered_models(started_with)
    return next((offer for offer in offers if offer.name == name), None)


def title_of(name: str) -> str:
    """What a model is called, which needs no look at the disk."""
    return PUBLISHED[name].title if name in PUBLISHED else Path(name).name


def by_hand(name: str) -> str:
    """Which file to put where, for a model that is got without a network; else nothing."""
    if name not in PUBLISHED:
        return ""
    model = PUBLISHED[name]
    target = checkpoints_folder() / model.checkpoint
    return f"Put {model.checkpoint} of {model.repo_id} on the model hub at {target}."


def is_demonstration(name: str) -> bool:
    """Whether people should be told that there are better models."""
    return name == BUNDLED_NAME


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
