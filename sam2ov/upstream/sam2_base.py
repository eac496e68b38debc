"""``SAM2Base``: the model that ``build_sam2`` gives."""

from sam2ov.engine.model import SAM2Model
from sam2ov.upstream.arrays import Device
from sam2ov.upstream.module import Module, program_device


class SAM2Base(Module, SAM2Model):
    """Compiled networks, with what programs ask of upstream's ``SAM2Base``: see ``Module``."""

    _device: str

    @property
    def device(self) -> Device:
        """Where the networks run: "cpu", or what OpenVINO calls it ("GPU", "GPU.1", …)."""
        return program_device(self._device)

    @device.setter
    def device(self, device: str) -> None:
        self._device = device

    @property
    def _compiled(self) -> SAM2Model:
        return self
