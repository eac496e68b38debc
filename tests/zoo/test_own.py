"""Models of one's own: files, folders and hub files by name, kept once, listed, added."""

import os
from pathlib import Path

import huggingface_hub
import pytest

from sam2ov.errors import (
    CheckpointError,
    DownloadError,
    ModelError,
    ModelFolderError,
    ModelNotFoundError,
)
from sam2ov.manifest import read_manifest, verify_files
from sam2ov.zoo.catalogue import (
    add_model,
    list_models,
    listed_name,
    must_be_fetched,
    resolve_model,
)
from sam2ov.zoo.own import is_name, own_names, proposed_name
from tests.fake_convert import write_model_folder
from tests.hub_server import HubServer, hub_server
from tests.zoo.conftest import CONTENT, run_count, use_endpoint

pytestmark = pytest.mark.usefixtures("cache", "converter_log")

FINE_TUNE = "hf:me/birds/runs/best.pt"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "My Birds.pt"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def fine_tunes(hub: HubServer) -> HubServer:
    """A hub with a fine-tune, an older revision of it, and a repository of transformers."""
    hub.files["me/birds/runs/best.pt"] = CONTENT
    hub.files["me/birds@v1/runs/best.pt"] = CONTENT[::-1]
    hub.files["me/birds-hf/model.safetensors"] = CONTENT[:1000]
    return hub


def test_a_checkpoint_file_is_converted_once(checkpoint: Path, converter_log: Path) -> None:
    folder = resolve_model(checkpoint)
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert (manifest.image_sizes, manifest.weights) == ((1024, 512), "f16")
    assert manifest.source.checkpoint == "My Birds.pt"
    assert folder.parent.name == "own"
    assert manifest.name == folder.name == listed_name(checkpoint)
    assert folder.name.startswith("my-birds-")
    assert resolve_model(os.fspath(checkpoint)) == folder
    assert resolve_model(folder.name) == folder
    assert run_count(converter_log) == 1


def test_other_content_or_another_file_name_is_another_model(
    checkpoint: Path, tmp_path: Path
) -> None:
    """The name decides between architectures that differ in no tensor."""
    folders = {resolve_model(checkpoint)}
    checkpoint.write_bytes(b"other weights")
    folders.add(resolve_model(checkpoint))
    renamed = checkpoint.rename(tmp_path / "efficienttam_s_1.pt")
    folders.add(resolve_model(renamed))
    folders.add(resolve_model(renamed, weights="f32"))
    folders.add(resolve_model(renamed, image_sizes=(768,)))
    assert len(folders) == 5
    assert len([*own_names()]) == 5
    assert read_manifest(resolve_model(renamed, weights="f32")).weights == "f32"
    assert read_manifest(resolve_model(renamed, image_sizes=(768,))).image_sizes == (768,)


def test_a_folder_of_transformers_is_converted_and_any_other_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "trained.v2"
    folder.mkdir()
    with pytest.raises(ModelFolderError, match=r"trained\.v2 is no model folder"):
        resolve_model(folder)
    (folder / "model.safetensors").write_bytes(b"weights")
    first = resolve_model(folder)
    assert first.name.startswith("trained.v2-")
    (folder / "config.json").write_text("{}")
    assert resolve_model(folder) != first


def test_a_file_that_does_not_tell_its_architecture_says_how_to_convert_it(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    with pytest.raises(CheckpointError, match=r"My Birds\.pt is truncated\.$"):
        resolve_model(checkpoint)
    assert [*own_names()] == []


def test_a_fine_tune_of_the_hub_is_fetched_and_converted_once(
    fine_tunes: HubServer, cache: Path, converter_log: Path
) -> None:
    assert must_be_fetched(FINE_TUNE)
    folder = resolve_model(FINE_TUNE)
    assert folder.name.startswith("best-")
    assert read_manifest(folder).source.checkpoint == "best.pt"
    kept = cache / "checkpoints" / "hub" / "me" / "birds" / "main" / "runs" / "best.pt"
    assert kept.read_bytes() == CONTENT
    assert not must_be_fetched(FINE_TUNE)
    fine_tunes.requests.clear()
    assert resolve_model(f"{FINE_TUNE}@main") == folder
    kept.unlink()
    assert resolve_model(FINE_TUNE) == folder
    assert (fine_tunes.requests, run_count(converter_log)) == ([], 1)


def test_a_revision_is_another_model(fine_tunes: HubServer, cache: Path) -> None:
    newest, pinned = resolve_model(FINE_TUNE), resolve_model(f"{FINE_TUNE}@v1")
    assert newest != pinned
    assert read_manifest(newest).source.sha256 != read_manifest(pinned).source.sha256
    with pytest.raises(DownloadError, match=r"runs/best\.pt of me/birds"):
        resolve_model(f"{FINE_TUNE}@v2")


def test_a_repository_of_transformers_is_its_weights(fine_tunes: HubServer) -> None:
    folder = resolve_model("hf:me/birds-hf")
    assert folder.name.startswith("birds-hf-")
    assert read_manifest(folder).source.checkpoint == "model.safetensors"


def test_a_download_of_the_hub_is_resumed(fine_tunes: HubServer) -> None:
    fine_tunes.cut_after = [400_000, 0]
    resolve_model(FINE_TUNE)
    assert len(fine_tunes.content_ranges) == 3
    assert fine_tunes.content_ranges[0] is None
    assert fine_tunes.content_ranges[2] is not None


def test_a_damaged_checkpoint_of_the_hub_says_where_it_is(
    fine_tunes: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    with pytest.raises(CheckpointError, match=r"The file is at .*best\.pt; delete it to fetch"):
        resolve_model(FINE_TUNE)


def test_without_a_network_the_error_says_what_to_put_where(
    hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_server({}) as gone:
        closed = gone.endpoint
    use_endpoint(closed, monkeypatch)
    place = cache / "checkpoints" / "hub" / "me" / "birds" / "v1" / "runs" / "best.pt"
    with pytest.raises(DownloadError) as caught:
        resolve_model(f"{FINE_TUNE}@v1")
    assert f"put the file at {place} by hand" in str(caught.value)
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert resolve_model(f"{FINE_TUNE}@v1").is_dir()


def test_a_file_in_the_hub_librarys_cache_is_used(fine_tunes: HubServer) -> None:
    huggingface_hub.hf_hub_download("me/birds", "runs/best.pt")
    fine_tunes.requests.clear()
    resolve_model(FINE_TUNE)
    assert fine_tunes.requests == []


def test_a_full_disk_is_said_before_anything_is_fetched_or_converted(
    fine_tunes: HubServer, checkpoint: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1_000_000

    monkeypatch.setattr("sam2ov.zoo.cache.shutil.disk_usage", lambda _: Full)
    message = r"needs 3 MB in the cache folder .*, where 1 MB are free\. Free some space.*CACHE\.$"
    with pytest.raises(ModelError, match=message):
        resolve_model(FINE_TUNE)
    assert fine_tunes.content_ranges == []
    Full.free = 3
    with pytest.raises(ModelError, match=r"Converting My Birds\.pt needs"):
        resolve_model(checkpoint)


def test_an_added_model_is_taken_by_its_name_and_listed(
    checkpoint: Path, converter_log: Path
) -> None:
    assert add_model(checkpoint, config="sam2.1_hiera_s") == "my-birds"
    assert "sam2.1_hiera_s My Birds.pt" in converter_log.read_text()
    folder = resolve_model("my-birds")
    assert read_manifest(folder).name == "my-birds"
    entry = list_models()[-1]
    assert (entry.name, entry.status, entry.path) == ("my-birds", "cached", folder)
    assert entry.description == "Your own, from My Birds.pt (sam2.1_hiera_s)"
    with pytest.raises(ModelError, match=r"a model my-birds already.*--name"):
        add_model(checkpoint)
    assert add_model(checkpoint, "birds.v2") == "birds.v2"
    assert [*own_names()] == ["birds.v2", "my-birds"]


def test_models_of_the_hub_and_model_folders_are_added_too(
    fine_tunes: HubServer, tmp_path: Path
) -> None:
    assert add_model(FINE_TUNE) == "best"
    write_model_folder(tmp_path / "mine", image_sizes=(512,), weights="f32")
    (tmp_path / "mine" / "letter.txt").write_text("private")
    assert add_model(tmp_path / "mine") == "mine"
    folder = resolve_model("mine")
    assert folder != tmp_path / "mine"
    assert read_manifest(folder).name == "mine"
    assert not (folder / "letter.txt").exists()
    with pytest.raises(ModelError, match="needs no configuration"):
        add_model(tmp_path / "mine", "other", config="sam2.1_hiera_t")


@pytest.mark.parametrize("name", ["micro", "edgetam", "sam2.1-hiera-tiny"])
def test_names_of_the_catalogue_stay_its_own(checkpoint: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"There is a model {name} already"):
        add_model(checkpoint, name)


@pytest.mark.parametrize(
    "name", ["", "..", ".x", "a/b", "a\\b", "A", "a b", "a..b", "a-", "-a", "x" * 65, "é", "a\n"]
)
def test_other_names_are_refused(checkpoint: Path, cache: Path, name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ModelError, match="is no name for a model"):
        add_model(checkpoint, name)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("efficienttam_s_1.pt", "efficienttam_s_1"),
        ("SAM2.1 (Birds) – final!.pt", "sam2.1-birds-final"),
        ("___.pt", "model"),
        ("a" * 200 + ".pt", "a" * 32),
    ],
)
def test_names_are_made_of_file_names(file: str, name: str) -> None:
    assert proposed_name(Path(file)) == name
    assert is_name(name)


def test_what_is_not_there_cannot_be_added(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no checkpoint at .*gone\.pt"):
        add_model(tmp_path / "gone.pt")
    with pytest.raises(ModelNotFoundError, match="names no file of the model hub"):
        add_model("hf:../../etc/passwd")


def test_a_damaged_model_of_ones_own_is_not_listed_and_said(
    checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_model(checkpoint)
    (resolve_model("my-birds") / "manifest.json").write_text("{}")
    assert "my-birds" not in [entry.name for entry in list_models()]
    assert "my-birds is not listed" in caplog.text
    with pytest.raises(ModelFolderError, match="not a valid manifest"):
        resolve_model("my-birds")
