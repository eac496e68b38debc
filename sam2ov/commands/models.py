"""``sam2ov models`` and ``sam2ov devices``: what there is to choose from."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def models(as_json: AsJson = False) -> None:
    """List the models that have a name.

    Those marked "available" are fetched and converted when they are first used.
    """
    from sam2ov.zoo.catalogue import list_models

    entries = list_models()
    if as_json:
        rows = [
            {
                "name": entry.name,
                "status": entry.status,
                "description": entry.description,
                "parameters": entry.parameters,
                "download_bytes": entry.download_bytes,
                "path": str(entry.path) if entry.path is not None else None,
            }
            for entry in entries
        ]
        print(json.dumps(rows, indent=1))
        return
    table = [("NAME", "STATUS", "DOWNLOAD", "DESCRIPTION")]
    for entry in entries:
        size = f"{entry.download_bytes / 1e6:.0f} MB" if entry.download_bytes else "-"
        table.append((entry.name, entry.status, size, entry.description))
    _print_table(table)


def devices(as_json: AsJson = False) -> None:
    """List the devices that OpenVINO finds on this machine."""
    from sam2ov.engine.devices import available_devices

    found = available_devices()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    _print_table([("DEVICE", "NAME"), *found.items()])


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
