"""Panels beside the editor: clean-up, the project, the model, and the way in for programs."""

from typing import Any

import gradio as gr

from sam2ov.ui.events.abandoned import closed_elsewhere
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.unknown import known_only
from sam2ov.ui.routes.routes import WEB_FOLDER

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Events of the page are no part of the public API; the editor shows progress itself."""


def project_panel(handlers: FileHandlers, editor: gr.HTML) -> None:
    """The project as a file, and its prompts alone; the page's own script fills it in."""
    with gr.Column(elem_classes="s2-panel", elem_id="project-panel"):
        html((WEB_FOLDER / "panels/project.html").read_text(encoding="utf-8"))
        html(
            "<p>Prompts alone, for <code>sam2ov track</code> or another clip. Masks from elsewhere "
            "can be opened, too: COCO, SA-V, CVAT, DAVIS, MOTS, PNG.</p>"
        )
        with gr.Row():
            save = gr.Button("Save prompts", size="md", elem_id="save-prompts", min_width=80)
            load = gr.UploadButton(
                "Open prompts",
                file_types=[".json", ".xml", ".png", ".zip"],
                size="md",
                elem_id="open-prompts",
                min_width=80,
            )
        masks = gr.Radio(
            [("First masks", "first"), ("All masks", "all")],
            value="first",
            label="Masks to take from a file",
            show_label=False,
            container=False,
            elem_id="open-masks",
        )
    save.click(known_only(handlers.save_prompts), None, editor, **PRIVATE)
    load.upload(
        closed_elsewhere(known_only(handlers.open_prompts)),
        [load, masks],
        editor,
        concurrency_id="load",
        concurrency_limit=2,
        **PRIVATE,
    )


def model_panel() -> None:
    """The model in use, and the way to the others; the page's own script fills it in."""
    with gr.Column(elem_classes="s2-panel", elem_id="model-panel"):
        html((WEB_FOLDER / "panels/model.html").read_text(encoding="utf-8"))


def clean_up_panel() -> None:
    """How the chosen object's masks are cleaned up; the page's own script fills it in."""
    with gr.Column(elem_classes="s2-panel", elem_id="clean-up-panel"):
        html((WEB_FOLDER / "panels/clean_up.html").read_text(encoding="utf-8"))


def programs_panel() -> None:
    """Where the public functions are described."""
    with gr.Column(elem_classes="s2-panel", elem_id="programs-panel"):
        html((WEB_FOLDER / "panels/programs.html").read_text(encoding="utf-8"))


def html(text: str, **options: Any) -> gr.HTML:
    """A piece of the page in HTML, in the colours of its theme."""
    return gr.HTML(text, apply_default_css=False, **options)
