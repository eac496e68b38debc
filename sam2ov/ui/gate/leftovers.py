"""What Gradio leaves of uploads that were broken off: it never deletes their files.

They lie in its folder while they are written, and in folders of that when they are complete.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gradio.utils import get_upload_folder

_ABANDONED_SECONDS: Final = 180.0
"""To which nothing was written for so long, nobody writes: such uploads have been given up."""


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
            for path in Path(get_upload_folder()).iterdir():
                with suppress(OSError):  # complete just now
                    is_old = time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
                    if path.is_file() and (is_old or self._num_running == 0):
                        os.truncate(path, 0)  # it may be open still, in objects nobody has
                        path.unlink()
