"""``sam2ov eval`` on stand-in networks: results, files, mistakes and interruption."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from tests.commands.conftest import LoadedFakeModel, Run
from tests.evaluation.conftest import plain_dataset as plain_dataset


@pytest.fixture
def evaluate(
    run: Run, networks: type[LoadedFakeModel], model_folder: Path, plain_dataset: Path
) -> Run:
    """Runs ``sam2ov eval DATASET`` on the stand-in."""

    def invoke(*arguments: object) -> Result:
        return run("eval", plain_dataset, "--model", model_folder, *arguments)

    return invoke


def test_a_table_and_a_file(evaluate: Run, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    result = evaluate("--prompt", "box", "--json", out)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["SEQUENCE", "OBJECTS", "J", "F", "J&F"]
    assert [line.split()[0] for line in lines[1:]] == ["left", "right", "overall"]
    assert "right (2 of 2): 16 of 16" in result.stderr
    assert "frames/s with fake on CPU (f32, preset quality, memory as trained)" in result.stderr
    found = json.loads(out.read_text())
    assert set(found["overall"]) == {"J", "F", "J&F"}
    assert found["overall"]["J"] > 80
    assert found["overall"]["J&F"] == pytest.approx(
        (found["overall"]["J"] + found["overall"]["F"]) / 2, abs=0.01
    )
    assert list(found["sequences"]) == ["left", "right"]
    assert found["sequences"]["left"]["objects"]["1"]["J"] > 80
    assert (found["prompt"], found["model"], found["preset"]) == ("box", "fake", "quality")
    assert f"{found['overall']['J']:.1f}" in lines[-1]


def test_a_chosen_sequence_and_a_picture(evaluate: Run, tmp_path: Path) -> None:
    picture = tmp_path / "sheet.jpg"
    result = evaluate("--sequence", "right", "--contact-sheet", picture)
    assert result.exit_code == 0, result.output
    assert "left" not in result.stdout
    with Image.open(picture) as image:
        assert image.format == "JPEG"


def test_a_preset_is_honoured_and_noted(evaluate: Run, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    result = evaluate("--preset", "fast", "--json", out)
    assert "preset fast" in result.stderr
    assert 'needs NNCF: pip install "sam2ov[quantize]"' in result.stderr
    assert json.loads(out.read_text())["preset"] == "fast"
    assert evaluate("--preset", "turbo").exit_code == 2
    assert evaluate("--calibrate", "clip.mp4").exit_code == 2, "quality has no INT8"


def test_corrections_are_reported(evaluate: Run) -> None:
    assert "corrections" not in evaluate("--corrections", "1").stdout, "nothing has failed"


def test_mistakes_are_found_before_the_work(
    evaluate: Run, run: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    taken = tmp_path / "taken.json"
    taken.write_text("{}")

    def never(number: int) -> None:
        raise AssertionError("frames are segmented")

    networks.before_frame = never
    for arguments, code, message in (
        (("--json", taken), 1, "is there already"),
        (("--json", tmp_path / "no" / "x.json"), 1, "does not exist"),
        (("--json", tmp_path / "x.txt"), 2, "should end in .json"),
        (("--contact-sheet", tmp_path / "x.gif"), 2, "should end in .jpg"),
        (("--sequence", "middle"), 1, "has no sequence middle"),
        (("--prompt", "scribble"), 2, "scribble"),
    ):
        result = evaluate(*arguments)
        assert result.exit_code == code, result.output
        assert message in result.stderr
    assert run("eval", tmp_path / "nothing").exit_code == 1
    networks.before_frame = staticmethod(lambda number: None)
    assert evaluate("--json", taken, "--overwrite").exit_code == 0
    assert json.loads(taken.read_text())["overall"]["J"] > 80


def test_ctrl_c_writes_nothing(
    evaluate: Run, networks: type[LoadedFakeModel], tmp_path: Path
) -> None:
    def interrupt(number: int) -> None:
        if number == 10:
            raise KeyboardInterrupt

    networks.before_frame = staticmethod(interrupt)
    result = evaluate("--json", tmp_path / "x.json", "--contact-sheet", tmp_path / "x.png")
    assert result.exit_code == 130
    assert result.stderr.endswith("Interrupted; nothing was written.\n")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_memory_is_honoured_and_noted(evaluate: Run, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    result = evaluate("--memory", "distractor-aware", "--json", out)
    assert result.exit_code == 0, result.output
    assert "memory distractor-aware" in result.stderr
    assert json.loads(out.read_text())["memory"] == "distractor-aware"
    assert evaluate("--memory", "elephant").exit_code == 2


def test_ways_of_tracking_are_compared_in_one_run(evaluate: Run, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    result = evaluate("--compare", "quality,fast,distractor-aware", "--json", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("overall") == 3
    assert "distractor-aware less quality: J&F +0.0 (95 %: +0.0 to +0.0)" in result.stdout
    found = json.loads(out.read_text())
    assert (found["preset"], found["memory"]) == ("quality", "as trained")
    assert list(found["compared"]) == ["fast", "distractor-aware"]
    difference = found["compared"]["distractor-aware"]["difference"]
    assert list(difference["sequences"]) == ["left", "right"]
    assert difference["mean"] == pytest.approx(
        found["compared"]["distractor-aware"]["overall"]["J&F"] - found["overall"]["J&F"], abs=0.02
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--compare", "quality"), "two or more names"),
        (("--compare", "fast,fast"), "two or more names, each once"),
        (("--compare", "quality,turbo"), "'turbo' is none of"),
        (("--compare", "quality,fast", "--memory", "upstream"), "leave out --memory"),
    ],
)
def test_comparisons_that_make_no_sense(
    evaluate: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
