"""The app, where reading prompts takes long and listens to nobody who wants it to end."""

import time
from typing import NoReturn
from unittest.mock import patch

from sam2ov.cli import main
from sam2ov.errors import PromptError
from sam2ov.ui.events import files

SECONDS = 15.0


def read_stubbornly(*_: object) -> NoReturn:
    """Reads nothing for long, whatever is asked for meanwhile."""
    time.sleep(SECONDS)
    raise PromptError("There was nothing to read.")


if __name__ == "__main__":
    with patch.object(files, "read_prompts_or_masks", read_stubbornly):
        main()
