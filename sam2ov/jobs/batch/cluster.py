"""Clips tracked by a Ray cluster: a task for each, lost workers' clips tried again.

Clips and prompts are read at the paths that the batch names, so these are on a file system that all
nodes share. A model folder that is not on one goes through Ray's object store, once per node.
"""

import io
import socket
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from sam2ov.errors import DeviceError, Sam2ovError, one_line
from sam2ov.jobs.batch.clip import reason_of, track_item
from sam2ov.jobs.batch.item import BatchItem, content_digest
from sam2ov.jobs.batch.models import Models
from sam2ov.jobs.batch.place import Place
from sam2ov.jobs.batch.pool import POLL_SECONDS, Finished, Running
from sam2ov.jobs.batch.record import JobRecord
from sam2ov.progress import CancelCheck
from sam2ov.unfinished import unfinished_folder
from sam2ov.zoo.cache import cache_folder
from sam2ov.zoo.catalogue import BUNDLED_NAME, resolve_model

_RETRIES: Final = 3
"""How often a clip is tried again whose worker, or whose node, is lost."""
_AHEAD: Final = 4
"""Tasks that wait in the cluster for each of its places, so that none of these is idle."""
_MANIFEST: Final = "manifest.json"
_CONNECT_SECONDS: Final = 5.0


class Cluster:
    """Tracks items on a Ray cluster; see ``Pool`` for what is the same.

    Args:
        place: of the results, which all nodes reach: a folder that they share, or a URL.
        address: of the cluster; "auto" for the one that this machine is part of.
        cancel: true ends it; tasks that run are given up.
        threads: cores that a clip takes.

    Raises:
        DeviceError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, place: Place, address: str, cancel: CancelCheck, threads: int = 1) -> None:
        self._ray = _imported()
        self._place, self._cancel, self._threads = place, cancel, threads
        self._tasks: dict[Any, tuple[BatchItem, float]] = {}
        self._models: dict[str, Any] = {}
        if not self._ray.is_initialized():
            try:
                _require_listener(address)
                self._ray.init(address=address, log_to_driver=False, logging_level="warning")
            except (OSError, ValueError, RuntimeError) as error:
                raise DeviceError(
                    f"There is no Ray cluster at {address!r}: {error}. Start one with "
                    '"ray start --head", or give its address.'
                ) from error

    @property
    def running(self) -> list[Running]:
        """Clips that have been given to the cluster, in their order."""
        now = time.monotonic()
        return [Running(item, None, now - since) for item, since in self._tasks.values()]

    def results(
        self,
        items: Iterable[BatchItem | None],
        look: Callable[["Cluster"], None] = lambda _: None,
    ) -> Iterator[Finished]:
        """See ``Pool.results``."""
        task = self._ray.remote(num_cpus=self._threads, max_retries=_RETRIES)(_track)
        waiting = iter(items)
        try:
            while not self._cancel():
                is_exhausted = self._fill(task, waiting)
                if not self._tasks:
                    if is_exhausted:
                        return
                    time.sleep(POLL_SECONDS)
                    look(self)
                    continue
                ready, _ = self._ray.wait(list(self._tasks), timeout=POLL_SECONDS)
                for reference in ready:
                    item, _ = self._tasks.pop(reference)
                    yield self._finished(item, reference)
                look(self)
        finally:
            for reference in self._tasks:
                with suppress(Exception):
                    self._ray.cancel(reference, force=True)
            self._tasks.clear()

    def _fill(self, task: Any, waiting: Iterator[BatchItem | None]) -> bool:
        """Give the cluster as many clips as keep it busy; it may grow meanwhile.

        Returns:
            Whether there are no more.
        """
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        most = _AHEAD * max(cores // self._threads, 1)
        while len(self._tasks) < most:
            try:
                item = next(waiting)
            except StopIteration:
                return True
            if item is None:
                return False
            model = self._model(item.settings.model)
            reference = task.remote(item, self._place, model, self._threads)
            self._tasks[reference] = item, time.monotonic()
        return False

    def _finished(self, item: BatchItem, reference: Any) -> Finished:
        try:
            record, reason = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            reason = f"{type(error.cause).__name__}: {error.cause}"
            return Finished(item, None, one_line(reason))
        except self._ray.exceptions.RayError as error:
            reason = f"The cluster lost {item.clip.name} {_RETRIES + 1} times: {_first(error)}."
            return Finished(item, None, reason)
        return Finished(item, record, reason)

    def _model(self, name: str) -> Any:
        """A model folder in the object store; None where each node finds the model by its name."""
        folder = Path(name)
        if name == BUNDLED_NAME or not (folder / _MANIFEST).is_file():
            return None
        if name not in self._models:
            self._models[name] = self._ray.put(_packed(resolve_model(name)))
        return self._models[name]


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise DeviceError(
            'Ray is not installed. Install it with: pip install "sam2ov[ray]".'
        ) from error
    return ray


def _require_listener(address: str) -> None:
    """Raise OSError where nobody listens at ``HOST:PORT``; Ray would try for minutes."""
    host, separator, port = address.rpartition("://")[2].rpartition(":")
    if separator and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()


def _packed(folder: Path) -> tuple[str, bytes]:
    """A model folder with what tells it from others."""
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                archive.add(path, path.name)
    return _digest(folder), told.getvalue()


def _unpacked(packed: tuple[str, bytes]) -> Path:
    """The folder on this node, which one of its processes writes and the others find."""
    digest, content = packed
    root = cache_folder() / "sent"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / digest
    with FileLock(root / f"{digest}.lock"):
        if not folder.is_dir() or _digest(folder) != digest:  # whatever has become of it
            with (
                unfinished_folder(folder) as unfinished,
                tarfile.open(fileobj=io.BytesIO(content)) as archive,
            ):
                archive.extractall(unfinished, filter="data")
    return folder


def _digest(folder: Path) -> str:
    return content_digest(folder)[:16]


_models: dict[tuple[int, str], Models] = {}
"""Of a process of the cluster, which keeps the model for its next clip."""


def _track(
    item: BatchItem, place: Place, model: tuple[str, bytes] | None, threads: int
) -> tuple[JobRecord | None, str]:
    """Body of a task."""
    key = (threads, "" if model is None else model[0])
    if key not in _models:
        _models.clear()  # two would take the memory of two
        folders = {} if model is None else {item.settings.model: _unpacked(model)}
        _models[key] = Models(threads, folders)
    try:
        return track_item(item, place, _models[key]), ""
    except (Sam2ovError, OSError) as error:
        return None, reason_of(error)


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
