"""What fails is a line of the log; traces are kept of what is wrong with the server itself."""

import inspect
import logging
import re

import gradio.queueing
import gradio.routes
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient

from sam2ov.errors import PromptError
from sam2ov.ui.gate import failures
from sam2ov.values import palette


def fail_in_ours(error: type[Exception]) -> None:
    """Raise an error that comes out of code of ours."""
    code = compile(f"raise {error.__name__}('a')", palette.__file__, "exec")
    exec(code, {"ValueError": ValueError, "PromptError": PromptError})


@pytest.mark.parametrize(
    ("error", "has_trace"), [(ValueError, True), (PromptError, False)], ids=["unforeseen", "told"]
)
def test_our_own_mistakes_keep_their_traces(
    caplog: pytest.LogCaptureFixture, error: type[Exception], has_trace: bool
) -> None:
    with pytest.raises(error) as raised:
        fail_in_ours(error)
    failures.note_failure("GET /\x1b[31m", raised.value)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    said = f"GET /\\x1b[31m: {error.__name__}: a (palette.py:1)"
    assert record.getMessage() == said
    assert (record.exc_info is not None) is has_trace


def test_what_callers_cause_elsewhere_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="Expecting value") as raised:
        __import__("json").loads("x" * 9000)
    failures.note_failure("x" * 9000, raised.value)
    (record,) = caplog.records
    assert len(record.getMessage()) < 400
    assert record.exc_info is None


def test_gradio_s_own_failures_are_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (gradio.queueing, gradio.routes):
        monkeypatch.setattr(module, "traceback", module.traceback)  # is put back
        used = set(re.findall(r"\btraceback\.(\w+)", inspect.getsource(module)))
        assert used == {"print_exc"}, "all that it uses has to be there"
    failures.note_failures_of_gradio()
    try:
        raise KeyError("show")
    except KeyError:
        vars(gradio.queueing)["traceback"].print_exc()
    (record,) = caplog.records
    assert record.getMessage().startswith("An event failed: KeyError: 'show' (test_failures.py")
    assert record.exc_info is None


def test_a_malformed_body_is_not_sent_back() -> None:
    app = FastAPI()
    app.add_exception_handler(RequestValidationError, failures.malformed)

    @app.post("/")
    async def take(body: dict[str, int]) -> None:
        pass

    with TestClient(app) as client:
        answer = client.post("/", json=["secret"] * 1000)
    assert answer.status_code == 422
    assert answer.text == "The body of this request is not what its address takes."
