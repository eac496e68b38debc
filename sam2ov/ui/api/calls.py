"""What the public functions have in common: uploads, models, errors, and results."""

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import gradio as gr
from gradio import FileData
from gradio.utils import get_upload_folder
from gradio_client.utils import is_file_obj_with_meta

from sam2ov.engine.policy import PolicyName
from sam2ov.errors import CancelledError, ModelError, ModelNotFoundError, Sam2ovError, VideoError
from sam2ov.ui.contract.told import UNEXPECTED, told
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.pool.offers import offered_models
from sam2ov.zoo.presets import find_preset

TOLD_EVERY_SECONDS = 0.5
"""How often a caller hears that its call goes on, which is also when its leaving is noticed."""

_log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def gives(kind: object) -> Callable[[Function], Function]:
    """Describe a generator by its last value, which is the result of the call.

    Gradio reads the types of results from the signature, and would find those of an iterator.
    """

    def described(function: Function) -> Function:
        signature = inspect.signature(function).replace(return_annotation=kind)
        function.__signature__ = signature  # type: ignore[attr-defined]
        return function

    return described


@contextmanager
def reported() -> Iterator[None]:
    """Gives the caller the message of what went wrong on purpose."""
    try:
        yield
    except CancelledError:
        return
    except Sam2ovError as error:
        raise gr.Error(told(error), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        _log.error("A call of a public function failed.", exc_info=error)
        raise gr.Error(UNEXPECTED, print_exception=False) from error


def checked_upload(video: Any, what: str = "video") -> Path:
    """The path of an upload that Gradio has checked: it looks at values of this form only.

    Raises:
        VideoError: it is none.
    """
    if is_file_obj_with_meta(video):
        path = Path(video["path"])
        if path.resolve().is_relative_to(Path(get_upload_folder()).resolve()) and path.is_file():
            return path
    raise VideoError(
        f"The {what} must be an uploaded file: gradio_client.handle_file(path), or the URL of a "
        "file for MCP tools."
    )


def called_by(upload: Any, what: str = "video") -> str:
    """What the caller calls a checked upload, for messages and file names."""
    name = upload.get("orig_name")
    return name if isinstance(name, str) and name else f"the {what}"


def either(names: Iterable[str]) -> str:
    """Names to choose from, for a sentence."""
    *others, last = names
    return f"choose {', '.join(others)} or {last}" if others else f"choose {last}"


def file_of(path: Path) -> dict[str, Any]:
    """A file as the result of a call."""
    described: dict[str, Any] = FileData(path=str(path), orig_name=path.name).model_dump()
    return described


def checked_model(
    own: ModelChoice, model: str | None, preset: str | None, memory: str | None = None
) -> ModelChoice:
    """The model that a caller wants; what is left out is the server's ``own``.

    Raises:
        ModelNotFoundError: it is not on this server.
        ModelError: there is no such preset or memory.
    """
    if memory is not None and memory not in get_args(PolicyName):
        raise ModelError(
            f"There is no memory {str(memory)[:60]!r}; choose one of "
            f"{', '.join(get_args(PolicyName))}."
        )
    wanted = ModelChoice(
        model or own.model,
        own.device,
        own.preset if preset is None else find_preset(str(preset)).name,  # of any JSON
        own.memory if memory is None else cast("PolicyName", memory),
    )
    if wanted == own:
        return own
    here = [offer.name for offer in offered_models(own.model) if offer.is_here]
    if wanted.model not in here:
        raise ModelNotFoundError(
            f"There is no model {wanted.model!r} on this server: {either(here)}."
        )
    return wanted
