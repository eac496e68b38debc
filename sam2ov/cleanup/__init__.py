"""Clean-up: what is made of an object's masks on their way out; the tracked ones stay as they are.

``CleanUp`` says what is wanted, ``CleanedMasks`` does it. Everything follows from masks alone.
"""

from sam2ov.cleanup.settings import NO_CLEAN_UP, CleanUp

__all__ = ["NO_CLEAN_UP", "CleanUp"]
