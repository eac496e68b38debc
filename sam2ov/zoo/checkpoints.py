"""Fetching checkpoints from the model hub, resumably and with their checksum.

``huggingface_hub.hf_hub_download`` starts an interrupted download from the beginning (since 2.0 its
temporary file belongs to one call and is deleted with it), which hurts with checkpoints of up to
0.9 GB. So the hub library finds the file, its checksum and the session (endpoint, proxies, offline
mode); the bytes are streamed here into a file that outlives the process.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import (
    get_hf_file_metadata,
    get_session,
    get_token,
    hf_hub_url,
    try_to_load_from_cache,
)

from sam2ov.errors import DownloadError
from sam2ov.manifest import sha256_of
from sam2ov.progress import CancelCheck, Progress, ProgressCallback, raise_if_cancelled
from sam2ov.zoo.cache import converted_bytes, require_space

ATTEMPTS_WITHOUT_PROGRESS = 5
SECONDS_BETWEEN_ATTEMPTS = 1.0
MOST_BYTES = 8 << 30
"""Of a checkpoint; a training checkpoint of the largest model, optimiser included, has 2.7 GB."""
_CHUNK_BYTES = 1 << 18
_TIMEOUT = httpx2.Timeout(10.0, read=30.0)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class _HubFile:
    """A file as the hub describes it."""

    url: str
    sha256: str
    size: int


def kept_checkpoint(
    repo_id: str, file_name: str, folder: Path, revision: str | None = None
) -> Path | None:
    """The checkpoint in ``folder`` or in the cache of ``huggingface_hub``; None if in neither."""
    kept = folder / file_name
    if kept.is_file():
        return kept
    hub_copy = try_to_load_from_cache(repo_id, file_name, revision=revision)
    return Path(hub_copy) if isinstance(hub_copy, str) else None


def fetch_checkpoint(
    repo_id: str,
    file_name: str,
    folder: Path,
    *,
    revision: str | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelCheck | None = None,
) -> Path:
    """Return the checkpoint's path, downloading it into ``folder`` unless it is there.

    A file of that name in ``folder`` is taken as it is (a download gets its name only after its
    checksum matched, and users without a network put the file there by hand); so is a copy in the
    cache of ``huggingface_hub``. What an interrupted download left is continued.

    Args:
        repo_id: on the hub.
        file_name: in the repository, in folders perhaps.
        folder: that it is downloaded into, under the same name.
        revision: a branch, tag or commit; None for the repository's main branch.
        progress: told of the bytes.
        cancel: asked often.

    Raises:
        DownloadError: the hub cannot be reached or does not have the file, the content does not
            match the hub's checksum, there is no room for it and what is made of it, or the file
            cannot be written.
        CancelledError: ``cancel`` returned true; what has arrived is kept for the next time.
    """
    kept = kept_checkpoint(repo_id, file_name, folder, revision)
    if kept is not None:
        return kept
    target = folder / file_name
    what = f"{file_name} of {repo_id}"
    try:
        remote = _look_up(repo_id, file_name, revision)
        # Named after the content: a newer upload never continues an older file.
        part = folder / f"{file_name}.{remote.sha256[:16]}.part"
        require_space(remote.size - _size(part) + converted_bytes(remote.size), what)
        part.parent.mkdir(parents=True, exist_ok=True)
        _stream(remote, part, f"Downloading {file_name}", progress, cancel)
    except (httpx2.HTTPError, ConnectionError) as error:
        raise DownloadError(
            f"Cannot fetch {what}: {_in_one_line(error)}. "
            f"Try again with a network connection, or put the file at {target} by hand."
        ) from error
    except OSError as error:
        raise DownloadError(f"Cannot write {what} into {folder}: {_in_one_line(error)}.") from error
    if sha256_of(part) != remote.sha256:
        part.unlink()
        raise DownloadError(
            f"{what} arrived damaged and was deleted: its SHA-256 is not {remote.sha256}. "
            "Try again; if it happens again, something between here and the hub alters it."
        )
    part.replace(target)
    return target


def _look_up(repo_id: str, file_name: str, revision: str | None) -> _HubFile:
    """Ask the hub for the file's size and SHA-256 (the ETag of files in large-file storage)."""
    url = hf_hub_url(repo_id, file_name, revision=revision)
    metadata = get_hf_file_metadata(url)
    if metadata.size is None or metadata.etag is None or not _SHA256.fullmatch(metadata.etag):
        raise DownloadError(
            f"{url} comes without a size and a SHA-256 (ETag {metadata.etag!r}), so a download "
            "could not be checked. If HF_ENDPOINT is set, it must name a full mirror of the hub."
        )
    if metadata.size > MOST_BYTES:
        raise DownloadError(
            f"{url} was refused: it has {metadata.size / 1e9:.1f} GB, and no checkpoint of SAM 2's "
            f"family has more than {MOST_BYTES / 1e9:.1f} GB. Give the file of its weights alone."
        )
    return _HubFile(url, metadata.etag, metadata.size)


def _stream(
    remote: _HubFile,
    part: Path,
    stage: str,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> None:
    """Append to ``part`` until it has the remote size, through several connections if need be."""
    fruitless = 0
    while (before := _size(part)) != remote.size:
        raise_if_cancelled(cancel, stage)
        failure: httpx2.HTTPError | None = None
        try:
            _receive(remote, part, stage, progress, cancel)
        except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
            failure = error
        if _size(part) == remote.size:
            return
        fruitless = 0 if _size(part) > before else fruitless + 1
        if fruitless == ATTEMPTS_WITHOUT_PROGRESS or _is_final(failure):
            raise failure or ConnectionError("the hub sends less than it announced")
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def _receive(
    remote: _HubFile,
    part: Path,
    stage: str,
    progress: ProgressCallback | None,
    cancel: CancelCheck | None,
) -> None:
    """Read one response into ``part``, from where the file ends where the server can do that."""
    present = _size(part)
    if present > remote.size:
        part.unlink()
        present = 0
    headers = {"Accept-Encoding": "identity"}
    if token := get_token():  # which redirects to other hosts do not pass on
        headers["Authorization"] = f"Bearer {token}"
    if present:
        headers["Range"] = f"bytes={present}-"
    with get_session().stream("GET", remote.url, headers=headers, timeout=_TIMEOUT) as response:
        response.raise_for_status()
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        done = present if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw(_CHUNK_BYTES):
                if done + len(chunk) > remote.size:
                    raise ConnectionError("the hub sends more than it announced")
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(Progress(stage, done, remote.size, "bytes"))
                raise_if_cancelled(cancel, stage)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _in_one_line(error: Exception) -> str:
    """The hub library's messages have several."""
    return " ".join(str(error).split()) or type(error).__name__


def _is_final(error: Exception | None) -> bool:
    """Whether asking again is pointless: the server answered, and did not call itself busy."""
    if not isinstance(error, httpx2.HTTPStatusError):
        return False
    status = error.response.status_code
    return status < httpx2.codes.INTERNAL_SERVER_ERROR and status != httpx2.codes.TOO_MANY_REQUESTS
