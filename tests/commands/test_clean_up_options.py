"""``--clean-up``: settings by name, on top of what a project says."""

import pytest
import typer

from sam2ov.commands.clean_up_options import changed
from sam2ov.commands.outputs import OptionValue
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp


def test_values_are_changed_one_by_one() -> None:
    present = CleanUp(grow=3, steady=2)
    assert changed(present, []) == present
    values = [OptionValue("grow", "-1.5"), OptionValue("fill_holes", "200")]
    assert changed(present, values) == CleanUp(grow=-1.5, steady=2, fill_holes=200)
    assert changed(NO_CLEAN_UP, values) == CleanUp(grow=-1.5, fill_holes=200)


@pytest.mark.parametrize(
    ("name", "value"), [("sharpen", "1"), ("steady", "1.5"), ("grow", "1000"), ("smooth", "nan")]
)
def test_others_are_refused_with_what_there_is(name: str, value: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"{name}={value}: .*fill_holes, remove_specks"):
        changed(NO_CLEAN_UP, [OptionValue(name, value)])
