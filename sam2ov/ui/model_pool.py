"""The models in use, shared by all tabs: compiled once, the one used longest ago makes room."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from sam2ov.model import Precision, SAM2Model
from sam2ov.tracker import Tracker

_CAPACITY = 2


@dataclass(frozen=True)
class ModelChoice:
    """A model by name or folder, and the OpenVINO device it runs on."""

    model: str
    device: str


class ModelPool:
    """Compiles models on demand.

    Args:
        precision: inside the graphs; None takes the best of the device.
    """

    def __init__(self, precision: Precision | None = None) -> None:
        self._precision = precision
        self._lock = threading.Lock()
        self._trackers: OrderedDict[ModelChoice, Tracker] = OrderedDict()

    def get(self, choice: ModelChoice) -> Tracker:
        """The model, ready to track with; sessions keep theirs alive when the pool drops it.

        Raises:
            ModelError: the model cannot be found, fetched or read.
            DeviceError: the device is not there.
        """
        with self._lock:  # compiling two at once would take twice the memory and no less time
            if choice not in self._trackers:
                model = SAM2Model.from_pretrained(
                    choice.model, device=choice.device, precision=self._precision
                )
                self._trackers[choice] = Tracker(model)
                while len(self._trackers) > _CAPACITY:
                    self._trackers.popitem(last=False)
            self._trackers.move_to_end(choice)
            return self._trackers[choice]
