"""The interface of the package sam2, and its quirks, over the engine."""
