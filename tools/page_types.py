"""Write the types of what page and server say to each other: sam2ov/ui/web/messages.d.ts.

    python -m tools.page_types [--check]

They come from the pydantic models in sam2ov.ui.contract. With --check nothing is written; a file
that is not current is an error.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sam2ov.ui.contract import answers, messages, payloads, queries

TARGET = Path(__file__).resolve().parents[1] / "sam2ov" / "ui" / "web" / "messages.d.ts"

_HEAD = """\
// What page and server say to each other, from the models in sam2ov.ui.contract.
// Written by `python -m tools.page_types`: change the models, and run it again.
"""
_WIDTH = 100
_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}

Schema = dict[str, Any]


def page_types() -> str:
    """The text of the file."""
    roots: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "serialization") for module in (messages, answers) for model in _leaves(module)),
        *((model, "validation") for module in (payloads, queries) for model in _leaves(module)),
    ]
    _, schema = models_json_schema(roots)
    parts = [_declaration(name, of) for name, of in sorted(schema["$defs"].items())]
    edits = "".join(f"\n  | {model.__name__}" for model in get_args(payloads.Edit))
    parts.append(f"/** What is done to the open clip, in steps. */\nexport type Edit ={edits};\n")
    return "\n".join([_HEAD, *parts])


def _leaves(module: ModuleType) -> Iterator[type[BaseModel]]:
    """The models of a module that no other one extends."""
    own = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and kind.__module__ == module.__name__
    ]
    for kind in own:
        if not any(issubclass(other, kind) and other is not kind for other in own):
            yield kind


def _declaration(name: str, schema: Schema) -> str:
    comment = "".join(_comment(schema["description"], ""))
    if "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema)};\n"
    required = schema.get("required", [])
    members = "".join(
        "".join(_comment(of.get("description", ""), "  "))
        + f"  {key}{'' if key in required else '?'}: {_type(of)};\n"
        for key, of in schema["properties"].items()
    )
    return f"{comment}export interface {name} {{\n{members}}}\n"


def _comment(text: str, indent: str) -> Iterator[str]:
    lines = [
        line
        for paragraph in text.replace("``", "`").split("\n\n")
        for line in textwrap.wrap(paragraph, _WIDTH - len(indent) - 7)
    ]
    if not lines:
        return
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */\n"
        return
    yield f"{indent}/**\n"
    yield from (f"{indent} * {line}\n" for line in lines)
    yield f"{indent} */\n"


def _type(schema: Schema) -> str:
    """A JSON schema as a type.

    Raises:
        NotImplementedError: it says something that no model of the page has said so far.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(part) for part in schema["anyOf"])
    if "const" in schema:
        return _literals([schema["const"]])
    if "enum" in schema:
        return _literals(schema["enum"])
    match schema.get("type"):
        case "null":
            return "null"
        case "array" if "prefixItems" in schema:
            return f"[{', '.join(_type(part) for part in schema['prefixItems'])}]"
        case "array":
            item = _type(schema["items"])
            return f"({item})[]" if " | " in item else f"{item}[]"
        case "object" if "additionalProperties" in schema:
            return f"{{ [key: string]: {_type(schema['additionalProperties'])} }}"
        case str(kind) if kind in _SIMPLE:
            return _SIMPLE[kind]
    raise NotImplementedError(f"tools/page_types.py knows no type for {schema}: add it there.")


def _literals(values: Iterable[str]) -> str:
    return " | ".join(f'"{value}"' for value in values)


def main() -> None:
    """Write the file, or say whether it is current."""
    parser = argparse.ArgumentParser(description="Types of what page and server say to each other.")
    parser.add_argument("--check", action="store_true", help="Write nothing; fail if not current.")
    check = parser.parse_args().check
    text = page_types()
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not what the models say: run python -m tools.page_types.")


if __name__ == "__main__":
    main()
