"""Imported before OpenVINO, which reports every import of it to an analytics service, unasked.

Without the package that does so, OpenVINO falls back to a stub of its own.
"""

import sys
from types import ModuleType
from typing import cast

sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))
