"""Masks and prompts read by a process of its own: the same outcome, and its end is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import PromptError
from sam2ov.mask_files import isolated, prompt_file, reading
from sam2ov.mask_files.reading import Choice
from tests.workers import misdeeds


def write_mask(path: Path) -> Path:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:20] = 255
    Image.fromarray(mask).save(path)
    return path


def write_prompts(folder: Path) -> Path:
    path = folder / "prompts.json"
    prompts = [
        {"frame": 0, "points": [{"x": 3, "y": 4}]},
        {"frame": 2, "mask": "masks/of 2.png"},
        {"frame": 4, "mask": "../elsewhere.png"},
    ]
    path.write_text(json.dumps({"objects": [{"id": 1, "prompts": prompts}]}))
    (folder / "masks").mkdir()
    write_mask(folder / "masks" / "of 2.png")
    write_mask(folder.parent / "elsewhere.png")
    return path


def test_prompts_are_those_of_this_process(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write_prompts(folder)
    assert isolated.read_prompt_file(path) == prompt_file.read_prompt_file(path)
    mask = write_mask(tmp_path / "00003.png")
    assert isolated.read_masks(mask) == reading.read_masks(mask)
    assert isolated.read_masks(folder / "masks", Choice(every=1)) == reading.read_masks(
        folder / "masks", Choice(every=1)
    )
    assert isolated.read_mask_prompt(mask, 3) == prompt_file.mask_prompt(mask, 3)
    plain = folder / "plain.json"
    plain.write_text('{"objects": [{"id": 1, "prompts": [{"frame": 0, "box": [1, 2, 3, 4]}]}]}')
    found = isolated.read_prompts_or_masks(plain, Choice(), 1 << 20)
    assert found == prompt_file.read_prompt_file(plain)


def test_what_is_wrong_with_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    with pytest.raises(PromptError, match="cannot be read"):
        isolated.read_prompt_file(path)
    path.write_text("{")
    with pytest.raises(PromptError, match="is not a prompt file"):
        isolated.read_prompt_file(path)
    path.write_text('{"objects": [{"id": 1, "prompts": [{"frame": 0, "mask": "no.png"}]}]}')
    with pytest.raises(PromptError, match=r"no\.png"):
        isolated.read_prompt_file(path)
    with pytest.raises(PromptError, match="nothing cannot be read: No such file"):
        isolated.read_masks(tmp_path / "nothing")


def test_a_crash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = write_mask(tmp_path / "00003.png")
    monkeypatch.setattr(reading, "read_masks", misdeeds.crash_whatever)
    monkeypatch.setattr(isolated, "_only", lambda path: misdeeds.allowed(path))
    with pytest.raises(PromptError, match=r"^00003\.png cannot be read: .* crashed \(signal 11\)"):
        isolated.read_masks(mask)
