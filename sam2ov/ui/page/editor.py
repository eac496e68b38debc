"""The editor: a ``gr.HTML`` of canvases and controls with modules of its own (``web/``)."""

import re
from typing import Final

import gradio as gr

from sam2ov.ui.contract.messages import EditorProps
from sam2ov.ui.page.export_formats import format_views
from sam2ov.ui.routes.routes import WEB_FOLDER
from sam2ov.ui.settings import Settings
from sam2ov.values.objects import MAX_OBJECTS

_INCLUDE: Final = re.compile(r"<!-- include (\S+) -->")


def make_editor(script: str, settings: Settings) -> gr.HTML:
    """Frame, masks, prompts, objects, timeline and what goes with them.

    The value is the text of a ``Snapshot`` (``sam2ov.ui.contract.messages``): Gradio would compare
    and wrap every part of a structure. It goes to the page only, the component is never an input.
    The page's events are named in ``on_load.js``; each carries its payload
    (``sam2ov.ui.contract.payloads``) as ``payload``.

    Args:
        script: URL of the module that brings the template to life, relative to the page.
        settings: the limits of uploads, told to the user before anything is sent.
    """
    props = EditorProps(
        script=script,
        limits=settings.upload_text,
        keep_days=settings.keep_days,
        max_bytes=settings.video.max_bytes,
        max_pixels=settings.video.max_pixels,
        max_seconds=settings.video.max_duration_s,
        max_objects=MAX_OBJECTS,
        formats=format_views(),
    )
    return gr.HTML(
        html_template=editor_template(),
        js_on_load=(WEB_FOLDER / "on_load.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="editor",
        **props.model_dump(),
    )


def editor_template(name: str = "editor.html") -> str:
    """A template with those that it includes, by their places in ``web/``."""
    text = (WEB_FOLDER / name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: editor_template(found[1]), text)
