"""What programs call on models and predictors because upstream's are modules of torch."""

from typing import Any, Self

from sam2ov.engine.model import SAM2Model
from sam2ov.errors import DeviceError, ModelError
from sam2ov.upstream.arrays import Device

_CPU = "CPU"


def program_device(device: str) -> Device:
    """An OpenVINO device as programs know it: "cpu", which torch takes too, or its own name."""
    return Device(device.lower() if device == _CPU else device)


def cannot_train() -> ModelError:
    """For what would need gradients."""
    return ModelError(
        "sam2ov runs compiled networks, which cannot be trained. Train with torch and sam2, and "
        "give the checkpoint to sam2ov."
    )


class Module:
    """``eval()``, ``to(device)`` and the like, of something whose networks are compiled."""

    @property
    def device(self) -> Device:
        """Where the networks run: "cpu", or what OpenVINO calls it ("GPU", "GPU.1", …)."""
        return program_device(self._compiled.device)

    @property
    def image_size(self) -> int:
        """Side of the model's square input in pixels."""
        return self._compiled.manifest.image_size

    def eval(self) -> Self:
        """The thing itself: networks are for inference alone."""
        return self

    def train(self, mode: bool = True) -> Self:
        """Refused, unless ``mode`` is false.

        Raises:
            ModelError: compiled networks cannot be trained.
        """
        if mode:
            raise cannot_train()
        return self

    def to(self, device: Any = None) -> Self:
        """The thing itself, if that is the device of its networks.

        Raises:
            DeviceError: it is another one.
        """
        if device is not None and str(device).upper().removesuffix(":0") != self.device.upper():
            raise DeviceError(
                f"The networks are compiled for {self.device} and cannot be moved to {device}. "
                "Give the device when the model is built."
            )
        return self

    @property
    def _compiled(self) -> SAM2Model:
        raise NotImplementedError
