"""The page: what stands where, and which handler answers what."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from sam2ov.ui.editor import WEB_FOLDER, make_editor
from sam2ov.ui.file_handlers import EXPORT_KINDS, FileHandlers
from sam2ov.ui.handlers import EditorHandlers
from sam2ov.ui.model_handlers import (
    ModelHandlers,
    is_demonstration,
    offered_devices,
    offered_models,
)
from sam2ov.ui.model_pool import ModelChoice
from sam2ov.ui.routes import editor_script
from sam2ov.ui.settings import Settings

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Handlers:
    """Who answers the page's events."""

    editor: EditorHandlers
    files: FileHandlers
    models: ModelHandlers


def build_page(handlers: Handlers, choice: ModelChoice, settings: Settings) -> gr.Blocks:
    """Put the page together.

    Args:
        handlers: answer its events.
        choice: the model that it starts with.
        settings: limits, told to the user.
    """
    page = gr.Blocks(title="sam2ov", analytics_enabled=False, delete_cache=(600, 3600))
    with page:
        gr.HTML(_template("header.html"), apply_default_css=False)
        banner = gr.HTML(
            _template("banner.html"), apply_default_css=False, visible=is_demonstration(choice)
        )
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="main", min_width=0):
                editor = make_editor(editor_script(), settings)
            with gr.Column(elem_id="side", min_width=0):
                _files(handlers.files, editor)
                _models(handlers.models, editor, banner, choice)
        _connect(handlers.editor, editor)
        page.unload(handlers.editor.unload)
    return page


def _template(name: str) -> str:
    return (WEB_FOLDER / name).read_text(encoding="utf-8")


def _connect(handlers: EditorHandlers, editor: gr.HTML) -> None:
    # "multiple": quick clicks are all answered; the handlers keep their order.
    common = {**_PRIVATE, "trigger_mode": "multiple"}
    queued = {"outputs": editor, **common}
    editor.ready(handlers.ready, queue=False, **queued)
    editor.open(handlers.open, concurrency_id="open", concurrency_limit=2, **queued)
    editor.edit(handlers.edit, concurrency_id="edit", concurrency_limit=8, **queued)
    editor.track(handlers.track, concurrency_id="track", concurrency_limit=4, **queued)
    editor.prepare(handlers.prepare, concurrency_id="prepare", concurrency_limit=2, **common)
    editor.cancel(handlers.cancel, queue=False, **common)


def _files(handlers: FileHandlers, editor: gr.HTML) -> None:
    common: dict[str, Any] = {"outputs": editor, **_PRIVATE}
    with gr.Column(elem_classes="s2-panel"):
        gr.HTML("<h2>Export</h2>", apply_default_css=False)
        kind = gr.Dropdown(
            [(kind.label, name) for name, kind in EXPORT_KINDS.items()],
            value="overlay",
            label="What to export",
            show_label=False,
            container=False,
            filterable=False,
            elem_id="export-kind",
        )
        export = gr.Button("Export and download", variant="primary", size="md", elem_id="export")
    with gr.Column(elem_classes="s2-panel"):
        gr.HTML(
            "<h2>Prompts</h2><p>Clicks and boxes of all objects, to go on later or to use with "
            "<code>sam2ov track</code>.</p>",
            apply_default_css=False,
        )
        with gr.Row():
            save = gr.Button("Save prompts", size="md", elem_id="save-prompts", min_width=80)
            load = gr.UploadButton(
                "Open prompts",
                file_types=[".json"],
                size="md",
                elem_id="open-prompts",
                min_width=80,
            )
    export.click(handlers.export, kind, concurrency_id="export", concurrency_limit=2, **common)
    save.click(handlers.save_prompts, **common)
    load.upload(handlers.open_prompts, load, concurrency_id="load", concurrency_limit=2, **common)


def _models(handlers: ModelHandlers, editor: gr.HTML, banner: gr.HTML, choice: ModelChoice) -> None:
    with gr.Column(elem_classes="s2-panel"):
        gr.HTML("<h2>Model and device</h2>", apply_default_css=False)
        model = gr.Dropdown(
            offered_models(choice.model),
            value=choice.model,
            label="Model",
            show_label=False,
            container=False,
            filterable=False,
            elem_id="model",
        )
        device = gr.Dropdown(
            offered_devices(),
            value=choice.device,
            label="Device",
            show_label=False,
            container=False,
            filterable=False,
            elem_id="device",
        )
    for picker in (model, device):
        picker.input(
            handlers.choose,
            [model, device],
            [editor, model, device, banner],
            concurrency_id="load",
            concurrency_limit=2,
            **_PRIVATE,
        )
