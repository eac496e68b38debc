"""The models that the page offers: what is on the server, what can be got, and what each is for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sam2ov.zoo.catalogue import BUNDLED_NAME, list_models

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
    """

    name: str
    title: str
    status: Status
    description: str
    download_bytes: int
    disk_bytes: int

    @property
    def is_here(self) -> bool:
        """Whether it can be loaded without fetching anything."""
        return self.status != "available"

    @property
    def label(self) -> str:
        """Its line in the picker."""
        if self.is_here:
            return f"{self.title} · {megabytes(self.disk_bytes)} on disk"
        if not self.download_bytes:
            return f"{self.title} · convert"
        return f"{self.title} · get {megabytes(self.download_bytes)}"


def offered_models(started_with: str) -> list[ModelOffer]:
    """All models: those that are here first, the one that the app was started with among them.

    Args:
        started_with: name or folder.
    """
    offers = []
    for entry in list_models():
        if entry.path is not None and not entry.path.is_dir():
            continue  # a checkout without the bundled model
        offers.append(
            ModelOffer(
                name=entry.name,
                title=entry.name,
                status=entry.status,
                description=entry.description,
                download_bytes=entry.download_bytes,
                disk_bytes=_size(entry.path) if entry.path is not None else 0,
            )
        )
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
            )
        )
    return sorted(offers, key=lambda offer: not offer.is_here)


def find_offer(name: str, started_with: str) -> ModelOffer | None:
    """The offer of that name, in an app that was started with a name or folder."""
    offers = offered_models(started_with)
    return next((offer for offer in offers if offer.name == name), None)


def is_demonstration(name: str) -> bool:
    """Whether people should be told that there are better models."""
    return name == BUNDLED_NAME


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
