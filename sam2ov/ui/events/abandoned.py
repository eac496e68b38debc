"""Events whose page has gone while they were at work."""

import inspect
import threading
from collections.abc import Callable, Generator, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar, cast

Inputs = ParamSpec("Inputs")
Told = TypeVar("Told")


def closed_elsewhere(handler: Callable[Inputs, Iterator[Told]]) -> Callable[Inputs, Iterator[Told]]:
    """Have what a handler yields from closed in a thread of its own.

    Gradio closes the generator of a page that has gone in its event loop. Ours wait then for their
    work to notice, which may take as long as compiling a model; no page would be answered
    meanwhile.

    Args:
        handler: a function that yields; called by Gradio.
    """

    @wraps(handler)
    def run(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Iterator[Told]:
        running = cast("Generator[Told]", handler(*args, **kwargs))
        try:
            for told in running:  # noqa: UP028 - "yield from" would close it here
                yield told
        except GeneratorExit:
            threading.Thread(target=running.close, name="sam2ov-closing").start()
            raise

    # What Gradio looks at: of a method without its self.
    run.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    return run
