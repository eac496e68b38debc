"""The Gradio app: click, track, correct and export in the browser."""

from sam2ov.ui.server import launch

__all__ = ["launch"]
