"""Small files that would take all memory, all time, or wait for ever."""

import io
import json
import os
import random
import struct
import subprocess
import sys
import zipfile
import zlib
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
import zipfile
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
# Of this program alone: getrusage counts what forked it, too.
(most,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(int(most.split()[1]) * 1024)
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


# ---- One clear line for each kind of damage


def zip_of(path: Path, name: str, content: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr(name, content)
    return path


def one_line_of(path: Path) -> str:
    with pytest.raises(PromptError) as caught:
        read_masks(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_with_any_damage_says_so(tmp_path: Path, method: int) -> None:
    rng = random.Random(method)
    content = json.dumps({"images": [], "annotations": []}).encode() * 20
    whole = zip_of(tmp_path / "whole.zip", "a.json", content, method).read_bytes()
    path = tmp_path / "a.zip"
    said = set()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.choice([1, 2, 8])):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 255, rng.randrange(256)])
        path.write_bytes(damaged)
        said.add("damaged" in one_line_of(path))
    assert True in said


def test_names_in_archives_reach_no_terminal(tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.fromarray(np.ones((4, 4), np.uint8)).save(png, "PNG")
    broken = png.getvalue()[:-20]
    for name in ("\x1b[31m1.png", "a\n1.png", "\u202e1.png"):
        one_line_of(zip_of(tmp_path / "a.zip", name, broken))
    assert "digits" in one_line_of(zip_of(tmp_path / "a.zip", f"{'9' * 5000}.png", png.getvalue()))


def png_that_says(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(2**31 - 1, 100), (60_000, 60_000), (65_500, 10), (1, 40_000)])
def test_pictures_that_say_they_are_huge(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(png_that_says(*size))
    one_line_of(path)
    with pytest.raises(PromptError):
        read_mask_image(path)


CVAT = """<annotations><meta><original_size><width>30</width><height>20</height></original_size>
</meta><track id="{id}" label="dog"><{shape} frame="{frame}" outside="0"/></track></annotations>"""


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ('box xtl="5" ytl="5" xbr="5" ybr="9"', "a box goes from"),
        ('box xtl="nan" ytl="5" xbr="5" ybr="9"', "xtl='nan' is no coordinate"),
        ('box xtl="1e400" ytl="5" xbr="5" ybr="9"', "is no coordinate"),
        ('box xtl="1" ytl="5" xbr="5"', "lacks 'ybr'"),
        ('polygon points="1,1;inf,2;3,3"', "is no coordinate"),
        ('polygon points="1,1;2;3,3"', "no pairs"),
        ('mask left="0" top="0" width="2" height="²" rle="1,3"', "is no whole number"),
        (f'mask left="0" top="0" width="2" height="2" rle="{"9" * 5000}"', "is no whole number"),
    ],
)
def test_what_is_wrong_in_a_cvat_file_is_named(tmp_path: Path, shape: str, said: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(CVAT.format(id=0, shape=shape, frame=0), encoding="utf-8")
    assert said in one_line_of(path)


@pytest.mark.parametrize("number", ["9" * 5000, "-", "1_0", "\u0661\u0662"])
def test_numbers_of_a_cvat_file(tmp_path: Path, number: str) -> None:
    box = 'box xtl="1" ytl="1" xbr="5" ybr="9"'
    for values in ({"id": number, "frame": 0}, {"id": 0, "frame": number}):
        path = tmp_path / "a.xml"
        path.write_text(CVAT.format(shape=box, **values), encoding="utf-8")
        assert "is no whole number" in one_line_of(path)


def test_a_prompt_file_names_its_first_fault_safely(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    for key in ("\x1b[31m", "9" * 5000, "a\nb"):
        path.write_text(json.dumps({"objects": [{"id": 1, key: 2, "prompts": []}]}))
        with pytest.raises(PromptError, match="is not a prompt file: objects") as caught:
            read_prompt_file(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500
    prompt = {"frame": 0, "mask": "a\0b.png"}
    path.write_text(json.dumps({"objects": [{"id": 1, "prompts": [prompt]}]}))
    with pytest.raises(PromptError, match="is not a prompt file"):
        read_prompt_file(path)


def test_a_frame_that_no_database_counts(tmp_path: Path) -> None:
    box = 'box xtl="1" ytl="1" xbr="5" ybr="9"'
    path = tmp_path / "a.xml"
    path.write_text(CVAT.format(shape=box, id=0, frame=1 << 63), encoding="utf-8")
    assert one_line_of(path) == "The files have a frame 9.223e+18, which no video has."
