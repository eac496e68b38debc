"""The panel of exports, made from the registry of formats: a new format needs nothing here."""

import json
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import gradio as gr
from gradio.components import Component
from pydantic.fields import FieldInfo

from sam2ov.export import FORMATS
from sam2ov.ui.events.abandoned import closed_elsewhere
from sam2ov.ui.events.export_form import MAX_FIRST_NUMBER, MAX_TEMPLATE_LENGTH, ExportForm
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.unknown import known_only
from sam2ov.ui.page.panels import PRIVATE, html

_CHOSEN_OBJECT = "Number(document.querySelector('#editor .s2').dataset.object || 0)"


def export_panel(handlers: FileHandlers, editor: gr.HTML) -> None:
    """What to export, of which objects, on which frames, and how."""
    purposes = {name: f"<p>{known.purpose}</p>" for name, known in FORMATS.items()}
    with gr.Column(elem_classes="s2-panel", elem_id="export-panel"):
        html("<h2>Export</h2>")
        kind = gr.Dropdown(
            [(known.label, name) for name, known in FORMATS.items()],
            value="overlay",
            label="What to export",
            show_label=False,
            container=False,
            filterable=False,
            elem_id="export-kind",
        )
        purpose = html(purposes["overlay"], elem_id="export-purpose")
        objects = gr.Radio(
            [("All objects", "all"), ("Chosen one", "chosen")],
            value="all",
            label="Objects",
            show_label=False,
            container=False,
            elem_id="export-objects",
        )
        frames = gr.Radio(
            [("In to out", "range"), ("Whole clip", "clip")],
            value="range",
            label="Frames",
            show_label=False,
            container=False,
            elem_id="export-frames",
        )
        chosen = gr.Number(visible=False, precision=0)
        with gr.Accordion("Options", open=False, elem_id="export-options"):
            controls = _Controls()
        export = gr.Button("Export and download", variant="primary", size="md", elem_id="export")
    kind.input(None, kind, purpose, js=f"(kind) => ({json.dumps(purposes)})[kind]", **PRIVATE)
    kind.input(controls.show, kind, controls.shown, queue=False, **PRIVATE)

    def answer(
        request: gr.Request, kind: str, objects: str, frames: str, chosen: int | None, *values: Any
    ) -> Iterator[str]:
        form = controls.filled_in(kind, objects, frames, chosen or 0, values)
        yield from handlers.export(form, request)

    export.click(
        closed_elsewhere(known_only(answer)),
        [kind, objects, frames, chosen, *controls.inputs],
        editor,
        # Which object is chosen is known to the page only.
        js=f"(kind, objects, frames, _, ...rest) => "
        f"[kind, objects, frames, {_CHOSEN_OBJECT}, ...rest]",
        concurrency_id="export",
        concurrency_limit=2,
        **PRIVATE,
    )


class _Controls:
    """The controls of what all formats have in common, and of each format's own options."""

    def __init__(self) -> None:
        first = next(iter(FORMATS.values()))
        self.per_object = gr.Checkbox(
            label="A file for each object", visible=first.splits, elem_id="export-per-object"
        )
        self.keep_start = gr.Checkbox(
            label="Keep the clip's start time", visible=first.has_times, elem_id="export-keep-start"
        )
        self.square_pixels = gr.Checkbox(
            label="Square pixels", elem_id="export-square-pixels", info="Where the clip's are not."
        )
        self.first_number = gr.Number(
            None,
            label="Number of the clip's first frame",
            placeholder="as it is",
            precision=0,
            minimum=0,
            maximum=MAX_FIRST_NUMBER,
            elem_id="export-first-number",
        )
        self.names = gr.Textbox(
            label="Names of files",
            max_length=MAX_TEMPLATE_LENGTH,
            placeholder=first.names or "",
            visible=first.names is not None,
            info="{clip}, {object}, {id}, {frame:05d}",
            elem_id="export-names",
        )
        self._own: dict[tuple[str, str], Component] = {
            (known.name, name): (_upload if name in known.file_options else _control)(
                known.name, name, field, visible=known is first
            )
            for known in FORMATS.values()
            for name, field in known.options.model_fields.items()
        }

    @property
    def inputs(self) -> list[Component]:
        """All of them, in the order of ``filled_in``'s values."""
        common = [
            self.per_object,
            self.keep_start,
            self.square_pixels,
            self.first_number,
            self.names,
        ]
        return [*common, *self._own.values()]

    @property
    def shown(self) -> list[Component]:
        """Those that ``show`` answers about."""
        return [self.per_object, self.keep_start, self.names, *self._own.values()]

    def show(self, kind: str) -> list[dict[str, Any]]:
        """Show what goes with a format."""
        wanted = FORMATS.get(kind)
        if wanted is None:
            return [gr.skip() for _ in self.shown]
        return [
            gr.update(visible=wanted.splits),
            gr.update(visible=wanted.has_times),
            gr.update(visible=wanted.names is not None, placeholder=wanted.names or "", value=""),
            *(gr.update(visible=owner == kind) for owner, _ in self._own),
        ]

    def filled_in(
        self, kind: str, objects: str, frames: str, chosen: int, values: tuple[Any, ...]
    ) -> ExportForm:
        """The panel as it was filled in; what is empty has its default."""
        per_object, keep_start, square_pixels, first_number, names, *own = values
        given = {
            name: value
            for (owner, name), value in zip(self._own, own, strict=True)
            if owner == kind and value not in (None, "")
        }
        uploads = FORMATS[kind].file_options if kind in FORMATS else frozenset()
        return ExportForm(
            kind,
            objects,
            frames,
            chosen,
            per_object=bool(per_object),
            keep_start=bool(keep_start),
            square_pixels=bool(square_pixels),
            first_number=None if first_number is None else int(first_number),
            names=str(names or ""),
            options={name: value for name, value in given.items() if name not in uploads},
            files={name: str(value) for name, value in given.items() if name in uploads},
        )


def _upload(owner: str, name: str, field: FieldInfo, *, visible: bool) -> Component:
    """The control for a file; programs and the page name no files of the server."""
    return gr.File(
        label=f"{name.capitalize()}: {field.description}",
        file_types=["image", "video"],
        type="filepath",
        visible=visible,
        height=110,
        elem_id=f"export-{owner}-{name}",
    )


def _control(owner: str, name: str, field: FieldInfo, *, visible: bool) -> Component:
    """The control that suits an option's type."""
    common: dict[str, Any] = {
        "label": name.replace("_", " ").capitalize(),
        "info": field.description,
        "visible": visible,
        "elem_id": f"export-{owner}-{name}",
    }
    kind = field.annotation
    if kind is bool:
        return gr.Checkbox(field.default, **common)
    if get_origin(kind) is Literal:
        return gr.Dropdown(list(get_args(kind)), value=field.default, filterable=False, **common)
    if kind is int or int in get_args(kind):
        return gr.Number(field.default, precision=0, **common)
    if kind is float or float in get_args(kind):
        return gr.Number(field.default, step=0.05, **common)
    return gr.Textbox(field.default, **common)
