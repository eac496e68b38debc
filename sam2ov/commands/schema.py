"""``sam2ov schema``: file formats as JSON Schema."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class _Format(StrEnum):
    prompts = "prompts"


def schema(
    file_format: Annotated[_Format, typer.Argument(metavar="prompts", help="The prompt file.")],
) -> None:
    """Print the JSON Schema of a file format."""
    from sam2ov.mask_files.prompt_file import PromptFile

    schemas = {_Format.prompts: PromptFile}
    print(json.dumps(schemas[file_format].model_json_schema(), indent=1))
