"""Presentation times, as ffprobe decodes them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sam2ov.video.index import NO_TIMESTAMP, PacketTable, index_by_decoding, index_by_time
from sam2ov.video.probe import frame_rate
from sam2ov.video.served import open_in_process
from tests.clips import (
    CLIP_KINDS,
    Encoding,
    Scene,
    cut_with_edit_list,
    vfr_times,
    write_clip,
    write_kind,
)
from tests.video import ffmpeg

# Containers that store no presentation time for some or all frames; ffprobe does not know either.
UNTIMED = {"h264-avi", "mpeg4-avi", "mpeg2-mpg"}


@pytest.mark.parametrize("kind", [kind for kind in CLIP_KINDS if kind not in UNTIMED])
def test_times_are_those_of_the_container(kind: str, tmp_path: Path, scene: Scene) -> None:
    frames = scene.frames[:18]
    if kind in {"prores-4444", "vp9-alpha"}:
        opaque = np.full((*frames.shape[:3], 1), 255, np.uint8)
        frames = np.concatenate([frames, opaque], axis=-1)
    path = write_kind(kind, tmp_path / "clip", frames)
    expected = ffmpeg.frame_times(path)
    with open_in_process(path) as reader:
        info = reader.info
        times = [int(pts) * info.time_base for pts in info.frame_pts]
        assert times == expected
        assert [info.time_of(i) for i in range(len(reader))] == [t - times[0] for t in times]


@pytest.mark.parametrize("kind", sorted(UNTIMED))
def test_missing_times_are_filled_in_evenly(kind: str, tmp_path: Path, scene: Scene) -> None:
    path = write_kind(kind, tmp_path / "clip", scene.frames)
    with open_in_process(path) as reader:
        info = reader.info
        assert [info.time_of(i) for i in range(24)] == [Fraction(i, 24) for i in range(24)]
        found = ffmpeg.probe(path, "-select_streams", "v:0", "-show_entries", "frame=pkt_pts,pts")
    known = {i: f["pts"] for i, f in enumerate(found["frames"]) if "pts" in f}
    assert all(info.frame_pts[i] == pts for i, pts in known.items())


@pytest.mark.parametrize(
    ("fps", "suffix"),
    [
        (Fraction(24000, 1001), ".mp4"),
        (Fraction(30000, 1001), ".mkv"),
        (Fraction(25), ".mov"),
        (Fraction(60), ".mkv"),
        (Fraction(12), ".avi"),
    ],
)
def test_nominal_rate_is_kept_where_ticks_are_coarse(
    fps: Fraction, suffix: str, tmp_path: Path, scene: Scene
) -> None:
    path = write_clip(tmp_path / "clip", scene.frames, Encoding(suffix, fps=fps))
    with open_in_process(path) as reader:
        assert reader.info.fps == fps
        assert not reader.info.is_vfr
        assert abs(float(reader.info.duration) - 24 / float(fps)) < 0.002


def test_variable_rate(tmp_path: Path, scene: Scene) -> None:
    path = write_kind("h264-vfr", tmp_path / "clip", scene.frames)
    with open_in_process(path) as reader:
        info = reader.info
        assert info.is_vfr
        milliseconds = [info.time_of(i) * 1000 for i in range(24)]
        assert milliseconds == list(vfr_times(24))
        for i in range(24):
            assert info.frame_at(info.time_of(i)) == i
            assert info.frame_at(info.time_of(i) + Fraction(1, 2000)) == i
        assert info.frame_at(-1) == 0
        assert info.frame_at(1e6) == 23


def test_late_start_counts_from_the_first_frame(tmp_path: Path, scene: Scene) -> None:
    path = write_kind("h264-late-start", tmp_path / "clip", scene.frames)
    with open_in_process(path) as reader:
        assert reader.info.frame_pts[0] == 4167
        assert reader.info.time_of(0) == 0
        assert reader.info.frame_at(0.0) == 0
        assert abs(float(reader.info.duration) - 1) < 0.01


def test_edit_list_times_agree_with_ffprobe(tmp_path: Path, scene: Scene) -> None:
    whole = write_clip(tmp_path / "whole", scene.frames, Encoding(options={"g": "8", "bf": "2"}))
    path = cut_with_edit_list(whole, tmp_path / "cut.mp4", Fraction(5, 24))
    with open_in_process(path) as reader:
        times = [int(pts) * reader.info.time_base for pts in reader.info.frame_pts]
        assert times == ffmpeg.frame_times(path)


def test_even_spacing_survives_rounding_but_jitter_does_not() -> None:
    milliseconds = Fraction(1, 1000)
    rounded = np.round(np.arange(1000) * 1001 / 30).astype(np.int64)
    end = int(rounded[-1]) + 33
    nominal = Fraction(30000, 1001)
    assert frame_rate(rounded, end, milliseconds, nominal) == (nominal, False)
    # A wrong claim of the container is not believed.
    fps, is_vfr = frame_rate(rounded, end, milliseconds, Fraction(60))
    assert abs(float(fps) - 29.97) < 0.01
    assert not is_vfr
    rounded[500] += 5
    assert frame_rate(rounded, end, milliseconds, nominal)[1]


def make_table(
    pts: list[int], *, dts: list[int] | None = None, hidden: tuple[int, ...] = ()
) -> PacketTable:
    is_key = np.zeros(len(pts), np.bool_)
    is_key[0] = True
    is_hidden = np.zeros(len(pts), np.bool_)
    is_hidden[list(hidden)] = True
    stored_pts = np.array(pts, np.int64)
    stored_dts = np.array(dts or range(len(pts)), np.int64)
    return PacketTable(
        pts=stored_pts,
        dts=stored_dts,
        stored_pts=stored_pts,
        stored_dts=stored_dts,
        is_key=is_key,
        is_hidden=is_hidden,
        end_pts=NO_TIMESTAMP,
        is_complete=True,
    )


def test_order_by_time_leaves_hidden_packets_out() -> None:
    table = make_table([0, 3, 1, 2, 4], hidden=(3,))
    assert table.has_trustworthy_order()
    index = index_by_time(table)
    assert index.packets.tolist() == [0, 2, 1, 4]
    assert index.frame_of_packet.tolist() == [0, 2, 1, -1, 3]
    assert index.pts.tolist() == [0, 1, 3, 4]
    assert index.end_pts == 5


@pytest.mark.parametrize(
    "table",
    [
        make_table([0, NO_TIMESTAMP, 2]),
        make_table([0, 2, 2]),
        make_table([0, 1, 2], dts=[0, 5, 2]),
    ],
    ids=["missing", "repeated", "jumping back"],
)
def test_contradictory_times_are_not_trusted(table: PacketTable) -> None:
    assert not table.has_trustworthy_order()


def test_order_of_a_decode_takes_the_best_times_there_are() -> None:
    by_dts = index_by_decoding(
        make_table([NO_TIMESTAMP] * 4, dts=[10, 20, 30, 40]), [0, 2, 3, 1], frame_ticks=7
    )
    assert by_dts.packets.tolist() == [0, 2, 3, 1]
    assert by_dts.pts.tolist() == [10, 20, 30, 40]
    by_rate = index_by_decoding(
        make_table([NO_TIMESTAMP] * 3, dts=[NO_TIMESTAMP, 1, 1]), [0, 1, 2], frame_ticks=7
    )
    assert by_rate.pts.tolist() == [0, 7, 14]
