"""``sam2ov track`` on stand-in networks: outputs, summary, mistakes and interruptions."""

import errno
import json
import shutil
import signal
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2ov.export import davis as davis_module
from sam2ov.mask_files.prompt_file import RleMask, read_prompt_file
from sam2ov.video import open_video
from tests.clips import Encoding, write_clip
from tests.commands.conftest import GONE, NUM_FRAMES, SIZE_HW, LoadedFakeModel, Run
from tools.odd_clips.clips import CLIPS
from tools.odd_clips.making import make

MASKS = Path("Annotations/480p/clip")
POINT = ("--point", "5:1:30,20")


def frames_of(path: Path) -> npt.NDArray[np.uint8]:
    with av.open(str(path)) as container:
        pictures = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    return np.stack([picture.astype(np.uint8) for picture in pictures])


def masks_of(folder: Path) -> npt.NDArray[np.uint8]:
    pictures = []
    for path in sorted((folder / MASKS).iterdir()):
        with Image.open(path) as image:
            pictures.append(np.asarray(image))
    return np.stack(pictures)


def packets_of(path: Path, kind: str) -> int:
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return sum(1 for packet in container.demux(streams) if packet.size) if streams else 0


def summary(stdout: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stdout)
    return found


def in_square(frame: int) -> tuple[slice, slice]:
    """Well inside the red square of a frame."""
    return slice(14, 34), slice(14 + frame, 34 + frame)


def test_masks_cover_the_square_wherever_it_is(track: Run, tmp_path: Path) -> None:
    result = track("--out", tmp_path / "masks", "--format", "davis", *POINT)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'masks'}\n"
    masks = masks_of(tmp_path / "masks")
    assert masks.shape == (NUM_FRAMES, *SIZE_HW)
    for frame, mask in enumerate(masks):
        if frame in GONE:
            assert not mask.any()
        else:
            assert (mask[in_square(frame)] == 1).all()
            assert np.count_nonzero(mask) < 40 * 40


def test_an_overlay_has_all_frames_and_the_sound(track: Run, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    result = track("--out", out, *POINT)
    assert result.exit_code == 0, result.output
    frames, source = frames_of(out), frames_of(clip)
    assert len(frames) == NUM_FRAMES
    assert packets_of(out, "audio") == packets_of(clip, "audio") > 0
    rows, columns = in_square(8)
    change = frames[8, rows, columns].astype(int) - source[8, rows, columns]
    assert change[..., 2].mean() > 80, "blue over red"
    assert np.abs(frames[13].astype(int) - source[13]).mean() < 3, "nothing where it is gone"


@pytest.mark.parametrize("name", ["masks.zip", "MASKS.ZIP"])
def test_masks_in_an_archive_numbered_as_asked(track: Run, tmp_path: Path, name: str) -> None:
    chosen = ("--format", "davis", "--first-number", "1001", "--start", "2", "--end", "4")
    result = track("--out", tmp_path / name, "--point", "3:9:30,20", *chosen)
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / name) as archive:
        names = [Path(name).name for name in archive.namelist() if name.endswith(".png")]
        assert names == ["01003.png", "01004.png", "01005.png"]


def test_plates_keep_their_numbers(
    run: Run, networks: type[LoadedFakeModel], model_folder: Path, clip: Path, tmp_path: Path
) -> None:
    """Out, and in again as prompts; missing ones are said."""
    folder = tmp_path / "plates"
    folder.mkdir()
    numbers = (1001, 1002, 1003, 1006)
    for number, frame in zip(numbers, frames_of(clip), strict=False):
        Image.fromarray(frame).save(folder / f"plate.{number}.png")
    out = tmp_path / "masks"
    common = ("track", folder, "--model", model_folder)
    result = run(*common, "--out", out, "--format", "masks", "--point", "1:1:30,20")
    assert result.exit_code == 0, result.output
    assert "2 images of plates are missing in between" in result.stderr
    written = sorted(path for path in out.rglob("*.png"))
    assert [path.stem[-4:] for path in written] == ["1001", "1002", "1003", "1006"]
    masks = tmp_path / "given"
    masks.mkdir()
    written[3].rename(masks / written[3].name)
    saved = tmp_path / "prompts.json"
    again = run(
        *(*common, "--out", tmp_path / "again", "--format", "davis"),
        *("--masks", masks, "--save-prompts", saved),
    )
    assert again.exit_code == 0, again.output
    assert [prompt.frame for prompt in read_prompt_file(saved).objects[0].prompts] == [3]
    Image.new("L", SIZE_HW[::-1], 255).save(masks / "plate.1004.png")
    missing = run(*common, "--out", tmp_path / "no.mp4", "--masks", masks, "--masks-frames", "all")
    assert missing.exit_code == 1
    assert "a frame 1004, which the clip has not: its images are 1001 to 1006" in missing.stderr


def test_a_matte_for_each_object(track: Run, tmp_path: Path) -> None:
    half = np.zeros(SIZE_HW, np.uint8)
    half[:24] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    result = track(
        *("--out", tmp_path / "m.mp4", "--format", "matte", "--per-object", *POINT),
        *("--mask", f"0:2:{tmp_path / 'half.png'}"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(tmp_path / "m-1.mp4"), str(tmp_path / "m-2.mp4")]
    assert packets_of(tmp_path / "m-1.mp4", "audio") == 0
    first, second = frames_of(tmp_path / "m-1.mp4")[0], frames_of(tmp_path / "m-2.mp4")[0]
    assert (first[in_square(0)] > 200).all()
    assert (second[:20] > 200).all()
    assert (second[28:] < 50).all()


def test_the_summary_is_all_there_is_on_standard_output(track: Run, tmp_path: Path) -> None:
    result = track("--out", tmp_path / "out.mp4", "--json", *POINT, "--box", "0:3:8,8,40,40")
    assert result.exit_code == 0, result.output
    found = summary(result.stdout)
    seconds, fps = found.pop("seconds"), found.pop("fps")
    assert seconds > 0
    # Backwards from frame 5, forwards from frame 0.
    assert fps == pytest.approx((6 + NUM_FRAMES) / seconds, rel=0.05)
    assert found.pop("video").endswith("clip.mp4")
    tracked: dict[str, Any] = {"prompted": 1, "tracked": 20, "absent": 3, "confirmed": 0}
    assert found == {
        "model": "fake",
        "device": "CPU",
        "precision": "f32",
        "preset": "quality",
        "frames": NUM_FRAMES,
        "first_frame": 0,
        "direction": "both",
        "interrupted": False,
        "objects": [
            {"id": number, "name": f"object {number}", "prompted": 1} | tracked for number in (1, 3)
        ],
        "outputs": [str(tmp_path / "out.mp4")],
        "left_out": 0,
        "cuts": [],
    }
    assert "Tracking: " in result.stderr
    assert "object 1: tracked on 20 of 20 frames, not to be seen on 3 of them" in result.stderr


@pytest.mark.parametrize(
    ("options", "tracked", "first", "frames"),
    [
        (("--direction", "forward"), 15, 0, 20),
        (("--direction", "backward"), 6, 0, 20),
        (("--direction", "both"), 20, 0, 20),
        (("--start", "4", "--end", "9"), 6, 4, 6),
        (("--start", "5", "--direction", "backward"), 1, 5, 15),
    ],
)
def test_directions_and_ranges(
    track: Run, tmp_path: Path, options: tuple[str, ...], tracked: int, first: int, frames: int
) -> None:
    out = tmp_path / "masks"
    result = track("--out", out, "--format", "davis", "--json", *POINT, *options)
    assert result.exit_code == 0, result.output
    found = summary(result.stdout)
    assert found["objects"][0]["tracked"] == tracked
    assert (found["first_frame"], found["frames"]) == (first, frames)
    assert len(list((out / MASKS).iterdir())) == frames


def test_prompts_are_saved_and_used_again(track: Run, tmp_path: Path) -> None:
    mask = np.zeros(SIZE_HW, np.uint8)
    mask[5:20, 30:60] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    saved = tmp_path / "prompts.json"
    first = track(
        *("--out", tmp_path / "a.zip", "--format", "davis", "--save-prompts", saved),
        *("--point", "5:1:30,20", "--point", "5:1:70,40:-", "--box", "5:1:10,5,45,42"),
        *("--mask", f"2:4:{tmp_path / 'mask.png'}"),
    )
    assert first.exit_code == 0, first.output
    prompts = read_prompt_file(saved)
    assert prompts.video is not None
    assert (prompts.video.file, prompts.video.num_frames) == ("clip.mp4", NUM_FRAMES)
    one, four = prompts.objects
    assert [(p.x, p.y, p.label) for p in one.prompts[0].points] == [(30, 20, 1), (70, 40, 0)]
    assert one.prompts[0].box == (10.0, 5.0, 45.0, 42.0)
    assert isinstance(four.prompts[0].mask, RleMask)
    (tmp_path / "mask.png").unlink()
    again = track("--out", tmp_path / "b.zip", "--format", "davis", "--prompts", saved)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(("frames", "prompted"), [("first", 1), ("all", 17), ("8", 3)])
def test_masks_from_elsewhere_are_prompts(
    track: Run, tmp_path: Path, frames: str, prompted: int
) -> None:
    first = track("--out", tmp_path / "a", "--format", "davis", "--first-number", "101", *POINT)
    assert first.exit_code == 0, first.output
    given = ("--masks", tmp_path / "a", "--masks-frames", frames, "--masks-first-number", "101")
    again = track("--out", tmp_path / "b.json", "--format", "coco", "--json", *given)
    assert again.exit_code == 0, again.output
    (told,) = summary(again.stdout)["objects"]
    assert (told["id"], told["prompted"], told["tracked"]) == (1, prompted, 20)


def test_prompts_count_more_than_masks_of_other_files(track: Run, tmp_path: Path) -> None:
    mask = np.zeros(SIZE_HW, np.uint8)
    mask[5:20, 30:60] = 9
    Image.fromarray(mask).save(tmp_path / "00005.png")
    (tmp_path / "prompts.json").write_text(
        json.dumps({"objects": [{"id": 9, "prompts": [{"frame": 5, "box": [1, 1, 9, 9]}]}]})
    )
    out = ("--out", tmp_path / "a.zip", "--format", "davis")
    given = ("--masks", tmp_path / "00005.png", "--prompts", tmp_path / "prompts.json")
    result = track(*out, *given, *POINT, "--save-prompts", tmp_path / "saved.json")
    assert result.exit_code == 0, result.output
    nine, one = read_prompt_file(tmp_path / "saved.json").objects
    assert (nine.prompts[0].box, nine.prompts[0].mask) == ((1, 1, 9, 9), None)
    assert one.id == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to track: say what and where with --point FRAME:OBJECT:X,Y"),
        (("--point", "0:1:420"), "'0:1:420' is not FRAME:OBJECT:X,Y"),
        (("--format", "davis", *POINT), "out.mp4 is neither. Choose another name or format"),
        (("--format", "gif", *POINT), "'gif' is not one of overlay, matte, "),
        (("--set", "fill", *POINT), "'fill' is not NAME=VALUE"),
        (("--set", "fil=1", *POINT), "overlay does not take fil=1"),
        (("--set", "fill=2", *POINT), "overlay does not take fill=2: it should be"),
        (("--masks", "a.json", "--masks-frames", "0"), "'0' is neither first, all, nor a number"),
        (("--names", "{frame}", *POINT), "overlay has names of its own: a template is for"),
        (("--names", "{clip}", "--per-object", *POINT), "same name: put {object} or {id} into"),
        (("--direction", "sideways", *POINT), "'sideways' is not one of"),
    ],
)
def test_a_wrong_command_line_is_explained(
    track: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = track("--out", tmp_path / "out.mp4", *arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--start", "9", "--end", "3"),
            "Frames 9 to 3 are not in the clip, which has",
        ),
        (("--end", "20"), "Frames 0 to 20 are not in the clip"),
    ],
)
def test_frames_that_are_not_there_are_refused_before_the_work(
    track: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = track("--out", tmp_path / "out.mp4", *POINT, *arguments)
    assert result.exit_code == 1, result.output
    assert message in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_follows_the_format(track: Run, tmp_path: Path) -> None:
    result = track("--out", tmp_path / "out.mov", *POINT)
    assert result.exit_code == 2
    assert "overlay is a .mp4 file, which out.mov is not" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--point", "99:1:3,4"), "prompted on frame 99, but the video ends with frame 19"),
        (("--point", "0:1:300,4"), "(300, 4) on frame 0 is outside the picture, which is 80×48"),
        (("--mask", "0:1:missing.png"), "The mask missing.png cannot be read"),
        (("--prompts", "missing.json"), "missing.json cannot be read: No such file"),
        (("--masks", "missing.json"), "missing.json cannot be read: No such file"),
        ((*POINT, "--start", "6"), "Object 1 is prompted on frame 5 only, outside frames 6 to 19"),
    ],
)
def test_failures_are_one_line(
    track: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = track("--out", tmp_path / "out.mp4", *arguments)
    assert result.exit_code == 1, result.output
    assert message in result.stderr.splitlines()[-1]
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_video_and_a_missing_model_are_named(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out.mp4", *POINT)
    result = run("track", tmp_path / "no.mp4", *out)
    assert result.exit_code == 1
    assert "no.mp4 does not exist" in result.stderr
    result = run("track", clip, *out, "--model", "sam3")
    assert result.exit_code == 1
    assert "There is no model 'sam3'" in result.stderr


def test_what_is_there_is_kept_unless_told_otherwise(
    track: Run, clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("precious")
    result = track("--out", out, *POINT)
    assert result.exit_code == 1
    assert "out.mp4 is there already. Choose another --out, or add --overwrite" in result.stderr
    assert out.read_text() == "precious"
    assert track("--out", out, *POINT, "--overwrite").exit_code == 0
    assert len(frames_of(out)) == NUM_FRAMES
    folder = tmp_path / "masks"
    folder.mkdir()
    assert track("--out", folder, *POINT, "--format", "davis").exit_code == 0, "an empty folder"
    assert track("--out", folder, *POINT, "--format", "davis").exit_code == 1
    result = track("--out", tmp_path / "missing" / "out.mp4", *POINT)
    assert "does not exist: create it first" in result.stderr


def test_the_video_itself_is_never_overwritten(track: Run, run: Run, clip: Path) -> None:
    before = clip.read_bytes()
    result = track("--out", clip, *POINT, "--overwrite")
    assert result.exit_code == 1
    assert "is the video itself" in result.stderr
    assert clip.read_bytes() == before


def test_a_full_disk_is_reported_after_tracking(
    track: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(davis_module, "palette_png", full)
    result = track("--out", tmp_path / "masks", "--format", "davis", *POINT)
    assert result.exit_code == 1
    assert "cannot be written: No space left on device. Free some space" in result.stderr
    kept = tmp_path / "clip-tracked.sam2ov"
    assert f"What was tracked is kept: sam2ov export {kept} --clip" in result.stderr
    assert list(tmp_path.iterdir()) == [kept]


def interrupt_at(*numbers: int) -> Any:
    """Ctrl-C when the n-th frame is about to be segmented."""

    def before_frame(number: int) -> None:
        if number in numbers:
            signal.raise_signal(signal.SIGINT)

    return staticmethod(before_frame)


def test_ctrl_c_keeps_what_is_tracked(
    track: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    networks.before_frame = interrupt_at(10)
    before = signal.getsignal(signal.SIGINT)
    out = tmp_path / "masks"
    arguments = ("--direction", "forward", "--point", "0:1:20,20", "--format", "davis")
    result = track("--out", out, "--json", *arguments)
    assert result.exit_code == 130, result.output
    assert signal.getsignal(signal.SIGINT) is before
    assert "Interrupted; writing what is tracked so far" in result.stderr
    found = summary(result.stdout)
    assert found["interrupted"] is True
    assert found["objects"][0]["tracked"] == 11, "the frame in work is finished"
    masks = masks_of(out)
    assert len(masks) == NUM_FRAMES, "the others are there, empty"
    assert masks[:11].any(axis=(1, 2)).all()
    assert not masks[11:].any()


def test_the_summary_for_people_does_not_exaggerate(
    track: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    networks.before_frame = interrupt_at(10)
    result = track("--out", tmp_path / "out.mp4", "--point", "0:1:20,20")
    assert "object 1: tracked on 11 of 20 frames" in result.stderr


def test_a_second_ctrl_c_writes_nothing(
    track: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    def twice(number: int) -> None:
        if number == 10:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    networks.before_frame = staticmethod(twice)
    result = track("--out", tmp_path / "out.mp4", "--point", "0:1:20,20")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "Interrupted; nothing was written."
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_before_anything_is_tracked(
    track: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    networks.before_frame = interrupt_at(0)
    result = track("--out", tmp_path / "out.mp4", *POINT, "--point", "7:1:30,20")
    assert result.exit_code == 130
    assert "Interrupted before the first frame was tracked; nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_writing_leaves_nothing(
    track: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(davis_module, "palette_png", interrupted)
    result = track("--out", tmp_path / "masks.zip", "--format", "davis", *POINT)
    assert result.exit_code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_images_is_a_video(
    run: Run,
    networks: type[LoadedFakeModel],
    model_folder: Path,
    clip: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, frame in enumerate(frames_of(clip)[:6]):
        Image.fromarray(frame).save(folder / f"{number:05d}.png")
    out = tmp_path / "out.mp4"
    result = run("track", folder, "--model", model_folder, "--out", out, *POINT)
    assert result.exit_code == 0, result.output
    assert len(frames_of(out)) == 6
    shutil.rmtree(folder)


def prompts_of(count: int, path: Path) -> Path:
    objects = [
        {"id": i, "prompts": [{"frame": 0, "points": [{"x": 30, "y": 20}]}]}
        for i in range(1, count + 1)
    ]
    path.write_text(json.dumps({"objects": objects}))
    return path


def test_more_objects_than_fit_are_refused_before_the_first_is_prompted(
    track: Run, networks: type[LoadedFakeModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise AssertionError("prompted")

    monkeypatch.setattr(networks, "before_frame", staticmethod(fail))
    out = ("--out", tmp_path / "out.mp4")
    result = track(*out, "--prompts", prompts_of(256, tmp_path / "many.json"))
    assert result.exit_code == 1
    assert "There are 256 objects; up to 255 can be exported" in result.stderr
    monkeypatch.setattr("sam2ov.engine.tracker._BANKS_BYTES", 1000)
    result = track(*out, "--prompts", prompts_of(3, tmp_path / "few.json"))
    assert result.exit_code == 1
    assert "There are 3 objects; with this model up to 1 fit into memory" in result.stderr


def test_what_is_done_to_a_clip_is_said(
    run: Run, networks: type[LoadedFakeModel], model_folder: Path, tmp_path: Path
) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: no odd clips")
    clip = make(CLIPS["fields-dv"], tmp_path)
    common = ("--point", "0:1:30,20", "--end", "2", "--model", model_folder, "--overwrite")
    out = tmp_path / "out.mp4"
    done = run("track", clip, "--out", out, "--square-pixels", *common)
    assert done.exit_code == 0, done.output
    said = done.stderr.splitlines()
    assert "fields-dv.dv: pixels of 64:45: shown as 1024×576." in said
    assert "fields-dv.dv: interlaced (bottom field first): deinterlaced with bwdif." in said
    with open_video(out) as reader:
        assert reader.size_hw == (576, 1024)
        assert not reader.info.is_deinterlaced
        whole = reader.read(1)
    left = run("track", clip, "--out", out, "--square-pixels", "--field-order", "off", *common)
    assert left.exit_code == 0, left.output
    assert "fields-dv.dv: interlaced (bottom field first): left as it is." in left.stderr
    with open_video(out, field_order="off") as reader:
        assert np.abs(reader.read(1).astype(int) - whole).max() > 100
    assert run("track", clip, "--out", out, "--field-order", "up", *common).exit_code == 2


@pytest.fixture
def cut_clip(tmp_path: Path) -> Path:
    """The red square, which from frame 8 on is in another scene."""
    frames = np.full((16, *SIZE_HW, 3), 60, np.uint8)
    frames[8:] = (20, 200, 90)
    frames[8:, 24:] = (230, 220, 40)
    for number, frame in enumerate(frames):
        frame[8:40, 8 + number : 40 + number] = (255, 0, 0)
    encoding = Encoding(options={"crf": "5"}, pix_fmt="yuv444p")
    return write_clip(tmp_path / "cut", frames, encoding)


@pytest.mark.parametrize(("at_cuts", "tracked"), [("go-on", 16), ("search", 16), ("stop", 8)])
def test_scene_cuts_are_told_and_heeded(
    run: Run,
    networks: type[LoadedFakeModel],
    model_folder: Path,
    cut_clip: Path,
    tmp_path: Path,
    at_cuts: str,
    tracked: int,
) -> None:
    out = ("--out", tmp_path / "out.mp4", "--json")
    result = run("track", cut_clip, "--model", model_folder, *out, *POINT, "--at-cuts", at_cuts)
    assert result.exit_code == 0, result.output
    found = summary(result.stdout)
    assert found["cuts"] == [8]
    assert found["objects"][0]["tracked"] == tracked
    assert "Scenes begin on frame 8" in result.stderr
