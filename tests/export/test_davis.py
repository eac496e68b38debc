"""DAVIS: palette PNGs, read back with Pillow."""

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.errors import CancelledError, ExportError
from sam2ov.evaluation.datasets import find_sequences
from sam2ov.values.masks import FloatArray
from sam2ov.values.objects import ClipObject
from sam2ov.values.palette import davis_palette
from tests.export.conftest import StoredLogits, Write

MASKS = Path("Annotations/480p/my_clip")


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
    write: Write, logits: FloatArray, tmp_path: Path
) -> None:
    folder = tmp_path / "masks"
    assert write("davis", folder) == [folder]
    names = sorted(entry.name for entry in (folder / MASKS).iterdir())
    assert names == [f"{number:05d}.png" for number in range(24)]
    for number, name in enumerate(names):
        np.testing.assert_array_equal(read(folder / MASKS / name), expected(logits, number))
    assert [entry.name for entry in tmp_path.iterdir()] == ["masks"]


def test_with_frames_it_is_a_dataset(write: Write, logits: FloatArray, tmp_path: Path) -> None:
    write("davis", tmp_path / "set", options={"images": True}, frames=range(3, 9))
    (sequence,) = find_sequences(tmp_path / "set")
    assert (sequence.name, sequence.num_frames) == ("my_clip", 6)
    labels = [sequence.read_labels(path) for path in sequence.masks]
    np.testing.assert_array_equal(labels, [expected(logits, i) for i in range(3, 9)])


def test_numbers_are_those_of_the_source(write: Write, tmp_path: Path) -> None:
    def names(folder: Path) -> list[str]:
        return sorted(entry.name for entry in (folder / MASKS).iterdir())

    write("davis", tmp_path / "a", frames=range(20, 23))
    assert names(tmp_path / "a") == ["00020.png", "00021.png", "00022.png"]
    write("davis", tmp_path / "b", frames=range(20, 23), first_number=99_978)
    assert names(tmp_path / "b") == ["099998.png", "099999.png", "100000.png"]


def test_an_archive_holds_the_same_and_is_reproducible(write: Write, tmp_path: Path) -> None:
    folder, path = tmp_path / "masks", tmp_path / "masks.zip"
    write("davis", folder)
    write("davis", path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            p.relative_to(folder).as_posix() for p in folder.rglob("*.*")
        )
        for name in archive.namelist():
            assert archive.read(name) == (folder / name).read_bytes()
        read(io.BytesIO(archive.read(f"{MASKS}/00000.png")))
    first = path.read_bytes()
    write("davis", path)
    assert path.read_bytes() == first


def test_a_folder_for_each_object_hides_nothing(
    write: Write, logits: FloatArray, tmp_path: Path
) -> None:
    one, seven = write("davis", tmp_path / "masks", per_object=True)
    assert (one.name, seven.name) == ("masks-1", "masks-7")
    np.testing.assert_array_equal(read(seven / MASKS / "00000.png"), (logits[0, 1] > 0) * 7)


def test_an_earlier_export_is_replaced_as_a_whole(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    write("davis", folder)
    write("davis", folder, frames=range(2))
    assert len(list((folder / MASKS).iterdir())) == 2


def test_a_folder_of_other_things_is_left_alone(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "00001.png").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for taken in (folder, tmp_path / "file"):
        with pytest.raises(ExportError, match="holds other things than such an export"):
            write("davis", taken)
    assert (folder / "00001.png").read_text() == (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("name", ["masks", "masks.zip"])
def test_cancelling_keeps_the_earlier_export(write: Write, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write("davis", path)
    before = snapshot(tmp_path)
    asked = iter(range(100))
    with pytest.raises(CancelledError):
        write("davis", path, first_number=50, cancel=lambda: next(asked) == 3)
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_missing_folder_is_named(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="No such file or directory"):
        write("davis", tmp_path / "missing" / "masks.zip")


def test_ids_that_are_no_palette_index_are_refused(
    write: Write, logits: FloatArray, tmp_path: Path
) -> None:
    stored = StoredLogits(logits, obj_ids=(1, 300))
    objects = [ClipObject(300, "cat", "#000000")]
    with pytest.raises(ExportError, match="objects 1 to 254, not 300: renumber"):
        write("davis", tmp_path / "masks", masks=stored, objects=objects)
