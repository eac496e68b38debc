"""Locks keep their order in all tests, and in the processes that these start."""

import os

os.environ["SAM2OV_CHECK_LOCKS"] = "1"  # before anything of sam2ov is imported
