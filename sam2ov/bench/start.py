"""``python -m sam2ov.bench.start FOLDER SIZE DEVICE PRECISION CACHE``: seconds to compile a model.

A process of its own: what another load has left in memory would make this one faster.
"""

import json
import sys
import time
from pathlib import Path
from typing import cast

from sam2ov.engine.devices import Precision
from sam2ov.engine.model import SAM2Model


def main() -> None:
    """Load the model and print the seconds that it took."""
    folder, size, device, precision, cache = sys.argv[1:]
    started = time.perf_counter()
    SAM2Model(
        Path(folder),
        device,
        cast("Precision", precision),
        cache_dir=Path(cache),
        image_size=int(size),
    )
    print(json.dumps(time.perf_counter() - started))


if __name__ == "__main__":
    main()
