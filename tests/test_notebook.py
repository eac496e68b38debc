"""The walk-through runs from the first cell to the last and finds the objects."""

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.conftest import REPOSITORY

NOTEBOOK = REPOSITORY / "notebooks" / "walkthrough.ipynb"


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def printed(cells: Any) -> str:
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def test_it_is_committed_without_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.slow
def test_it_runs(
    notebook: Any, micro_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert micro_model.is_dir()
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    client.execute()
    text = printed(notebook.cells)
    means = re.search(r"mean IoU: ball ([\d.]+), box ([\d.]+)", text)
    assert means is not None, text
    assert min(float(mean) for mean in means.groups()) > 0.7
    corrected = re.search(r"frame \d+: IoU ([\d.]+) before, ([\d.]+) after", text)
    assert corrected is not None, text
    before, after = map(float, corrected.groups())
    assert after > max(before, 0.9), "a corrected frame keeps its correction"
    (folder,) = tmp_path.glob("sam2ov-walkthrough-*")
    written = {path.name for path in folder.iterdir()}
    assert written >= {"overlay.mp4", "matte.mp4", "davis", "prompts.json"}
    assert len(list((folder / "davis").rglob("*.png"))) == 48
