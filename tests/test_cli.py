"""The command line as a whole: start-up, lists, errors, and a process of its own."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_type_hints

import av
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sam2ov import __version__
from sam2ov.cli import app
from sam2ov.commands.setting_options import with_setting_options
from sam2ov.mask_files.prompt_file import PromptFile
from sam2ov.ui.gate.reach import Reach
from sam2ov.ui.settings import About, Settings
from sam2ov.zoo.catalogue import MODEL_NAMES
from tests.clips import Scene, write_clip
from tests.conftest import REPOSITORY


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sam2ov", *(str(argument) for argument in arguments)]


def test_start_up_is_light() -> None:
    """Also of --help, whose options are those of every command."""
    script = """
import sys
from typer.testing import CliRunner
from sam2ov.cli import app
helps = ("--help", "track --help", "export --help", "bench --help", "app --help")
for arguments in (*helps, "formats", "--version"):
    assert CliRunner().invoke(app, arguments.split()).exit_code == 0
heavy = {"openvino", "gradio", "cv2", "av", "numpy", "torch", "PIL"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


def test_version_and_help() -> None:
    assert run("--version").stdout == f"sam2ov {__version__}\n"
    text = run("--help").stdout
    commands = (
        "track",
        "export",
        "formats",
        "eval",
        "bench",
        "convert",
        "models",
        "devices",
        "schema",
        "app",
    )
    for name in commands:
        assert f"\n  {name}  " in text
    assert "130 ended by" in text
    assert run().exit_code == 2, "a command is missing"
    assert run("trak").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--point", "9" * 5000),
        ("--point", "9" * 5000 + ":1:5,5"),
        ("--box", "0:1:1,1,9,9\n0:2:1,1,9,9"),
        ("--box", "frame,object,x0,y0,x1,y1\n0,1,1,1,9,9\n"),
        ("--box", "0:1:\x1b[31m1,1,9,9"),
        ("--mask", "0:1:" + "x" * 5000),
        ("--clean-up", "\x9b31m=3"),
        ("--clean-up", "smooth=a\nb"),
        ("--set", "\x1b]0;title\x07=1"),
        ("--names", "{clip}\n\u202e"),
        ("--model", "x" * 5000),
        ("--model", "\x1b[31m"),
        ("--prompts", "\x1b[31m.json"),
        ("--masks", "a\nb.zip"),
    ],
)
def test_what_is_typed_is_told_in_one_line(
    clip: Path, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    where = ("track", str(clip), "--out", str(tmp_path / "out.mp4"))
    found = run(*where, "--point", "0:1:5,5", *arguments)
    assert found.exit_code in {1, 2}
    lines = found.stderr.splitlines()
    assert lines[-1].startswith("Error: ")
    assert all(line.isprintable() and len(line) < 1400 for line in lines)
    assert "--debug" not in lines[-1], "it is no internal error"


def test_models_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM2OV_CACHE", str(tmp_path))
    rows = json.loads(run("models", "--json").stdout)
    assert [row["name"] for row in rows] == list(MODEL_NAMES)
    assert rows[0]["status"] == "bundled"
    lines = run("models").stdout.splitlines()
    assert lines[0].split()[:6] == ["NAME", "STATUS", "SIZE", "HERE", "PARAMETERS", "SA-V"]
    tiny = next(line for line in lines if line.startswith("sam2.1-hiera-tiny"))
    assert "get 156 MB  -     38.9 M      76.5  71.8  -      Apache-2.0  Fastest of" in tiny
    assert [line.split()[0] for line in lines[1:]] == list(MODEL_NAMES)
    assert [line.index("  ") > 0 for line in lines] == [True] * len(lines)


def test_devices_are_listed() -> None:
    found = json.loads(run("devices", "--json").stdout)
    assert "CPU" in found
    assert f"CPU     {found['CPU']}".split() == run("devices").stdout.splitlines()[1].split()


def test_the_schema_describes_the_file() -> None:
    schema = json.loads(run("schema", "prompts").stdout)
    assert schema == PromptFile.model_json_schema()
    assert schema["required"] == ["objects"]
    assert set(schema["$defs"]) >= {"ObjectPrompts", "FramePrompt", "Point", "RleMask"}
    assert run("schema", "masks").exit_code == 2


def test_the_app_gets_its_options(monkeypatch: pytest.MonkeyPatch, micro_model: Path) -> None:
    launched: list[dict[str, Any]] = []
    stand_in = SimpleNamespace(launch=lambda **options: launched.append(options))
    monkeypatch.setitem(sys.modules, "sam2ov.ui.server", stand_in)
    monkeypatch.setattr("sam2ov.zoo.loading.is_installed", lambda: False)  # there is no GPU
    assert run("app").exit_code == 0
    result = run(
        *("app", "--host", "0.0.0.0", "--port", "7999", "--model", str(micro_model)),
        *("--device", "GPU"),
        *("--precision", "f16", "--preset", "fast", "--open"),
    )
    assert result.exit_code == 0, result.output
    defaults = {"host": "127.0.0.1", "port": None, "model": "micro", "device": "CPU"}
    limits = {"mcp": False, "settings": Settings(), "projects": None, "reach": Reach()}
    limits["activity_log"] = None
    assert launched == [
        {**defaults, **limits, "precision": None, "preset": "quality", "open_browser": False},
        {
            "host": "0.0.0.0",
            "port": 7999,
            "model": str(micro_model),
            "device": "GPU",
            "precision": "f16",
            "preset": "fast",
            "open_browser": True,
            **limits,
        },
    ]
    guarded = run("app", "--token", "x" * 16, "--allowed-host", "a.example", "--root-path", "/x")
    assert guarded.exit_code == 0
    assert launched.pop()["reach"] == Reach(
        token="x" * 16, allowed_hosts=("a.example",), root_path="/x"
    )
    for wrong in (["--token", "short"], ["--no-auth", "--token", "x" * 16], ["--root-path", "x"]):
        assert run("app", *wrong).exit_code == 1
    missing = run("app", "--model", "nothing")
    assert missing.exit_code != 0
    assert len(launched) == 2, "without a model there is nothing to serve"
    assert run("app", "--port", "70000").exit_code == 2
    assert run("app", "--share").exit_code == 2


def test_every_setting_of_the_app_is_an_option_and_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launched: list[Settings] = []
    stand_in = SimpleNamespace(launch=lambda settings, **_: launched.append(settings))
    monkeypatch.setitem(sys.modules, "sam2ov.ui.server", stand_in)
    monkeypatch.setenv("COLUMNS", "200")
    text = run("app", "--help").stdout
    for field in fields(Settings):
        option, variable = f"--{field.name.replace('_', '-')}", f"SAM2OV_{field.name.upper()}"
        assert option in text
        assert variable in text
        if isinstance(field.default, bool):
            assert run("app", f"--no-{field.name.replace('_', '-')}").exit_code == 0
            changed: bool | int | str = False
        elif isinstance(field.default, str):
            assert run("app", option, "sideways").exit_code == 2
            assert run("app", option, "off").exit_code == 0
            changed = "off"
        else:
            _, about = get_args(get_type_hints(Settings, include_extras=True)[field.name])
            assert run("app", option, "0").exit_code == (0 if about.may_be_zero else 2)
            assert run("app", option, "-1").exit_code == 2
            assert run("app", option, "3").exit_code == 0
            changed = 3
        monkeypatch.setenv(variable, str(changed if isinstance(changed, str) else int(changed)))
        assert run("app").exit_code == 0
        monkeypatch.delenv(variable)
        expected = dataclasses.replace(Settings(), **{field.name: changed})  # type: ignore[arg-type]
        assert launched[-2:] == [expected, expected]


@dataclasses.dataclass(frozen=True)
class LargerSettings(Settings):
    max_dogs: Annotated[int, About("So many dogs may be tracked.")] = 7


def test_a_new_setting_becomes_an_option_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []
    cli = typer.Typer(rich_markup_mode=None)

    @cli.command()
    @with_setting_options(LargerSettings)
    def serve(host: str = "127.0.0.1", *, settings: Settings) -> None:
        seen.append(settings)

    def exit_code(*arguments: str) -> int:
        return CliRunner().invoke(cli, arguments).exit_code

    monkeypatch.setenv("COLUMNS", "200")
    assert "So many dogs may be tracked" in CliRunner().invoke(cli, ["--help"]).output
    assert exit_code() == exit_code("--max-dogs", "3", "--keep-days", "1.5") == 0
    assert exit_code("--max-dogs", "0") == 2
    monkeypatch.setenv("SAM2OV_MAX_DOGS", "5")
    assert exit_code("--host", "0.0.0.0") == 0
    assert seen == [
        LargerSettings(),
        LargerSettings(max_dogs=3, keep_days=1.5),
        LargerSettings(max_dogs=5),
    ]


def test_what_should_not_happen_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("sam2ov.zoo.catalogue.list_models", broken)
    result = run("models")
    assert result.exit_code == 1
    assert result.stderr == 'Error: ZeroDivisionError: by zero ("sam2ov --debug …" shows where).\n'
    debugged = run("--debug", "models")
    assert isinstance(debugged.exception, ZeroDivisionError)


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    arguments = ("track", tmp_path / "no.mp4", "--out", tmp_path / "o.mp4", "--point", "0:1:1,1")
    plain = subprocess.run(command(*arguments), cwd=REPOSITORY, capture_output=True, text=True)
    assert plain.returncode == 1
    assert len(plain.stderr.splitlines()) == 1
    assert plain.stderr.startswith(f"Error: {tmp_path / 'no.mp4'} does not exist")
    for line in (command("--debug", *arguments), command(*arguments, "--debug")):
        debugged = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True)
        assert debugged.returncode == 1
        assert "Traceback" in debugged.stderr
        assert "VideoOpenError" in debugged.stderr


def test_a_pipe_that_closes_early_is_no_error() -> None:
    process = subprocess.Popen(
        command("schema", "prompts"),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert "Error" not in errors


@pytest.fixture
def clip(scene: Scene, tmp_path: Path) -> Path:
    """The scene four times over, back and forth."""
    frames = np.concatenate([scene.frames, scene.frames[::-1]] * 2)
    return write_clip(tmp_path / "clip", frames)


def start_point(scene: Scene) -> str:
    """A click in the middle of the first object."""
    rows, columns = np.nonzero(scene.masks[0, 0])
    return f"0:1:{columns.mean():.1f},{rows.mean():.1f}"


def test_a_process_tracks_with_the_bundled_model(
    scene: Scene, clip: Path, micro_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    done = subprocess.run(
        command(
            *("track", clip, "--out", out, "--model", micro_model, "--json"),
            *("--point", start_point(scene), "--end", "9"),
        ),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model"] == "micro"
    assert found["objects"][0]["tracked"] == 10
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_a_real_clip_keeps_its_times_and_sound(
    real_data: Path, micro_model: Path, tmp_path: Path
) -> None:
    clip, out = real_data / "clips" / "01_dog.mp4", tmp_path / "out.mp4"
    subprocess.run(
        command(
            *("track", clip, "--out", out, "--model", micro_model),
            *("--box", "12:1:400,200,800,700", "--start", "10", "--end", "19"),
        ),
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )

    def times(path: Path) -> list[float]:
        with av.open(str(path)) as container:
            return [picture.time for picture in container.decode(video=0)]

    with av.open(str(out)) as container:
        stream, sound = container.streams.video[0], container.streams.audio[0]
        assert (stream.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (stream.width, stream.height) == (1280, 720)
        assert sound.duration is not None
        assert sound.time_base is not None
        assert float(sound.duration * sound.time_base) == pytest.approx(10 / 29.97, abs=0.15)
    source = times(clip)[10:20]
    assert times(out) == pytest.approx([time - source[0] for time in source], abs=1e-4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_keep_what_is_tracked(
    scene: Scene, clip: Path, micro_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Sent to all processes of the command, as terminals and service managers do."""
    out, temporary = tmp_path / "out.mp4", tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        command(
            *("track", clip, "--out", out, "--model", micro_model, "--json"),
            *("--point", start_point(scene)),
        ),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Tracking: "):
            break
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + number, stderr
    assert "Interrupted; writing what is tracked so far" in stderr
    found = json.loads(stdout)
    assert found["interrupted"] is True
    assert 1 <= found["objects"][0]["tracked"] < 96
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "clip.mp4",
        "out.mp4",
        "temporary",
    ]
    assert not [*temporary.iterdir()], "the journal is gone"
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 96


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_there_is_anything_to_keep_leaves_nothing(
    scene: Scene, clip: Path, micro_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        command(
            *("track", clip, "--out", tmp_path / "out.mp4", "--model", micro_model),
            *("--point", start_point(scene)),
        ),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Loading "):
            break
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + number, stderr
    assert "nothing was written" in stderr
    assert "Traceback" not in stderr
    assert not [*temporary.iterdir()]


def test_what_a_killed_process_left_is_swept_by_the_next(
    scene: Scene, clip: Path, micro_model: Path, tmp_path: Path
) -> None:
    temporary, out = tmp_path / "temporary", tmp_path / "out.mp4"
    temporary.mkdir()
    track = command(
        *("track", clip, "--out", out, "--model", micro_model, "--point", start_point(scene)),
    )
    environment = os.environ | {"TMPDIR": str(temporary)}
    for stage in ("Tracking: ", "Writing"):
        process = subprocess.Popen(
            track, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(stage):
                break
        process.kill()
        process.communicate(timeout=120)
    left = [*temporary.glob("sam2ov-*"), *tmp_path.glob(".out.mp4.*")]
    assert len(left) == 2, left
    others = temporary / "sam2ov-of-somebody"
    others.mkdir()
    subprocess.run(track, cwd=REPOSITORY, check=True, env=environment, capture_output=True)
    assert [*temporary.iterdir()] == [others]
    assert [*tmp_path.glob(".out.mp4.*")] == []
    assert out.exists()
