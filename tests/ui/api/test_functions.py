"""The public functions: the page's work for programs, with the same limits and turns."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from sam2ov.engine.tracker import Tracker
from sam2ov.errors import ServerError
from sam2ov.mask_files.prompt_file import (
    FramePrompt,
    ObjectPrompts,
    Point,
    PromptFile,
    RleMask,
    VideoFacts,
)
from sam2ov.ui import server
from sam2ov.ui.api import types as api_types
from sam2ov.ui.api.everything import ImageApi
from sam2ov.ui.api.functions import PublicApi
from sam2ov.ui.gate.usage import Usage, UsageLimits
from sam2ov.ui.pool.models import ModelChoice
from sam2ov.ui.settings import Settings
from sam2ov.video import open_video
from sam2ov.zoo.catalogue import BUNDLED_NAME, MODEL_NAMES
from tests.click_model import HEIGHT, NUM_FRAMES, WIDTH
from tests.ui.conftest import CHOICE, OneModel

CLICK: Any = {"objects": [{"id": 3, "prompts": [{"frame": 2, "points": [{"x": 24, "y": 32}]}]}]}


@dataclass
class Caller:
    """A program that calls the functions, after Gradio has taken its upload."""

    api: PublicApi
    upload: dict[str, Any]

    def track(self, prompts: Any = CLICK, **options: Any) -> Iterator[Any]:
        return self.api.track(self.upload, prompts, **options)  # type: ignore[arg-type]

    def segment(self, **options: Any) -> Iterator[Any]:
        return self.api.segment_frame(self.upload, **options)  # type: ignore[arg-type]


@pytest.fixture
def caller(
    tracker: Tracker, clip_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Caller:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    uploaded = Path(get_upload_folder()) / "0123" / "square.mp4"
    uploaded.parent.mkdir(parents=True)
    uploaded.write_bytes(clip_file.read_bytes())
    meta = {"_type": "gradio.FileData"}
    upload = {"path": str(uploaded), "orig_name": "my square!.mp4", "meta": meta}
    return Caller(PublicApi(OneModel(tracker), Settings(), CHOICE), upload)


def left_behind(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir() if path.name != "gradio")


def test_masks_are_cleaned_up(caller: Caller) -> None:
    def area(**options: Any) -> int:
        calls = caller.track(output="masks", **options)
        *_, result = calls_until_result(calls)
        with zipfile.ZipFile(result["path"]) as archive, archive.open("003/00005.png") as file:
            found = int(np.count_nonzero(np.asarray(Image.open(file))))
        assert next(calls, None) is None
        return found

    assert area(clean_up={"grow": 3}) > area()
    with pytest.raises(gr.Error, match=r"clean-up cannot be done \(grow: .*There is: fill_holes"):
        next(caller.track(clean_up={"grow": 1e6}))


def test_tracking_gives_masks_of_every_frame(caller: Caller, tmp_path: Path) -> None:
    calls = caller.track(output="davis")
    *_, result = calls_until_result(calls)
    path = Path(result["path"])
    assert result["orig_name"] == path.name == "my_square-davis.zip"
    with zipfile.ZipFile(path) as archive:
        masks = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(masks) == NUM_FRAMES
        with archive.open(sorted(masks)[8]) as file:
            mask = np.asarray(Image.open(file))
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[32, 40] == 3, "the pixel has the number of the object"
    assert mask[5, 90] == 0
    assert next(calls, None) is None
    assert left_behind(tmp_path) == [], "Gradio has copied the file by now"


@pytest.mark.parametrize(
    ("direction", "output", "suffix"),
    [("forward", "overlay", "-overlay.mp4"), ("backward", "matte", "-matte.mp4")],
)
def test_videos_have_all_frames(caller: Caller, direction: str, output: str, suffix: str) -> None:
    calls = caller.track(direction=direction, output=output)
    *_, result = calls_until_result(calls)
    assert result["path"].endswith(suffix)
    with open_video(Path(result["path"])) as video:
        assert (video.num_frames, video.size_hw) == (NUM_FRAMES, (HEIGHT, WIDTH))


def test_a_frame_is_segmented(caller: Caller, tmp_path: Path) -> None:
    calls = caller.segment(frame=4, points=[{"x": 24, "y": 32}])
    *_, result = calls_until_result(calls)
    mask = np.asarray(Image.open(result["path"]))
    assert mask.shape == (HEIGHT, WIDTH)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[32, 24] == 255
    boxed = caller.segment(frame=0, box=[50, 10, 80, 50])
    *_, other = calls_until_result(boxed)
    assert np.asarray(Image.open(other["path"]))[30, 65] == 255
    calls.close()  # type: ignore[attr-defined]
    boxed.close()  # type: ignore[attr-defined]
    assert left_behind(tmp_path) == []


def test_a_preset_is_asked_of_the_servers_own_model(caller: Caller) -> None:
    calls = caller.segment(frame=4, points=[{"x": 24, "y": 32}], preset="balanced")
    *_, result = calls_until_result(calls)
    assert Path(result["path"]).is_file()
    calls.close()  # type: ignore[attr-defined]
    models = caller.api._models
    assert isinstance(models, OneModel)
    assert models.asked == [ModelChoice(CHOICE.model, CHOICE.device, "balanced")]


def test_models_are_listed_with_sizes(
    caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path / "cache"))
    listed = {model["name"]: model for model in caller.api.list_models()}
    assert set(listed) == {*MODEL_NAMES, CHOICE.model}
    assert listed[BUNDLED_NAME]["status"] == "bundled"
    assert listed[BUNDLED_NAME]["disk_bytes"] > 100_000
    assert listed["sam2.1-hiera-tiny"]["download_bytes"] > 100_000_000
    assert json.loads(json.dumps(listed)) == listed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": {}}, "objects: it is missing"),
        ({"prompts": {"objects": [{"id": 1, "prompts": [{"frame": 0}]}]}}, "points and a box, or"),
        ({"prompts": "a click, please"}, "not a prompt file"),
        ({"field_order": "sideways"}, "There is no field order 'sideways'"),
        (
            {"prompts": {"objects": [{"id": 1, "prompts": [{"frame": 0, "mask": "/etc/passwd"}]}]}},
            "embed it",
        ),
        (
            {
                "prompts": {
                    "objects": [
                        {"id": n, "prompts": [{"frame": 0, "points": [{"x": 1, "y": 1}]}]}
                        for n in range(1, 60)
                    ]
                }
            },
            "59 objects; a call takes up to 50",
        ),
        (
            {"prompts": {"objects": [{"id": 1, "prompts": [{"frame": 99, "box": [0, 0, 5, 5]}]}]}},
            "ends with frame 11",
        ),
        ({"direction": "sideways"}, "no direction 'sideways': choose forward, backward or both"),
        ({"output": "hologram"}, "no export 'hologram'. Choose one from the list"),
        ({"preset": "turbo"}, "choose one of quality, balanced, fast"),
        ({"memory": "elephant"}, "choose one of upstream, distractor-aware"),
        ({"model": "/etc", "preset": "fast"}, "no model 'etc' on this server: choose "),
        ({"model": "/etc"}, "no model 'etc' on this server: choose "),
        ({"model": "sam2.1-hiera-large"}, "no model 'sam2.1-hiera-large' on this server"),
        ({"model": __file__}, f"no model {Path(__file__).name!r} on this server"),
        ({"model": "hf:me/birds/best.pt"}, "no model 'hf:me/birds/best.pt' on this server"),
    ],
)
def test_bad_input_is_explained(
    caller: Caller, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(gr.Error) as raised:
        list(caller.track(**options))
    assert message in str(raised.value.message)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("form", ["text", "no meta", "elsewhere", "a link", "missing"])
def test_paths_on_the_server_are_refused(caller: Caller, clip_file: Path, form: str) -> None:
    """Gradio checks values with its mark only, and a link in its folder may lead anywhere."""
    inside = Path(caller.upload["path"]).parent / "link.mp4"
    inside.symlink_to(clip_file)
    given: Any = {
        "text": caller.upload["path"],
        "no meta": {"path": str(clip_file)},
        "elsewhere": caller.upload | {"path": str(clip_file)},
        "a link": caller.upload | {"path": str(inside)},
        "missing": caller.upload | {"path": caller.upload["path"] + ".gone"},
    }[form]
    for call in (caller.api.track(given, CLICK), caller.api.segment_frame(given)):
        with pytest.raises(gr.Error, match="must be an uploaded file"):
            next(iter(call))


def test_limits_hold(caller: Caller) -> None:
    strict = PublicApi(caller.api._models, Settings(max_minutes=0.005), CHOICE)
    with pytest.raises(gr.Error) as raised:
        list(strict.track(caller.upload, CLICK))  # type: ignore[arg-type]
    message = str(raised.value.message)
    assert message.startswith("my square!.mp4 is")
    assert "ask who runs this server" in message


def test_programs_track_no_longer_than_their_user_may(caller: Caller) -> None:
    usage = Usage(UsageLimits(tracking_seconds=1e-6))
    caller.api = PublicApi(caller.api._models, Settings(), CHOICE, usage)
    for _ in range(2):
        with pytest.raises(gr.Error, match="are used up"):
            list(caller.track())


def test_a_caller_who_leaves_is_not_worked_for(caller: Caller, tmp_path: Path) -> None:
    turns = caller.api._models.turns
    turns._max_tracking = 0  # everybody waits
    calls = caller.track()
    assert next(calls) is None, "it is told that it waits"
    assert turns.queued == 1
    assert left_behind(tmp_path) != []
    calls.close()  # type: ignore[attr-defined]
    assert turns.queued == 0
    assert left_behind(tmp_path) == []


def test_the_dictionaries_are_those_of_the_prompt_file() -> None:
    for described, checked in (
        (api_types.PromptFields, PromptFile),
        (api_types.VideoFields, VideoFacts),
        (api_types.ObjectFields, ObjectPrompts),
        (api_types.FramePromptFields, FramePrompt),
        (api_types.PointFields, Point),
        (api_types.MaskFields, RleMask),
    ):
        assert set(get_type_hints(described)) == set(checked.model_fields)


def calls_until_result(calls: Iterator[Any]) -> Iterator[Any]:
    """What a call yields up to its result, and not beyond: its files are still there."""
    for value in calls:
        yield value
        if value is not None:
            return


def test_mcp_without_its_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: None)
    with pytest.raises(ServerError, match=r'pip install "sam2ov\[mcp\]"'):
        server.launch(mcp=True)


@pytest.fixture
def picture(caller: Caller) -> dict[str, Any]:
    """An upload: what the stand-in finds is red."""
    path = Path(caller.upload["path"]).with_name("picture.png")
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    pixels[16:48, 8:40] = (255, 0, 0)
    Image.fromarray(pixels).save(path)
    return {**caller.upload, "path": str(path), "orig_name": "my picture.png"}


def everything(caller: Caller, upload: Any, **options: Any) -> Iterator[Any]:
    given = caller.api
    functions = ImageApi(given._models, given._settings, given._choice, given._usage)
    settings = {"points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0}
    return functions.segment_everything(upload, **{"settings": settings, **options})


def test_everything_is_segmented(caller: Caller, picture: dict[str, Any], tmp_path: Path) -> None:
    calls = everything(caller, picture)
    *_, result = calls_until_result(calls)
    assert result["orig_name"] == "my_picture-coco.json"
    found = json.loads(Path(result["path"]).read_text())
    assert [image["file_name"] for image in found["images"]] == ["my picture.png"]
    assert len(found["annotations"]) >= 1
    assert next(calls, None) is None
    assert left_behind(tmp_path) == []
    calls = everything(caller, picture, output="png")  # held: its end takes the file away
    *_, result = calls_until_result(calls)
    with zipfile.ZipFile(result["path"]) as archive:
        assert len(archive.namelist()) == len(found["annotations"])
    calls = everything(caller, picture, output="overlay")
    *_, result = calls_until_result(calls)
    with Image.open(result["path"]) as overlay:
        assert overlay.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "mp4"}, "choose coco, png or overlay"),
        ({"settings": {"points_per_side": 0}}, "points_per_side"),
        ({"settings": {"points": 3}}, "points"),
        ({"settings": [3]}, "settings must be"),
        ({"model": "absent"}, "no model 'absent'"),
    ],
)
def test_wrong_calls_for_everything_are_told(
    caller: Caller, picture: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(gr.Error, match=message):
        list(everything(caller, picture, **options))


def test_a_video_is_no_image(caller: Caller) -> None:
    with pytest.raises(gr.Error, match="Give an image"):
        list(everything(caller, caller.upload))
    with pytest.raises(gr.Error, match="The image must be an uploaded file"):
        list(everything(caller, caller.upload["path"]))
