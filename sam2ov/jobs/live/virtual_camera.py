"""A camera of this computer that shows what is followed, for programs that take cameras."""

from typing import Any

from sam2ov.errors import ExportError
from sam2ov.export.effects import Image


class VirtualCamera:
    """Pictures to a virtual camera, by the package pyvirtualcam.

    Args:
        size_hw: of the pictures.
        device: of the system; None for the first one.
        fps: pictures per second, about.

    Raises:
        ExportError: the package is not installed, or there is no such camera.
    """

    def __init__(self, size_hw: tuple[int, int], device: str | None, fps: float = 30.0) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise ExportError(
                "A virtual camera needs the package pyvirtualcam: pip install 'sam2ov[camera]'."
            ) from error
        height, width = size_hw
        try:
            self._camera: Any = pyvirtualcam.Camera(
                width=width, height=height, fps=fps, device=device
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ExportError(
                f"There is no virtual camera: {error}. Set one up first (v4l2loopback on Linux, "
                "OBS on Windows and macOS)."
            ) from error

    def show(self, image: Image) -> None:
        """Show a picture, uint8 RGB [H, W, 3]."""
        self._camera.send(image)

    def close(self) -> None:
        """Switch it off."""
        self._camera.close()
