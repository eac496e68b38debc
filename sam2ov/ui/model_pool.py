"""The models in use, shared by all tabs: compiled once, the one used longest ago makes room."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from sam2ov.model import Precision, SAM2Model, available_devices
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import ModelDocument
from sam2ov.registry import cache_folder, list_models, resolve_model
from sam2ov.tracker import Tracker
from sam2ov.ui.model_turns import ModelTurns
from sam2ov.ui.settings import Settings

_CAPACITY = 2


@dataclass(frozen=True)
class ModelChoice:
    """A model by name or folder, and the OpenVINO device it runs on."""

    model: str
    device: str


class ModelPool:
    """Loads models on demand; whoever uses one takes ``turns``.

    Args:
        precision: inside the graphs; None takes the best of the device.
        settings: how many may track at once.
    """

    def __init__(
        self, precision: Precision | None = None, settings: Settings | None = None
    ) -> None:
        self.turns = ModelTurns((settings or Settings()).max_tracking)
        self._precision = precision
        self._lock = threading.Lock()
        # Compiling two at once would take twice the memory and no less time.
        self._compiling = threading.Lock()
        self._trackers: OrderedDict[ModelChoice, Tracker] = OrderedDict()

    def get(
        self,
        choice: ModelChoice,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> Tracker:
        """The model, ready to track with; sessions keep theirs alive when the pool drops it.

        Args:
            choice: what to load; official models are fetched and converted on first use.
            progress: told of downloads and conversions.
            cancel: asked while fetching and converting.

        Raises:
            ModelError: the model cannot be found, fetched or read.
            DeviceError: the device is not there.
            CancelledError: ``cancel`` returned true.
        """
        known = self._known(choice)
        if known is not None:
            return known
        # Fetching takes minutes, during which other tabs load what is here.
        folder = resolve_model(choice.model, progress=progress, cancel=cancel)
        with self._compiling:
            known = self._known(choice)
            if known is not None:  # another tab has loaded it meanwhile
                return known
            compiled = cache_folder() / "compiled"
            tracker = Tracker(SAM2Model(folder, choice.device, self._precision, compiled))
            with self._lock:
                self._trackers[choice] = tracker
                while len(self._trackers) > _CAPACITY:
                    self._trackers.popitem(last=False)
            return tracker

    def document(self, choice: ModelChoice) -> ModelDocument:
        """What a project notes of a model; its results fit no other weights."""
        manifest = self.get(choice).manifest.model_dump_json()
        weights = hashlib.sha256(manifest.encode()).hexdigest()
        return ModelDocument(model=choice.model, device=choice.device, weights=weights)

    def is_here(self, choice: ModelChoice) -> bool:
        """Whether a model can be loaded without fetching anything."""
        if self._known(choice) is not None:
            return True
        here = [entry.name for entry in list_models() if entry.path and entry.path.is_dir()]
        return choice.model in here and choice.device in [*available_devices(), "AUTO"]

    def _known(self, choice: ModelChoice) -> Tracker | None:
        with self._lock:
            if choice in self._trackers:
                self._trackers.move_to_end(choice)
            return self._trackers.get(choice)
