"""What errors say is one line that no terminal follows, whatever they quote."""

import pytest
from pydantic import BaseModel, ValidationError

from sam2ov import errors
from sam2ov.commands.console import say
from sam2ov.errors import PromptError, Sam2ovError, first_fault, one_line

ESCAPES = "\x1b[31mred\x1b]0;title\x07 \x9b2J\r\n\nsecond\tline\u2028third \u202eevil \x00"


def test_no_message_has_control_characters() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = [kind for kind in kinds if issubclass(kind, Sam2ovError)]
    assert len(found) > 15
    for kind in found:
        message = str(kind(f"{ESCAPES} cannot be read."))
        assert message.isprintable(), kind
        assert message == (
            r"\x1b[31mred\x1b]0;title\x07 \x9b2J second line third \u202eevil \x00 cannot be read."
        )


def test_what_people_write_stays_as_it_is() -> None:
    text = "Ein „großes“ 日本語 🧑\u200d🚀 × – …: 3 % of  a"
    assert str(PromptError(text)) == text


def test_a_message_has_an_end() -> None:
    message = str(PromptError("begins " + "9" * 100_000 + " ends."))
    assert len(message) < 1300
    assert message.startswith("begins 9")
    assert message.endswith("9 ends.")
    assert one_line("\ud800" * 3) == r"\ud800" * 3


def test_of_data_that_do_not_fit_the_first_fault_is_told() -> None:
    class Inner(BaseModel):
        number: int

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": [{"number": "a\nb"}, {}]})
    assert first_fault(caught.value) == ("inner.0.number: it should be a whole number (and 1 more)")
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json("[")
    assert first_fault(caught.value).startswith("the whole file: it is no JSON")


def test_what_commands_say_is_as_safe(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"  {ESCAPES}: tracked")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert line.startswith(r"  \x1b[31mred")
