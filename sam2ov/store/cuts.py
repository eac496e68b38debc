"""Where scenes begin, kept with the results: found once, known when a project is opened again."""

import json
from typing import Final

from sam2ov.errors import ProjectError
from sam2ov.store.journal import Journal

_KEY: Final = "cuts"
_MOST: Final = 100_000
_MOST_BYTES: Final = 12 * _MOST


class CutStore:
    """The frames of a clip that begin another scene. They are facts: undo leaves them alone.

    Args:
        journal: where they are kept.

    Raises:
        ProjectError: what is kept is damaged.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.frames: tuple[int, ...] = ()
        found = journal.document(_KEY)
        if found is not None:
            try:
                if len(found[1]) > _MOST_BYTES:
                    raise ValueError
                frames = json.loads(found[1])
                self.frames = tuple(sorted({int(frame) for frame in frames}))[:_MOST]
            except (ValueError, TypeError, RecursionError) as error:
                raise ProjectError("The project's record of scene cuts is damaged.") from error

    def add(self, frame_idx: int) -> None:
        """A scene begins at a frame."""
        if frame_idx not in self.frames and len(self.frames) < _MOST:
            self.frames = tuple(sorted({*self.frames, frame_idx}))
            self._journal.put_document(_KEY, json.dumps(self.frames).encode())
