"""How fast models are on this machine, measured in the background once somebody asks."""

import logging
import threading
from collections.abc import Callable

from sam2ov.engine.devices import Precision
from sam2ov.errors import CancelledError, Sam2ovError
from sam2ov.locks import Rank, new_lock
from sam2ov.ui.contract.told import told
from sam2ov.zoo.speed import Pace, known_pace, measure_pace

_LOOK_AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Speeds:
    """Measures each device at most once, while nothing else is computed.

    Args:
        precision: inside the graphs; None takes the best of the device.
        is_busy: whether a figure would be wrong now, because others compute.
    """

    def __init__(
        self, precision: Precision | None = None, is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._precision = precision
        self._is_busy = is_busy
        self._lock = new_lock(Rank.LEAF)
        self._problems: dict[str, str] = {}
        self._measuring: threading.Thread | None = None
        self._stopped = threading.Event()

    def pace(self, device: str) -> Pace | None:
        """What is known of a device, now or from before; None where nothing is."""
        try:
            return known_pace(device, self._precision)
        except Sam2ovError:  # no such device, which is said where it is used
            return None

    def problem(self, device: str) -> str:
        """Why a device cannot be measured; nothing where it can, or was not tried."""
        with self._lock:
            return self._problems.get(device, "")

    @property
    def is_measuring(self) -> bool:
        """Whether figures are on their way."""
        with self._lock:
            return self._measuring is not None

    def want(self, device: str) -> None:
        """Have a device measured, unless that was done or is being done."""
        if self.pace(device) is not None:
            return
        with self._lock:
            if self._measuring or device in self._problems or self._stopped.is_set():
                return
            self._measuring = threading.Thread(
                target=self._measure, args=(device,), name="sam2ov-speed", daemon=True
            )
            self._measuring.start()

    def close(self) -> None:
        """Stop measuring, and wait until it has stopped."""
        self._stopped.set()
        with self._lock:
            measuring = self._measuring
        if measuring is not None:
            measuring.join()

    def _measure(self, device: str) -> None:
        problem = ""
        try:
            while self._is_busy() and not self._stopped.wait(_LOOK_AGAIN_SECONDS):
                pass
            measure_pace(device, self._precision, cancel=self._stopped.is_set)
        except CancelledError:
            pass
        except Sam2ovError as error:
            problem = told(error)
            _log.warning("%s", problem)
        finally:
            with self._lock:
                self._measuring = None
                if problem:
                    self._problems[device] = problem
