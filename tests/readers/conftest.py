"""Exports read by programs that nobody here wrote; they live in an environment of their own."""

import os
import tempfile

# Ultralytics writes settings where it is imported, and asks the network for versions.
os.environ["YOLO_CONFIG_DIR"] = tempfile.gettempdir()
os.environ["YOLO_OFFLINE"] = "true"

from tests.export.conftest import clip, logits, reader, stored, tracked, write

__all__ = ["clip", "logits", "reader", "stored", "tracked", "write"]
