"""Clean-up: what is made of an object's masks on their way out; the tracked ones stay as they are.

``sam2ov.values.clean_up.CleanUp`` says what is wanted, ``CleanedMasks`` does it. Everything follows
from masks alone.
"""
