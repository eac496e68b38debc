"""The models in use, shared by all tabs: compiled once, the one used longest ago makes room."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

from sam2ov.engine.devices import Precision, available_devices
from sam2ov.engine.policy import PolicyName
from sam2ov.engine.tracker import Tracker
from sam2ov.locks import Rank, new_lock, require_order
from sam2ov.progress import CancelCheck, ProgressCallback
from sam2ov.project import ModelDocument
from sam2ov.project.documents import titled
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.settings import Settings
from sam2ov.zoo.catalogue import list_models
from sam2ov.zoo.loading import PreparedModel, prepare_model
from sam2ov.zoo.presets import PresetName

_CAPACITY = 2


@dataclass(frozen=True)
class ModelChoice:
    """A model by name or folder, the OpenVINO device it runs on, the preset, and the memory."""

    model: str
    device: str
    preset: PresetName = "quality"
    memory: PolicyName = "upstream"

    @classmethod
    def of(cls, document: ModelDocument) -> Self:
        """What a project was made with."""
        return cls(document.model, document.device, document.preset, document.memory)

    @property
    def label(self) -> str:
        """For people; of different choices different."""
        return f"{titled(self.model, self.preset, self.memory)} on {self.device}"


class ModelPool:
    """Loads models on demand; whoever uses one takes ``turns``, and not before it is loaded.

    Args:
        precision: inside the graphs; None takes the best of the device.
        settings: how many may track at once.
    """

    def __init__(
        self, precision: Precision | None = None, settings: Settings | None = None
    ) -> None:
        self.turns = ModelTurns((settings or Settings()).max_tracking)
        self._precision = precision
        self._lock = new_lock(Rank.LEAF)
        # Compiling two at once would take twice the memory and no less time.
        self._compiling = new_lock(Rank.COMPILING)
        self._trackers: OrderedDict[ModelChoice, Tracker] = OrderedDict()
        # Kept when the pool drops a model: sessions may go on with it.
        self._notes: dict[ModelChoice, tuple[str, ...]] = {}

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
        require_order(Rank.COMPILING, self._compiling)  # a mistake also where nothing is compiled
        known = self._known(choice)
        if known is not None:
            return known
        # Fetching takes minutes, during which other tabs load what is here.
        prepared = self.prepare(choice, progress, cancel)
        with self._compiling:
            known = self._known(choice)
            if known is not None:  # another tab has loaded it meanwhile
                return known
            tracker = Tracker(prepared.compile(choice.device, self._precision))
            with self._lock:
                self._trackers[choice] = tracker
                self._notes[choice] = prepared.notes
                while len(self._trackers) > _CAPACITY:
                    self._trackers.popitem(last=False)
            return tracker

    def prepare(
        self,
        choice: ModelChoice,
        progress: ProgressCallback | None = None,
        cancel: CancelCheck | None = None,
    ) -> PreparedModel:
        """Fetch, convert and quantise a model without compiling it; args as those of ``get``."""
        return prepare_model(
            choice.model,
            device=choice.device,
            precision=self._precision,
            preset=choice.preset,
            memory=choice.memory,
            progress=progress,
            cancel=cancel,
        )

    def notes(self, choice: ModelChoice) -> tuple[str, ...]:
        """What came of the preset, for people; nothing before the model has been loaded."""
        with self._lock:
            return self._notes.get(choice, ())

    def document(self, choice: ModelChoice) -> ModelDocument:
        """What a project notes of a model; see there."""
        manifest = self.get(choice).manifest
        return ModelDocument.of(choice.model, choice.device, choice.preset, choice.memory, manifest)

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
