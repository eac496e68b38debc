"""A long clip: found exactly, indexed compactly; how long it takes is printed, not judged."""

import os
import random
import time
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np
import pytest

from sam2ov.video.served import open_in_process
from tests import clips
from tests.clips import make_scene, read_frame_number

GOP, REPEATS = 250, 60
FPS = Fraction(25)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of 1080p: one group of 250 pictures, its packets copied sixty times."""
    folder = tmp_path_factory.mktemp("long")
    small = make_scene(GOP, (270, 480), seed=1, barcode=False).frames
    frames = np.empty((GOP, 1080, 1920, 3), np.uint8)
    for number, frame in enumerate(small):
        frames[number] = frame.repeat(4, axis=0).repeat(4, axis=1)
        clips.stamp_frame_number(frames[number], number)
    options = {"g": str(GOP), "bf": "3", "preset": "veryfast", "x264-params": "scenecut=0"}
    one = clips.write_clip(folder / "one", frames, clips.Encoding(fps=FPS, options=options))
    path = folder / "long.mp4"
    with av.open(str(path), "w") as writer:
        with av.open(str(one)) as reader:
            copy = writer.add_stream_from_template(reader.streams.video[0])
        for repeat in range(REPEATS):
            with av.open(str(one)) as reader:
                for packet in reader.demux(video=0):
                    if packet.pts is None or packet.dts is None:
                        continue
                    shift = round(repeat * GOP / FPS / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copy
                    writer.mux(packet)
    return path


@pytest.mark.slow
def test_ten_minutes_of_1080p(long_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin = time.perf_counter()
    with open_in_process(long_clip) as reader:
        opening = time.perf_counter() - begin
        assert len(reader) == GOP * REPEATS
        index = reader._index  # type: ignore[attr-defined]
        arrays = [getattr(index, name) for name in ("pts", "packets", "frame_of_packet")]
        num_bytes = sum(array.nbytes for array in arrays)

        seeks = []
        for frame_idx in random.Random(0).sample(range(len(reader)), 12):
            begin = time.perf_counter()
            frame = reader.read(frame_idx)
            seeks.append(time.perf_counter() - begin)
            assert read_frame_number(frame) == frame_idx % GOP

        begin = time.perf_counter()
        for _ in reader.iter_frames(5000, 5200):
            pass
        in_order = 200 / (time.perf_counter() - begin)
        begin = time.perf_counter()
        for _ in reader.iter_frames(5199, 5099, -1):
            pass
        backwards = 100 / (time.perf_counter() - begin)
    with capsys.disabled():
        print(
            f"\n10 min 1080p, 250 pictures per group, load {os.getloadavg()[0]:.1f}: "
            f"open {opening:.2f} s, {num_bytes / len(index):.0f} bytes per frame, "
            f"random seek median {median(seeks):.2f} s, worst {max(seeks):.2f} s; "
            f"in order {in_order:.0f} fps, backwards {backwards:.0f} fps"
        )
    assert num_bytes == 16 * len(index)
