"""What holds for every format: round trips, odd cases, mistakes, cancelling, full disks, memory."""

import builtins
import errno
import re
import tracemalloc
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from sam2ov.errors import CancelledError, ExportError, VideoWriteError
from sam2ov.export import FORMATS, ExportSettings
from sam2ov.export.formats import FormatName
from sam2ov.export.plan import ExportSource
from sam2ov.export.run import run_export
from sam2ov.export.tracked_masks import TrackedMasks
from sam2ov.progress import Progress
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.video import open_video
from tests.clips import Encoding, write_clip
from tests.export.conftest import EMPTY, OBJECTS, StoredLogits, Write
from tests.export.readers import EXACT, ON_TOP, Masks, files_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools

ALL = tuple(FORMATS)
TREES = tuple(name for name, known in FORMATS.items() if known.suffix is None)
TEXTS = tuple(name for name, known in FORMATS.items() if known.suffix in {".json", ".xml"})
OUTPUTS = [f"{name}/out" for name in TREES] + [f"{name}/out.zip" for name in TREES]
OUTPUTS += [f"{name}/out{FORMATS[name].suffix}" for name in TEXTS]


def place(folder: Path, name: str) -> Path:
    return folder / f"out{FORMATS[name].suffix or ''}"


def expected(logits: FloatArray, name: str, frames: Sequence[int] = range(24)) -> Masks:
    """The masks that are not empty, by frame and object."""
    first, second = np.moveaxis(logits > 0, 1, 0)
    if name in ON_TOP:
        second = second & ~first
    found = {(i, 1): first[i] for i in frames} | {(i, 7): second[i] for i in frames}
    return {key: mask for key, mask in found.items() if mask.any()}


def assert_same(found: Masks, wanted: Masks) -> None:
    present = {key: mask for key, mask in found.items() if mask.any()}
    assert present.keys() == wanted.keys()
    for key, mask in wanted.items():
        np.testing.assert_array_equal(present[key], mask)


def test_names_are_in_one_place() -> None:
    assert get_args(FormatName) == ALL
    for known in FORMATS.values():
        assert callable(known.load())
        for field in known.options.model_fields.values():
            assert field.description


@pytest.mark.parametrize("name", EXACT)
def test_masks_come_back_to_the_pixel(
    write: Write, logits: FloatArray, tmp_path: Path, name: str
) -> None:
    seen: list[Progress] = []
    (path,) = write(name, place(tmp_path, name), progress=seen.append)
    assert_same(EXACT[name](path), expected(logits, name))
    assert [(step.done, step.total) for step in seen] == [(done, 24) for done in range(1, 25)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [n for n in EXACT if n != "cvat"])
def test_ranges_keep_the_numbers_of_the_clip(
    write: Write, logits: FloatArray, tmp_path: Path, name: str
) -> None:
    (path,) = write(name, place(tmp_path, name), frames=range(3, 10), first_number=100)
    wanted = expected(logits, name, range(3, 10))
    assert_same(EXACT[name](path), {(i + 100, obj): mask for (i, obj), mask in wanted.items()})


@pytest.mark.parametrize("name", ALL)
def test_one_frame(write: Write, logits: FloatArray, tmp_path: Path, name: str) -> None:
    (path,) = write(name, place(tmp_path, name), frames=range(2, 3))
    if name in EXACT:
        assert_same(EXACT[name](path), expected(logits, name, [2]))
    else:
        assert path.exists()


@pytest.mark.parametrize("name", ALL)
def test_empty_masks(write: Write, tmp_path: Path, name: str) -> None:
    (path,) = write(name, place(tmp_path, name), frames=EMPTY)
    if name in EXACT:
        assert_same(EXACT[name](path), {})
    assert path.exists()


@pytest.mark.parametrize("name", ALL)
def test_without_objects_there_is_nothing_to_write(write: Write, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="Between 1 and 255 objects"):
        write(name, place(tmp_path, name), objects=())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_odd_sizes(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 255, (3, 33, 47, 3), np.uint8)
    lossless = Encoding(".mkv", codec="ffv1", pix_fmt="bgr0")
    clip = write_clip(tmp_path / "odd", frames, lossless)
    logits = rng.normal(size=(3, 2, 33, 47)).astype(np.float32)
    out = tmp_path / "out"
    out.mkdir()
    with open_video(clip) as reader:
        assert reader.size_hw == (33, 47)
        masks = TrackedMasks(StoredLogits(logits), OBJECTS)
        source = ExportSource.of("my clip.mkv", reader, masks)
        (path,) = run_export(FORMATS[name], [source], place(out, name))
    if name in EXACT:
        wanted: Masks = {}
        for frame, (one, seven) in enumerate(logits):
            on_top = name in ON_TOP
            wanted[frame, 1] = (one > 0) & ((one >= seven) | (not on_top))
            wanted[frame, 7] = (seven > 0) & ((seven > one) | (not on_top))
        assert_same(EXACT[name](path), wanted)


@pytest.mark.parametrize("name", ALL)
def test_cancelling_leaves_what_was_there(write: Write, tmp_path: Path, name: str) -> None:
    path = place(tmp_path, name)
    write(name, path, frames=range(3))
    before = snapshot(tmp_path)
    asked = iter(range(100))
    with pytest.raises(CancelledError):
        write(name, path, cancel=lambda: next(asked) == 5)
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class _FullDisk:
    """A file that takes some bytes and no more."""

    def __init__(self, file: Any, left: list[int]) -> None:
        self._file = file
        self._left = left

    def write(self, content: Any) -> Any:
        self._left[0] -= len(content)
        if self._left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_FullDisk":
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_full_disk_leaves_nothing(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    name, file_name = output.split("/")
    path = tmp_path / file_name
    left = [1500]
    io_open = open

    def opened(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        made = io_open(file, mode, *rest, **options)
        is_written = "w" in mode and str(tmp_path) in str(file)
        return _FullDisk(made, left) if is_written else made

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr("io.open", opened)
    with pytest.raises(ExportError, match=r"No space left on device\. Free some space") as caught:
        write(name, path)
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_a_missing_folder_is_named(write: Write, tmp_path: Path, name: str) -> None:
    missing = tmp_path / "missing"
    with pytest.raises((ExportError, VideoWriteError), match=re.escape(str(missing))):
        write(name, place(missing, name))


class EndlessLogits(StoredLogits):
    """The same picture on each of many frames."""

    @property
    def num_frames(self) -> int:
        return 240

    def logits_at(
        self, frame_idx: int, size_hw: tuple[int, int], obj_ids: Sequence[int] | None = None
    ) -> FloatArray:
        return super().logits_at(0, size_hw, obj_ids)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.zeros((240, 96, 128, 3), np.uint8)
    encoding = Encoding(time_base=Fraction(1, 24), options={"preset": "ultrafast"})
    return write_clip(tmp_path_factory.mktemp("long") / "long", frames, encoding)


@pytest.mark.parametrize("name", ALL)
def test_memory_does_not_grow_with_the_length(
    logits: FloatArray, long_clip: Path, tmp_path: Path, name: str
) -> None:
    with open_video(long_clip, cache_bytes=0) as reader:

        def peak(num_frames: int) -> int:
            masks = TrackedMasks(EndlessLogits(logits), OBJECTS, range(num_frames))
            source = ExportSource.of("my clip.mp4", reader, masks)
            tracemalloc.start()
            run_export(FORMATS[name], [source], place(tmp_path, name))
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        peak(2)
        few = peak(20)
        # Texts are copied in parts of 64 kB; a mask takes 12 kB, 220 more would take 2.7 MB.
        assert peak(240) < few + 400_000


def test_options_are_checked() -> None:
    with pytest.raises(ExportError, match="coco does not take segmentation=bitmap"):
        FORMATS["coco"].parse_options({"segmentation": "bitmap"})
    with pytest.raises(ExportError, match="does not take quality=95"):
        FORMATS["masks"].parse_options({"quality": "95"})
    settings = ExportSettings(options=FORMATS["coco"].options())
    with pytest.raises(ExportError, match="not the options of the format masks"):
        FORMATS["masks"].check(Path("out"), settings)


@pytest.mark.parametrize(
    ("name", "path", "common", "message"),
    [
        ("coco", "out.txt", {}, r"is a \.json file, which out\.txt is not"),
        ("masks", "out.png", {}, r"out\.png is neither"),
        ("coco", "out.json", {"per_object": True}, "has all objects in one output already"),
        ("sav", "out.json", {"names": "{frame}"}, "has names of its own"),
        ("sav", "out.json", {"keep_start": True}, "has no times to be kept"),
        ("masks", "out", {"names": "{id}"}, r"same name: put \{frame\} into it"),
        ("masks", "out", {"names": "{frame}"}, r"put \{object\} or \{id\} into it"),
        ("matte", "out.mp4", {"names": "a/{id}", "per_object": True}, "has a folder in it"),
    ],
)
def test_what_a_format_does_not_take_is_said_first(
    write: Write, tmp_path: Path, name: str, path: str, common: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        write(name, tmp_path / path, **common)
    assert list(tmp_path.iterdir()) == []


def test_objects_of_one_name_do_not_share_a_file(write: Write, tmp_path: Path) -> None:
    twins = [ClipObject(i, "Dog", "#000000") for i in (1, 7)]
    with pytest.raises(ExportError, match="Several objects are called dog"):
        write("masks", tmp_path / "out", objects=twins, names="{object}/{frame}")
    write("masks", tmp_path / "out", objects=twins, names="{object}-{id}/{frame:03d}")
    assert "Dog-7/023.png" in files_of(tmp_path / "out")
