"""Small files that would take all memory, all time, or wait for ever."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.errors import PromptError
from sam2ov.mask_files.bundle import MAX_TEXT_BYTES
from sam2ov.mask_files.found import ObjectIds
from sam2ov.mask_files.json_bounds import MAX_VALUES
from sam2ov.mask_files.prompt_file import parse_prompt_file, read_mask_image, read_prompt_file
from sam2ov.mask_files.reading import Choice, read_masks, read_prompts_or_masks

COCO = '{{"images": {images}, "annotations": {annotations}}}'
MANY = 15_000_000


def memory_of(code: str) -> int:
    """The most memory in bytes that a Python process of its own took."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    "text",
    [
        COCO.format(images="[]", annotations="ZEROS"),
        COCO.format(images="ZEROS", annotations="[]"),
        '{"masklet": [ZEROS], "masklet_id": [1]}',
        '{"version": 1, "objects": [{"id": 1, "prompts": ZEROS}]}',
        '{"version": 1, "objects": [{"id": 1, "prompts": [{"frame": 0, "points": ZEROS}]}]}',
    ],
)
def test_millions_of_wrong_values_are_one_error(text: str, tmp_path: Path) -> None:
    """One error object each would take a kilobyte a value."""
    with zipfile.ZipFile(tmp_path / "zeros.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.json", text.replace("ZEROS", f"[{'0,' * MANY}0]"))
    packed = (tmp_path / "zeros.zip").stat().st_size
    assert packed < 100_000
    code = f"""
import resource, zipfile
from pathlib import Path
from sam2ov.errors import PromptError
from sam2ov.mask_files.prompt_file import parse_prompt_file
from sam2ov.mask_files.reading import read_masks
path = Path({os.fspath(tmp_path / "zeros.zip")!r})
try:
    if b"objects" in (content := zipfile.ZipFile(path).read("zeros.json")):
        parse_prompt_file(content, "zeros.json")
    else:
        read_masks(path)
except PromptError as error:
    assert len(str(error).splitlines()) == 1
else:
    raise SystemExit("it was read")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
    assert memory_of(code) < 1.5e9


def test_so_many_values_are_not_parsed(tmp_path: Path) -> None:
    text = "[" + "0," * (MAX_VALUES + 1) + "0]"
    with pytest.raises(PromptError, match=r"up to 20,000,\d+ values; up to 2,000,000"):
        parse_prompt_file(text, "many.json")
    path = tmp_path / "many.json"
    path.write_text('{"images": [], "annotations": ' + text + "}")
    with pytest.raises(PromptError, match="Split it"):
        read_masks(path)
    with pytest.raises(PromptError, match="Split it"):
        read_prompts_or_masks(path, Choice(), MAX_TEXT_BYTES)


def test_a_label_map_of_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1 << 16, (600, 800), dtype=np.uint16)
    Image.fromarray(noise).save(tmp_path / "00000.png")
    with pytest.raises(PromptError, match=r"00000\.png has \d\d,\d{3} different values"):
        read_masks(tmp_path / "00000.png")


def test_numbers_are_given_at_once_and_are_not_without_end() -> None:
    ids = ObjectIds()
    assert [ids.of(key) for key in ("a", 3, "b", "c", 3, 1)] == [1, 3, 2, 4, 3, 5]
    for number in range(9_995):
        ids.of(("track", number))
    with pytest.raises(PromptError, match="more than 10,000 objects"):
        ids.of("one more")


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/stdin")):
        for read in (read_masks, read_prompt_file, read_mask_image):
            with pytest.raises(PromptError, match="is no file"):
                read(path)
        with pytest.raises(PromptError, match="is no file"):
            read_prompts_or_masks(path.with_suffix(".json") if path == pipe else path, Choice(), 9)


def test_a_mask_of_too_many_pixels(tmp_path: Path) -> None:
    Image.new("1", (8_000, 6_000)).save(tmp_path / "large.png")
    with pytest.raises(PromptError, match=r"8000×6000 pixels, which is too many"):
        read_mask_image(tmp_path / "large.png")


def test_a_prompt_file_without_end(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    with path.open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(PromptError, match="is larger than 512 MB"):
        read_prompt_file(path)
