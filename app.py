"""Opens the app in the browser's reach: ``python app.py``, or ``sam2ov app`` once installed.

``MODEL`` and ``DEVICE`` may be set in the environment: a name or folder of a model ("micro", which
comes with sam2ov, "sam2.1-hiera-tiny" …) and an OpenVINO device ("CPU", "GPU", "AUTO" …).
"""

import os

from sam2ov.ui.server import launch

if __name__ == "__main__":
    launch(
        host=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        port=int(os.environ["GRADIO_SERVER_PORT"]) if "GRADIO_SERVER_PORT" in os.environ else None,
        model=os.environ.get("MODEL", "micro"),
        device=os.environ.get("DEVICE", "CPU"),
    )
