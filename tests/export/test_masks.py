"""Palette PNGs, read back with Pillow."""

import errno
import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.errors import CancelledError, ExportError
from sam2ov.export import ExportedObject, TrackedMasks, export_masks
from sam2ov.masks import FloatArray
from sam2ov.palette import davis_palette
from sam2ov.session import VideoSession
from tests.export.conftest import OBJECTS, StoredLogits


def read(content: Path | io.BytesIO) -> npt.NDArray[np.uint8]:
    """The indices of a palette PNG, whose palette is checked."""
    with Image.open(content) as image:
        assert (image.format, image.mode) == ("PNG", "P")
        palette = image.getpalette()
        assert palette is not None
        np.testing.assert_array_equal(np.reshape(palette, (-1, 3)), davis_palette()[: len(palette)])
        return np.asarray(image)


def expected(logits: FloatArray, frame_idx: int) -> npt.NDArray[np.uint8]:
    """Object ids; the first object is surer of itself and lies on top."""
    first, second = logits[frame_idx] > 0
    return np.where(first, 1, np.where(second, 7, 0)).astype(np.uint8)


def test_a_folder_holds_one_picture_a_frame(
    tracked: TrackedMasks, logits: FloatArray, tmp_path: Path
) -> None:
    folder = tmp_path / "masks"
    assert export_masks(tracked, folder) == folder
    names = sorted(entry.name for entry in folder.iterdir())
    assert names == [f"{number:05d}.png" for number in range(24)]
    for number, name in enumerate(names):
        np.testing.assert_array_equal(read(folder / name), expected(logits, number))
    assert [entry.name for entry in tmp_path.iterdir()] == ["masks"]


def test_numbers_are_those_of_the_source(session: VideoSession, tmp_path: Path) -> None:
    chosen = TrackedMasks(session, OBJECTS, range(20, 23))
    export_masks(chosen, tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "00020.png",
        "00021.png",
        "00022.png",
    ]
    export_masks(chosen, tmp_path / "b", first_number=99_978)
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [
        "099998.png",
        "099999.png",
        "100000.png",
    ]


def test_an_archive_holds_the_same_and_is_reproducible(
    tracked: TrackedMasks, tmp_path: Path
) -> None:
    folder, path = tmp_path / "masks", tmp_path / "masks.zip"
    export_masks(tracked, folder)
    export_masks(tracked, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(p.name for p in folder.iterdir())
        for name in archive.namelist():
            assert archive.read(name) == (folder / name).read_bytes()
        read(io.BytesIO(archive.read("00000.png")))
    first = path.read_bytes()
    export_masks(tracked, path)
    assert path.read_bytes() == first


def test_an_earlier_export_is_replaced_as_a_whole(session: VideoSession, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    export_masks(TrackedMasks(session, OBJECTS), folder)
    export_masks(TrackedMasks(session, OBJECTS, range(2)), folder)
    assert sorted(p.name for p in folder.iterdir()) == ["00000.png", "00001.png"]


def test_a_folder_of_other_things_is_left_alone(tracked: TrackedMasks, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "photo.png").write_text("precious")
    with pytest.raises(ExportError, match="holds other things than masks"):
        export_masks(tracked, folder)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ExportError, match="holds other things than masks"):
        export_masks(tracked, tmp_path / "file")
    assert (folder / "photo.png").read_text() == (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("name", ["masks", "masks.zip"])
def test_cancelling_keeps_the_earlier_export(
    tracked: TrackedMasks, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    export_masks(tracked, path)
    before = snapshot(tmp_path)
    asked = iter(range(100))
    with pytest.raises(CancelledError):
        export_masks(tracked, path, first_number=50, cancel=lambda: next(asked) == 3)
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_full_disk_leaves_nothing(
    tracked: TrackedMasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def write_bytes(path: Path, content: bytes) -> int:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        path.open("wb").close()
        return len(content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(ExportError, match=r"No space left on device\. Free some space") as caught:
        export_masks(tracked, tmp_path / "masks")
    assert str(tmp_path / "masks") in str(caught.value)
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tracked: TrackedMasks, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="No such file or directory"):
        export_masks(tracked, tmp_path / "missing" / "masks.zip")


def test_ids_that_are_no_palette_index_are_refused(logits: FloatArray, tmp_path: Path) -> None:
    session = cast(VideoSession, StoredLogits(logits, obj_ids=(1, 300)))
    objects = [ExportedObject(300, "cat", (0, 0, 0))]
    with pytest.raises(ExportError, match="objects 1 to 255, not 300: renumber"):
        export_masks(TrackedMasks(session, objects), tmp_path / "masks")


class EndlessLogits(StoredLogits):
    """The same picture on each of many frames."""

    @property
    def num_frames(self) -> int:
        return 400

    def logits_at(self, frame_idx: int, size_hw: tuple[int, int], obj_ids: list[int]) -> FloatArray:
        return super().logits_at(0, size_hw, obj_ids)


def test_memory_does_not_grow_with_the_length(logits: FloatArray, tmp_path: Path) -> None:
    session = cast(VideoSession, EndlessLogits(logits))

    def peak(num_frames: int) -> int:
        tracemalloc.start()
        export_masks(TrackedMasks(session, OBJECTS, range(num_frames)), tmp_path / "masks")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(400) < peak(20) + 50_000, "a frame takes 12 kB, 380 more would take 4.6 MB"
