"""A second input size of the bundled model, packed: only what differs from the first.

A pack is a zip file. Its members are whole files of the model folder (manifest, graphs),
``new.bin`` and ``recipe.json``, which says what the other files are put together from: pieces of
the files of the first size, where nearly all weights are found again, and pieces of ``new.bin``.
"""

import zipfile
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from sam2ov.errors import ModelError, ModelFolderError

RECIPE: Final = "recipe.json"
NEW: Final = "new.bin"


class Piece(BaseModel):
    """``size`` bytes from ``offset`` of a file: of the first size's folder, or ``new.bin``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    offset: int
    size: int


class Recipe(BaseModel):
    """The files to put together, each from its pieces in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, tuple[Piece, ...]]


def pack_path(folder: Path, image_size: int) -> Path:
    """Where a model folder has its pack for another input size."""
    return folder / f"at-{image_size}.zip"


def unpack_model(pack: Path, base: Path, out: Path) -> None:
    """Make a model folder of a pack and the folder that it was packed against.

    ``out`` is made if it is not there, and nothing is looked for in it. Contents are not checked
    here: the manifest has checksums.

    Raises:
        ModelFolderError: the pack is damaged, or belongs to another folder.
        ModelError: ``out`` cannot be written.
    """
    try:
        with zipfile.ZipFile(pack) as archive:
            recipe = Recipe.model_validate_json(archive.read(RECIPE))
            members = [name for name in archive.namelist() if name not in (RECIPE, NEW)]
            contents = {name: archive.read(name) for name in members}
            new = archive.read(NEW)
        for name, pieces in recipe.files.items():
            sources = {p.file: (base / p.file).read_bytes() for p in pieces if p.file != NEW}
            sources[NEW] = new
            contents[name] = b"".join(
                sources[piece.file][piece.offset : piece.offset + piece.size] for piece in pieces
            )
    except (zipfile.BadZipFile, KeyError, ValidationError, OSError) as error:
        raise ModelFolderError(f"{pack} is damaged ({error}). Install sam2ov again.") from error
    try:
        out.mkdir(exist_ok=True)
        for name, content in contents.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise ModelError(f"Cannot write the model into {out}: {error.strerror}.") from error
