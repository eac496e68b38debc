"""The commands of ``sam2ov``, one module each; what is slow to import is imported when they run."""
