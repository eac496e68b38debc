"""Giving memory back to the system, which the C library keeps for itself otherwise."""

import ctypes
import gc
import sys


def release_memory() -> None:
    """Return what has been freed. Only glibc needs to be asked; elsewhere it is a matter of time.

    After an hour of frames and masks, glibc's heaps hold gigabytes of free pieces between small
    objects that are still in use.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
