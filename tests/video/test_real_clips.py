"""Clips from cameras, where they are at hand (see ``real_data``)."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2ov.video import VideoWriter, h264
from sam2ov.video.served import open_in_process
from tests.video import ffmpeg

CLIPS = ("01_dog.mp4", "02_cups.mp4", "05_default_juggle.mp4")


@pytest.mark.parametrize("name", CLIPS)
def test_random_access_and_times(name: str, real_data: Path) -> None:
    path = real_data / "clips" / name
    with open_in_process(path, cache_bytes=0) as reader:
        times = [int(pts) * reader.info.time_base for pts in reader.info.frame_pts]
        assert times == ffmpeg.frame_times(path)
        wanted = sorted(random.Random(name).sample(range(len(reader)), 8))
        in_order = {
            number: frame for number, frame in enumerate(reader.iter_frames()) if number in wanted
        }
        for number in reversed(wanted):
            np.testing.assert_array_equal(reader.read(number), in_order[number])
    chosen = f"select=eq(n\\,{wanted[3]})"
    exactly = ffmpeg.decode_rgb(path, (720, 1280), chosen, "zscale=f=bilinear,format=gbrp")
    assert np.abs(in_order[wanted[3]].astype(int) - exactly[0]).mean() <= 1


@pytest.mark.parametrize("name", CLIPS)
def test_copy_keeps_times_and_sound(name: str, real_data: Path, tmp_path: Path) -> None:
    source, path = real_data / "clips" / name, tmp_path / "out.mp4"
    fast = h264(preset="ultrafast")
    with (
        open_in_process(source, cache_bytes=0) as reader,
        VideoWriter.for_source(path, reader.info, stop=60, encoding=fast) as writer,
    ):
        for frame in reader.iter_frames(0, 60):
            writer.write(frame)
    assert ffmpeg.frame_times(path) == ffmpeg.frame_times(source)[:60]
    before, after = ffmpeg.stream(source), ffmpeg.stream(path)
    for tag in ("color_space", "color_primaries", "color_transfer", "color_range"):
        assert after.get(tag) == before.get(tag)
    if reader.info.has_audio:
        hashes = [packet["data_hash"] for packet in ffmpeg.packets(source, "a")]
        copied = [packet["data_hash"] for packet in ffmpeg.packets(path, "a")]
        assert copied == hashes[: len(copied)]
        assert 90 < len(copied) < 130


def test_davis_folder(real_data: Path) -> None:
    folders = sorted((real_data / "davis2016").glob("*/frames"))
    if not folders:
        pytest.skip(f"no DAVIS sequences in {real_data}")
    with open_in_process(folders[0]) as reader:
        assert reader.size_hw == (480, 854)
        with Image.open(folders[0] / "00007.jpg") as image:
            upstream = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(reader[7], upstream)
