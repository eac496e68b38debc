"""Giving memory back to the system, which the C library keeps for itself otherwise."""

import ctypes
import gc
import sys


def leave_out_what_stays() -> None:
    """Have the collector of garbage not look at what is there now, and stays.

    Looking through the objects of Gradio, OpenVINO and all modules takes a tenth of a second and
    more, in which no other thread runs; it is done whenever a tab closes.
    """
    gc.collect()
    gc.freeze()


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
