"""A folder whose clips are taken up as they are complete."""

import time
from collections.abc import Iterator
from pathlib import Path

from sam2ov.jobs.batch.item import BatchItem
from sam2ov.jobs.batch.listing import Defaults, find_clips, item_of, told_name, unique_names
from sam2ov.progress import CancelCheck

LOOK_SECONDS = 1.0


class WatchedFolder:
    """Gives clips of a folder, each when its files have stayed the same for a while.

    A clip that is copied grows; one that is renamed into place is complete at once, but waits as
    long. A clip without prompts waits for them. One that changes later comes again.

    Args:
        folder: searched to the bottom.
        defaults: for its clips.
        still_seconds: how long their files have to stay the same.
        cancel: true ends it.
    """

    def __init__(
        self, folder: Path, defaults: Defaults, still_seconds: float, cancel: CancelCheck
    ) -> None:
        self._folder, self._defaults = folder, defaults
        self._still_seconds, self._cancel = still_seconds, cancel
        self._seen: dict[str, tuple[dict[str, str], float]] = {}
        self._given: dict[str, dict[str, str]] = {}
        self._names: dict[Path, str] = {}

    def items(self) -> Iterator[BatchItem | None]:
        """Clips as they are complete; None while there is none."""
        while not self._cancel():
            looked = time.monotonic()
            yield from self._complete()
            yield None
            while time.monotonic() - looked < LOOK_SECONDS and not self._cancel():
                yield None

    def _complete(self) -> Iterator[BatchItem]:
        clips = list(find_clips(self._folder))
        names = unique_names([told_name(clip, self._folder) for clip in clips])
        for clip, name in zip(clips, names, strict=True):
            # A clip keeps its name when another comes that wants it, too.
            item = item_of(clip, self._names.setdefault(clip, name), self._defaults)
            if (item.prompts or item.boxes) and self._is_still(item):
                yield item

    def _is_still(self, item: BatchItem) -> bool:
        try:
            now = item.sources()
        except OSError:  # it has gone, or somebody is still at it
            return False
        if self._given.get(item.name) == now:
            return False
        before, since = self._seen.get(item.name, ({}, 0.0))
        if before != now:
            self._seen[item.name] = now, time.monotonic()
            return False
        if time.monotonic() - since < self._still_seconds:
            return False
        self._given[item.name] = now
        return True
