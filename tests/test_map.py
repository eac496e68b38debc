"""CONTRIBUTING's map is the tree: each reads as the other."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r"^( *)(\S+) {2,}(\S.*)$")
INDENT = 2
NOT_ON_THE_MAP = {"__init__.py", "__main__.py", "_version.py"}


def read_map() -> dict[str, set[str]]:
    """The names on each level by the folder they lie in: "", "sam2ov/", "sam2ov/ui/"."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Where things are\n```\n")[1].split("```")[0]
    levels: dict[str, set[str]] = {"": set()}
    path: list[str] = []
    for line in section.splitlines():
        found = LINE.match(line)
        assert found is not None, f"no entry of the map: {line!r}"
        indent, name, _ = found.groups()
        path = [*path[: len(indent) // INDENT], name]
        levels.setdefault("".join(path[:-1]), set()).add(name)
    return levels


@pytest.mark.parametrize("folder", ["", "sam2ov/", "sam2ov/ui/"])
def test_the_map_is_the_tree(folder: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", f"{folder}*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    there = {name for name in listed if name and (ROOT / name).is_file()}
    inside = {name.removeprefix(folder) for name in there}
    rooms = {f"{name.split('/')[0]}/" for name in inside if "/" in name}
    modules = {name for name in inside if name.endswith(".py") and "/" not in name}
    wanted = {name for name in rooms | modules if not name.startswith(".")} - NOT_ON_THE_MAP
    assert read_map()[folder] == wanted


def test_the_top_picture_can_be_taken_in() -> None:
    assert len(read_map()["sam2ov/"]) <= 25
