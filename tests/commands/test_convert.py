"""``sam2ov convert`` with a converter that needs no torch."""

import os
from pathlib import Path

import pytest

from sam2ov.manifest import read_manifest
from sam2ov.zoo import conversion
from tests.commands.conftest import Run


@pytest.fixture(autouse=True)
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in runs, and the cache is the test's own."""
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "fine-tuned.pt"
    path.write_bytes(b"weights")
    return path


def test_a_checkpoint_becomes_a_folder(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    options = ("--config", "sam2.1_hiera_t", "--image-size", "512,256", "--weights", "f32")
    result = run("convert", checkpoint, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    manifest = read_manifest(out)
    assert (manifest.name, manifest.image_sizes, manifest.weights) == ("mine", (512, 256), "f32")
    assert manifest.source.checkpoint == "fine-tuned.pt"
    assert "Done: 2 of 2" in result.stderr


def test_a_converter_that_fails_speaks_for_itself(
    run: Run, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    result = run("convert", checkpoint, "--out", tmp_path / "mine", "--config", "c")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == f"Error: {checkpoint} is truncated."


def test_a_named_model_is_made_in_the_cache_and_copied(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = tmp_path / "cache" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "sam2.1_hiera_tiny.pt").write_bytes(b"fetched by hand")
    cached = run("convert", "sam2.1-hiera-tiny")
    assert cached.exit_code == 0, cached.output
    folder = Path(cached.stdout.strip())
    assert folder.is_relative_to(tmp_path / "cache")
    out = tmp_path / "copy"
    copied = run("convert", "sam2.1-hiera-tiny", "--out", out)
    assert copied.exit_code == 0, copied.output
    assert copied.stdout == f"{out}\n"
    assert read_manifest(out) == read_manifest(folder)


def test_a_file_of_the_hub_may_be_given_a_configuration(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "checkpoints" / "hub" / "me" / "birds" / "main" / "best.pt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"fetched by hand")
    out = tmp_path / "mine"
    options = ("--config", "sam2.1_hiera_s", "--out", out)
    result = run("convert", "hf:me/birds/best.pt", *options)
    assert result.exit_code == 0, result.output
    assert read_manifest(out).source.config == "sam2.1_hiera_s"
    plain = run("convert", "hf:me/birds/best.pt")
    assert Path(plain.stdout.strip()).is_relative_to(tmp_path / "cache" / "models" / "own")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{checkpoint}",), "say where the model folder should be: --out FOLDER"),
        (("micro", "--config", "c"), "micro has its own configuration: leave --config out"),
        (("micro", "--image-size", "512 256"), "'512 256' is no list of sizes such as 1024,512"),
        (("micro", "--out", "{folder}"), "is there already. Choose another --out"),
    ],
)
def test_a_wrong_command_line_is_explained(
    run: Run, checkpoint: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    filled = [a.format(checkpoint=checkpoint, folder=tmp_path) for a in arguments]
    result = run("convert", *filled)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
