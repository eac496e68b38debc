"""Where modules of ours that run in processes of their own are found."""

import os
from pathlib import Path

import sam2ov


def module_environment() -> dict[str, str]:
    """The environment in which ``python -P -m`` runs modules of ``sam2ov`` and ``convert``.

    They stand side by side, in a checkout and in site-packages. -P and the search path keep a
    folder of that name in the working directory from being run instead.
    """
    beside = os.fspath(Path(sam2ov.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, (beside, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": search_path, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
