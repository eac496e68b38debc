"""Names and what they resolve to: listed, found, fetched and converted, refused."""

import dataclasses
import hashlib
from pathlib import Path

import huggingface_hub
import pytest

from sam2ov.errors import (
    DownloadError,
    ModelFolderError,
    ModelNotFoundError,
)
from sam2ov.manifest import read_manifest, verify_files
from sam2ov.progress import Progress
from sam2ov.zoo import catalogue
from sam2ov.zoo.catalogue import MODEL_NAMES, list_models, resolve_model
from tests.fake_convert import write_model_folder
from tests.hub_server import HubServer, hub_server
from tests.zoo.conftest import (
    CONTENT,
    FILE,
    NAME,
    ROOT,
    left_in_cache,
    run_count,
    status_of,
    use_endpoint,
)

pytestmark = pytest.mark.usefixtures("cache", "converter_log")


def test_names_cover_the_official_models_and_the_bundled_one() -> None:
    sizes = ("tiny", "small", "base-plus", "large")
    official = [f"{version}-hiera-{size}" for version in ("sam2.1", "sam2") for size in sizes]
    assert list(MODEL_NAMES) == ["micro", *official]
    assert [entry.name for entry in list_models()] == list(MODEL_NAMES)


def test_files_and_configs_are_upstreams() -> None:
    """``HF_MODEL_ID_TO_FILENAMES`` in sam2/build_sam.py."""
    models = catalogue._HUB_MODELS
    assert (
        models["sam2.1-hiera-base-plus"].repo_id,
        models["sam2.1-hiera-base-plus"].checkpoint,
    ) == (
        "facebook/sam2.1-hiera-base-plus",
        "sam2.1_hiera_base_plus.pt",
    )
    assert models["sam2.1-hiera-base-plus"].config == "sam2.1_hiera_b+"
    assert models["sam2-hiera-large"].checkpoint == "sam2_hiera_large.pt"
    assert models["sam2-hiera-large"].config == "sam2_hiera_l"


def test_entries_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        list_models()[0].name = "other"  # type: ignore[misc]


def test_the_bundled_model_is_whole() -> None:
    folder = resolve_model("micro")
    verify_files(folder, read_manifest(folder))
    assert folder.is_relative_to(ROOT / "sam2ov")
    assert status_of("micro") == "bundled"


def test_the_bundled_model_comes_at_a_second_size(cache: Path) -> None:
    seen: list[Progress] = []
    folder = resolve_model("micro", image_size=256, progress=seen.append)
    assert folder.parent == cache / "models"
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    usual = read_manifest(resolve_model("micro"))
    assert (manifest.image_size, manifest.source) == (256, usual.source)
    assert not seen, "nothing is fetched"
    made = (folder / "manifest.json").stat().st_mtime_ns
    assert resolve_model("micro", image_size=256) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == made
    (folder / "image_encoder.bin").write_bytes(b"")
    verify_files(resolve_model("micro", image_size=256), manifest)
    assert [path.name for path in (cache / "models").iterdir()] == [folder.name]
    with pytest.raises(ModelFolderError, match="convert the checkpoint again with --image-size"):
        resolve_model("micro", image_size=288)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine", image_size=512, weights="f32")
    assert resolve_model(tmp_path / "mine") == tmp_path / "mine"
    assert resolve_model(str(tmp_path / "mine"), image_size=512, weights="f32") == tmp_path / "mine"


def test_a_folder_of_another_kind_than_asked_is_refused(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine", image_size=512)
    with pytest.raises(ModelFolderError, match=r"512 px .* 1024 px .*--image-size"):
        resolve_model(tmp_path / "mine", image_size=1024)
    with pytest.raises(ModelFolderError, match=r"f16 weights.* f32 weights"):
        resolve_model(tmp_path / "mine", weights="f32")


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine")
    (tmp_path / "mine" / "mask_decoder.bin").write_text("something else")
    with pytest.raises(ModelFolderError, match=r"mask_decoder\.bin is damaged"):
        resolve_model(tmp_path / "mine")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'sam3'.*micro, sam2\.1-hiera-tiny"):
        resolve_model("sam3")


def test_a_checkpoint_file_is_answered_with_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "my.pt").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"sam2ov convert .*my\.pt --config"):
        resolve_model(tmp_path / "my.pt")


def test_first_use_downloads_and_converts_and_the_second_does_nothing(
    hub: HubServer, cache: Path, converter_log: Path
) -> None:
    seen: list[Progress] = []
    assert status_of(NAME) == "available"
    folder = resolve_model(NAME, progress=seen.append)

    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert manifest.source.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (manifest.name, manifest.source.config) == (NAME, "sam2.1_hiera_t")
    downloaded = [step.done for step in seen if step.unit == "bytes"]
    assert downloaded == sorted(downloaded)
    assert downloaded[-1] == seen[0].total == len(CONTENT)
    assert [(step.stage, step.done, step.total) for step in seen if step.unit == "items"] == [
        ("Loading", 0, 2),
        ("Done", 2, 2),
    ]
    assert left_in_cache(cache) == []
    entry = next(entry for entry in list_models() if entry.name == NAME)
    assert (entry.status, entry.path, entry.download_bytes) == ("cached", folder, 0)

    hub.requests.clear()
    seen.clear()
    assert resolve_model(NAME, progress=seen.append) == folder
    assert resolve_model(f"facebook/{NAME}") == folder
    assert (hub.requests, seen, run_count(converter_log)) == ([], [], 1)


def test_another_image_size_is_another_folder_of_the_same_checkpoint(
    hub: HubServer, converter_log: Path
) -> None:
    usual = resolve_model(NAME)
    small = resolve_model(NAME, image_size=512, weights="f32")
    assert small != usual
    assert (read_manifest(small).image_size, read_manifest(small).weights) == (512, "f32")
    assert resolve_model(NAME, image_size=1024, weights="f16") == usual
    assert (len(hub.content_ranges), run_count(converter_log)) == (1, 2)


def test_a_checkpoint_placed_by_hand_needs_no_network(placed: Path, hub: HubServer) -> None:
    folder = resolve_model(NAME)
    assert read_manifest(folder).source.sha256 == hashlib.sha256(placed.read_bytes()).hexdigest()
    assert hub.requests == []


def test_a_checkpoint_in_the_hub_librarys_cache_is_used(hub: HubServer, cache: Path) -> None:
    huggingface_hub.hf_hub_download(f"facebook/{NAME}", FILE)
    hub.requests.clear()
    assert read_manifest(resolve_model(NAME)).source.checkpoint == FILE
    assert hub.requests == []
    assert not (cache / "checkpoints").exists()


def test_without_a_network_the_error_says_what_to_put_where(
    hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_server({}) as gone:
        closed = gone.endpoint
    use_endpoint(closed, monkeypatch)
    with pytest.raises(DownloadError) as caught:
        resolve_model(NAME)
    assert str(cache / "checkpoints" / FILE) in str(caught.value)
    assert "sam2ov convert FILE --config sam2.1_hiera_t --out FOLDER" in str(caught.value)
    assert caught.value.__cause__ is not None
