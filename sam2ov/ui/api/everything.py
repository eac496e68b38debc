"""``/segment_everything``: the masks of everything in an image."""

import time
from collections.abc import Iterator
from typing import Any, Final

import gradio as gr
from gradio import FileData
from gradio.events import api

from sam2ov.engine.automatic import FoundMask, MaskFinder
from sam2ov.errors import ExportError, PromptError
from sam2ov.export.names import clip_stem
from sam2ov.jobs.found_masks import FOUND_FORMATS, FoundFormat, open_found
from sam2ov.jobs.segment_images import read_image, settings_for
from sam2ov.progress import Progress
from sam2ov.ui.api.calls import (
    TOLD_EVERY_SECONDS,
    called_by,
    checked_model,
    checked_upload,
    either,
    file_of,
    gives,
    reported,
)
from sam2ov.ui.events.abandoned import closed_elsewhere
from sam2ov.ui.gate.usage import Usage
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.job import Job
from sam2ov.ui.tabs.workspaces import caller_of_page
from sam2ov.unfinished import ScratchFolder
from sam2ov.zoo.presets import PresetName

_SUFFIXES: Final = {"coco": ".json", "png": ".zip", "overlay": ".png"}


class ImageApi:
    """The function on single images; see ``PublicApi`` for the arguments."""

    def __init__(
        self, models: ModelPool, settings: Settings, choice: ModelChoice, usage: Usage
    ) -> None:
        self._models = models
        self._settings = settings
        self._choice = choice
        self._usage = usage

    def offer(self, at_once: int) -> None:
        """Publish it."""
        api(
            closed_elsewhere(self.segment_everything),
            api_name="segment_everything",
            concurrency_limit=at_once,
        )

    @gives(FileData)
    def segment_everything(
        self,
        image: FileData,
        output: FoundFormat = "coco",
        settings: dict[str, bool | float] | None = None,
        model: str | None = None,
        preset: PresetName | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[dict[str, Any] | None]:
        """Find the masks of everything in an image, without prompts, and return a file with them.

        Args:
            image: a picture: JPEG, PNG, WebP, TIFF, EXR and more.
            output: coco (JSON with run lengths, boxes and scores), png (a zip of black and white
                pictures, one for each mask), or overlay (the image with its masks in colour).
            settings: how masks are found, by the names of SAM 2's automatic mask generator:
                points_per_side (32), pred_iou_thresh (0.8), stability_score_thresh (0.95),
                box_nms_thresh (0.7), crop_n_layers (0), min_mask_region_area (0), use_m2m (false)
                and the others. With the model micro the thresholds are 0.5 and 0.65 if left out.
            model: a name that list_models gives as "bundled" or "cached"; the server's own if
                left out.
            preset: quality (the best masks), balanced or fast; the server's own if left out.
            request: who calls; not given by callers.

        Returns:
            The file.
        """
        with reported(), ScratchFolder("sam2ov-call-") as folder:
            picture, called = checked_upload(image, "image"), called_by(image, "image")
            if output not in FOUND_FORMATS:
                raise ExportError(f"There is no output {output!r}: {either(FOUND_FORMATS)}.")
            if not isinstance(settings, dict | None):  # any JSON may come
                raise PromptError('settings must be an object: {"points_per_side": 32, …}.')
            choice = checked_model(self._choice, model, preset)
            wanted = settings_for(choice.model, settings or {})
            pixels = read_image(picture, self._settings.video, called)
            finder = MaskFinder(self._models.get(choice).model, wanted)
            tell, task = gr.Progress(), Job("track", "Finding masks", unit="items")
            found: list[FoundMask] = []
            told, caller, counted = 0.0, caller_of_page(request), time.monotonic()
            self._usage.require(caller, "tracking")
            for step in self._models.turns.tracked(finder.steps(pixels), task):
                if isinstance(step, list):
                    found = step
                elif isinstance(step, Progress):
                    tell((step.done, step.total), desc=step.stage)
                else:
                    tell(0, desc=f"Waiting for a free place: {task.waiting} before this")
                if step is not None:
                    self._usage.spend(caller, "tracking", time.monotonic() - counted)
                    self._usage.require(caller, "tracking")
                counted = time.monotonic()
                if time.monotonic() - told > TOLD_EVERY_SECONDS:
                    told = time.monotonic()
                    yield None
            path = folder / f"{clip_stem(called)}-{output}{_SUFFIXES[output]}"
            with open_found(path, output, is_folder=False) as add:
                add(called, pixels, found)
            self._usage.note(caller, "api segment_everything", bytes=path.stat().st_size)
            yield file_of(path)
