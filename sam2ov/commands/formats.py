"""``sam2ov formats``: what can be written, and for whom."""

import json
from typing import Annotated, Any

import typer

from sam2ov.export import FORMATS, ExportFormat


def formats(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the formats of exports with their options."""
    if as_json:
        print(json.dumps([_described(known) for known in FORMATS.values()], indent=1))
        return
    for known in FORMATS.values():
        facts = [known.suffix or "folder or .zip"]
        facts += ["alpha"] * known.has_alpha + ["lossless"] * known.is_lossless
        facts += ["--per-object"] * known.splits
        print(f"{known.name} ({', '.join(facts)})\n    {known.purpose}")
        if known.names is not None:
            print(f"    --names {known.names!r}")
        for name, field in known.options.model_fields.items():
            print(f"    --set {name}={_shown(field.default)}  {field.description}")


def _described(known: ExportFormat) -> dict[str, Any]:
    return {
        "name": known.name,
        "label": known.label,
        "purpose": known.purpose,
        "suffix": known.suffix,
        "alpha": known.has_alpha,
        "lossless": known.is_lossless,
        "per_object": known.splits,
        "several_clips": known.takes_several,
        "names": known.names,
        "options": known.options.model_json_schema().get("properties", {}),
    }


def _shown(value: object) -> str:
    return "…" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
