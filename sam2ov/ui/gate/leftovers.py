"""What Gradio leaves of uploads that were broken off: it never deletes their files.

They lie in its folder while they are written, and in folders of that when they are complete. The
folder that Gradio takes by itself is everybody's on the computer; a server has one of its own.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gradio.utils import get_upload_folder

from sam2ov.errors import ServerError
from sam2ov.unfinished import ScratchFolder

_ABANDONED_SECONDS: Final = 180.0
"""To which nothing was written for so long, nobody writes: such uploads have been given up."""

_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


@contextmanager
def own_upload_folder() -> Iterator[Path]:
    """Gradio puts uploads into a folder that is this server's alone, and goes with it.

    For as long as the block runs; the page is to be built in it.

    Raises:
        ServerError: it cannot be made.
    """
    name = "GRADIO_TEMP_DIR"
    before = os.environ.get(name)
    try:
        scratch = ScratchFolder("sam2ov-uploads-")
        folder = scratch.path / "uploads"
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ServerError(
            f"No folder for uploads can be made: {error}. Free some disk space, or put temporary "
            "files elsewhere (TMPDIR)."
        ) from error
    with scratch:
        os.environ[name] = str(folder)
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


class Leftovers:
    """Deletes them; for the event loop's thread."""

    def __init__(self) -> None:
        self._num_running = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """An upload is written for as long as the block runs."""
        self._num_running += 1
        try:
            yield
        finally:
            self._num_running -= 1

    def sweep(self) -> None:
        """After an upload: delete what nobody writes any more."""
        with suppress(OSError):
            folder = Path(get_upload_folder())
            # In a folder that others see, what is young may be another server's.
            none_runs = self._num_running == 0 and _is_private(folder)
            for path in folder.iterdir():
                with suppress(OSError):  # complete just now
                    found = path.lstat()
                    is_old = time.time() - found.st_mtime > _ABANDONED_SECONDS
                    if _is_plain_file(found) and (is_old or none_runs):
                        _empty(path)  # it may be open still, in objects nobody has
                        path.unlink()


def _is_private(folder: Path) -> bool:
    mode = folder.lstat().st_mode
    return stat.S_ISDIR(mode) and not mode & 0o077


def _is_plain_file(found: os.stat_result) -> bool:
    """Whether it is a file that has no other name, and no link to one."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _empty(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | _NO_LINKS)
    try:
        if _is_plain_file(os.fstat(file)):  # still
            os.ftruncate(file, 0)
    finally:
        os.close(file)
