"""The published models as data: where they are, how large and how good, and for whom.

What their authors publish was read in the READMEs of facebookresearch/sam2 (05d9e57, "Model
Description"), facebookresearch/EdgeTAM (10aef41, "Performance") and in the paper of EfficientTAM
(arXiv 2411.18933, table of semi-supervised segmentation). None of it was measured here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Accuracy:
    """J&F in percent, given the mask of the first frame; None where authors publish none.

    Attributes:
        sa_v_test: on the test set of SA-V.
        mose_val: on the validation set of MOSE.
        davis_2017_val: on the validation set of DAVIS 2017.
    """

    sa_v_test: float | None = None
    mose_val: float | None = None
    davis_2017_val: float | None = None


@dataclass(frozen=True)
class PublishedModel:
    """A checkpoint on the model hub, and what is known of it before it is fetched.

    Attributes:
        name: what users ask for it by.
        family: as in the manifest.
        title: for people.
        repo_id: on the hub; several models may be in one repository.
        checkpoint: the file there.
        config: upstream's name of the configuration.
        parameters: weights.
        image_size: side of the input in pixels that it was trained at.
        accuracy: as published.
        licence: of the weights, an SPDX identifier.
        description: for whom it is.
    """

    name: str
    family: str
    title: str
    repo_id: str
    checkpoint: str
    config: str
    parameters: int
    image_size: int
    accuracy: Accuracy
    licence: str
    description: str

    @property
    def download_bytes(self) -> int:
        """Roughly: published checkpoints hold their weights as float32 and little else."""
        return 4 * self.parameters


_LICENCE: Final = "Apache-2.0"  # of the weights, too: so say all three READMEs

_SAM2_SIZES: Final = (
    # name, file, config, millions of parameters, for whom
    ("tiny", "tiny", "t", 38.9, "Fastest of SAM 2's sizes"),
    ("small", "small", "s", 46.0, "A little slower and better than tiny"),
    ("base-plus", "base_plus", "b+", 80.8, "Good quality for difficult objects"),
    ("large", "large", "l", 224.4, "Best quality, slow without a GPU"),
)
_SAM2_ACCURACY: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    # SA-V test and MOSE val of each size
    "sam2.1": ((76.5, 71.8), (76.6, 73.5), (78.2, 73.7), (79.5, 74.6)),
    "sam2": ((75.0, 70.9), (74.9, 71.5), (74.7, 72.8), (76.0, 74.6)),
}


def _sam2() -> Iterator[PublishedModel]:
    """Upstream: ``HF_MODEL_ID_TO_FILENAMES`` in ``sam2/build_sam.py``."""
    for version, title in (("sam2.1", "SAM 2.1"), ("sam2", "SAM 2")):
        published = zip(_SAM2_SIZES, _SAM2_ACCURACY[version], strict=True)
        for (size, file, config, millions, description), (sa_v, mose) in published:
            yield PublishedModel(
                name=f"{version}-hiera-{size}",
                family=version,
                title=f"{title} {size}",
                repo_id=f"facebook/{version}-hiera-{size}",
                checkpoint=f"{version}_hiera_{file}.pt",
                config=f"{version}_hiera_{config}",
                parameters=round(millions * 1e6),
                image_size=1024,
                accuracy=Accuracy(sa_v, mose),
                licence=_LICENCE,
                description=description,
            )


def _edgetam() -> PublishedModel:
    return PublishedModel(
        name="edgetam",
        family="edgetam",
        title="EdgeTAM",
        repo_id="facebook/EdgeTAM",
        checkpoint="edgetam.pt",
        config="edgetam",
        parameters=13_900_000,
        image_size=1024,
        accuracy=Accuracy(71.7, 70.0, 87.7),
        licence=_LICENCE,
        description="Much faster than SAM 2.1 tiny and nearly as good: for ordinary processors",
    )


_EFFICIENT_SIZES: Final = (("s", "S", 34), ("ti", "Ti", 18))
_EFFICIENT_VARIANTS: Final = (
    # suffix of the name, of the file, side of the input, for whom
    ("", "", 1024, "A plain image encoder, every memory in full"),
    ("-1", "_1", 1024, "Memories at half the resolution: faster on long clips"),
    ("-2", "_2", 1024, "Memories at half the resolution, weighted otherwise than in -1"),
    ("-512", "_512x512", 512, "Trained at 512 px: faster still, coarser masks"),
)
_EFFICIENT_ACCURACY: Final[Mapping[str, Accuracy]] = {
    "s": Accuracy(74.5, 71.4, 89.2),
    "s-2": Accuracy(74.0, 70.8, 88.6),
    "ti": Accuracy(70.7, 69.3, 89.1),
    "ti-2": Accuracy(70.8, 68.4, 88.4),
}


def _efficienttam() -> Iterator[PublishedModel]:
    for size, letters, millions in _EFFICIENT_SIZES:
        for suffix, file, image_size, description in _EFFICIENT_VARIANTS:
            variant = suffix.replace("-", "/").replace("/512", ", 512 px")
            yield PublishedModel(
                name=f"efficienttam-{size}{suffix}",
                family="efficienttam",
                title=f"EfficientTAM {letters}{variant}",
                repo_id="yunyangx/efficient-track-anything",
                checkpoint=f"efficienttam_{size}{file}.pt",
                config=f"efficienttam_{size}{file}",
                parameters=millions * 1_000_000,
                image_size=image_size,
                accuracy=_EFFICIENT_ACCURACY.get(f"{size}{suffix}", Accuracy()),
                licence=_LICENCE,
                description=description,
            )


PUBLISHED: Final[Mapping[str, PublishedModel]] = {
    model.name: model for model in (*_sam2(), _edgetam(), *_efficienttam())
}
"""By name."""
