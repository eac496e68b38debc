"""The page: what stands where, and which handler answers what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from sam2ov.ui.api.functions import PublicApi
from sam2ov.ui.events.abandoned import closed_elsewhere
from sam2ov.ui.events.editing import EditorHandlers
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.finding import FindingHandlers
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.events.tracking import TrackingHandlers
from sam2ov.ui.events.unknown import known_only
from sam2ov.ui.page.editor import make_editor
from sam2ov.ui.routes.routes import editor_script
from sam2ov.ui.settings import Settings

PRIVATE: Final[Mapping[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
"""Events of the page are no part of the public API; the editor shows progress itself."""


@dataclass(frozen=True)
class Handlers:
    """Who answers the page's events, and programs."""

    editor: EditorHandlers
    tracking: TrackingHandlers
    finding: FindingHandlers
    files: FileHandlers
    models: ModelHandlers
    api: PublicApi


def build_page(handlers: Handlers, settings: Settings) -> gr.Blocks:
    """Put the page together.

    Args:
        handlers: answer its events.
        settings: limits, told to the user.
    """
    page = gr.Blocks(title="sam2ov", analytics_enabled=False, delete_cache=(600, 3600))
    with page:
        handlers.api.offer()  # first: names are given in order, and events of the page want some
        editor = make_editor(editor_script(), settings)
        _connect(handlers, editor, settings)
        page.unload(handlers.editor.unload)
    return page


def _connect(handlers: Handlers, editor: gr.HTML, settings: Settings) -> None:
    answers = handlers.editor
    # "multiple": quick clicks are all answered; the handlers keep their order.
    common = {**PRIVATE, "trigger_mode": "multiple"}
    queued = {"outputs": editor, **common}
    # Whoever waits for the model has a place in a queue of ours, so Gradio lets all of them in.
    shared = {"concurrency_limit": settings.max_sessions, **queued}
    editor.ready(answers.ready, queue=False, **queued)
    editor.open(
        closed_elsewhere(known_only(answers.open)),
        concurrency_id="open",
        concurrency_limit=2,
        **queued,
    )
    editor.close(known_only(answers.close), queue=False, **queued)
    editor.export(
        closed_elsewhere(known_only(handlers.files.export)),
        concurrency_id="export",
        concurrency_limit=2,
        **queued,
    )
    editor.save_prompts(known_only(handlers.files.save_prompts), queue=False, **queued)
    editor.open_prompts(
        closed_elsewhere(known_only(handlers.files.open_prompts)),
        concurrency_id="load",
        concurrency_limit=2,
        **queued,
    )
    editor.save(
        closed_elsewhere(known_only(handlers.files.save_project)),
        concurrency_id="export",
        concurrency_limit=2,
        **queued,
    )
    editor.use_model(
        closed_elsewhere(known_only(handlers.models.use)),
        concurrency_id="load",
        concurrency_limit=2,
        **queued,
    )
    editor.get_model(
        closed_elsewhere(known_only(handlers.models.get)),
        concurrency_id="get",
        concurrency_limit=4,
        **queued,
    )
    editor.add_model(
        closed_elsewhere(known_only(handlers.models.add)),
        concurrency_id="get",
        concurrency_limit=4,
        **queued,
    )
    editor.cancel_model(known_only(handlers.models.cancel), queue=False, **queued)
    editor.edit(known_only(answers.edit), concurrency_id="edit", **shared)
    editor.track(
        closed_elsewhere(known_only(handlers.tracking.track)), concurrency_id="track", **shared
    )
    editor.find(
        closed_elsewhere(known_only(handlers.finding.find)), concurrency_id="find", **shared
    )
    editor.prepare(answers.prepare, concurrency_id="prepare", concurrency_limit=2, **common)
    editor.cancel(answers.cancel, queue=False, **common)
