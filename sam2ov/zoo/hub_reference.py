"""Checkpoints anywhere on the model hub: ``hf:ORG/REPO/FILE@REVISION``."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Self

from sam2ov.errors import ModelNotFoundError

SCHEME: Final = "hf:"

_MAIN: Final = "main"
_TRANSFORMERS_FILE: Final = "model.safetensors"
_MOST_CHARACTERS: Final = 300
_MOST_CHARACTERS_OF_NAMES: Final = 96
"""The hub's own limit for repositories."""

# Stricter than the hub: folders in the cache are named after these.
_NAME = r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*"
_FILE = r"[A-Za-z0-9_](?:[A-Za-z0-9_.+=-]*[A-Za-z0-9_])?"
_REFERENCE: Final = re.compile(
    rf"hf:(?P<repo>{_NAME}/{_NAME})(?:/(?P<file>{_FILE}(?:/{_FILE}){{0,4}}))?"
    rf"(?:@(?P<revision>{_FILE}))?"
)


@dataclass(frozen=True)
class HubReference:
    """A file in a repository of the hub, at a revision.

    Attributes:
        repo_id: ``ORG/REPO``.
        file: in folders perhaps; of a reference to a whole repository, the file in which
            transformers keeps weights.
        revision: a branch, tag or commit.
        name: what people would call the model: the file's stem, or the repository's name.
    """

    repo_id: str
    file: str
    revision: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``hf:ORG/REPO/FILE``, ``hf:ORG/REPO``, or either with ``@REVISION``.

        Raises:
            ModelNotFoundError: it is written in another way.
        """
        found = _REFERENCE.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
        if found is None or len(found["repo"]) > _MOST_CHARACTERS_OF_NAMES:
            raise ModelNotFoundError(
                f"{text[:_MOST_CHARACTERS]!r} names no file of the model hub. Write "
                "hf:ORG/REPO/FILE, hf:ORG/REPO for a repository of transformers, or either with "
                "@REVISION, in letters, digits and . _ - alone."
            )
        file = found["file"] or _TRANSFORMERS_FILE
        called = PurePosixPath(file).stem if found["file"] else found["repo"].split("/")[1]
        return cls(found["repo"], file, found["revision"] or _MAIN, called)

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo_id}/{self.file}@{self.revision}"
