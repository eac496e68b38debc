"""Events of pages that the server does not know: it was started anew, or has closed them.

Only a page's hello (``ready``) makes a place for it, so what nobody looks at takes none.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sam2ov.errors import PageUnknownError
from sam2ov.ui.contract.messages import SayHello

Inputs = ParamSpec("Inputs")
Answer = TypeVar("Answer", str, Iterator[str])


def known_only(handler: Callable[Inputs, Answer]) -> Callable[Inputs, Answer]:
    """Have a page that is not known asked for its hello, in place of a handler's snapshots.

    Args:
        handler: gives or yields snapshots; called by Gradio.
    """
    call: Callable[Inputs, Any] = handler
    hello = SayHello(unknown=True).model_dump_json()

    @wraps(handler)
    def give(*args: Inputs.args, **kwargs: Inputs.kwargs) -> str:
        try:
            snapshot: str = call(*args, **kwargs)
        except PageUnknownError:
            return hello
        return snapshot

    @wraps(handler)
    def tell(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Iterator[str]:
        try:
            yield from call(*args, **kwargs)
        except PageUnknownError:
            yield hello

    known: Callable[Inputs, Any] = tell if inspect.isgeneratorfunction(handler) else give
    # What Gradio looks at: of a method without its self.
    known.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    return known
