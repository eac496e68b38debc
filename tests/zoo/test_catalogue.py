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
from sam2ov.zoo.catalogue import MODEL_NAMES, list_models, resolve_model
from sam2ov.zoo.published import PUBLISHED, Accuracy
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


def test_names_cover_the_published_models_and_the_bundled_one() -> None:
    sizes = ("tiny", "small", "base-plus", "large")
    sam2 = [f"{version}-hiera-{size}" for version in ("sam2.1", "sam2") for size in sizes]
    variants = ("", "-1", "-2", "-512")
    efficient = [f"efficienttam-{size}{variant}" for size in ("s", "ti") for variant in variants]
    assert list(MODEL_NAMES) == ["micro", *sam2, "edgetam", *efficient]
    assert [entry.name for entry in list_models()] == list(MODEL_NAMES)


@pytest.mark.parametrize(
    ("name", "repo_id", "checkpoint", "config"),
    [
        (
            "sam2.1-hiera-base-plus",
            "facebook/sam2.1-hiera-base-plus",
            "sam2.1_hiera_base_plus.pt",
            "sam2.1_hiera_b+",
        ),
        ("sam2-hiera-large", "facebook/sam2-hiera-large", "sam2_hiera_large.pt", "sam2_hiera_l"),
        ("edgetam", "facebook/EdgeTAM", "edgetam.pt", "edgetam"),
        (
            "efficienttam-ti-512",
            "yunyangx/efficient-track-anything",
            "efficienttam_ti_512x512.pt",
            "efficienttam_ti_512x512",
        ),
    ],
)
def test_files_and_configs_are_upstreams(
    name: str, repo_id: str, checkpoint: str, config: str
) -> None:
    """``HF_MODEL_ID_TO_FILENAMES`` in sam2/build_sam.py, and the other projects' READMEs."""
    model = PUBLISHED[name]
    assert (model.repo_id, model.checkpoint, model.config) == (repo_id, checkpoint, config)


def test_entries_say_what_there_is_to_choose_by() -> None:
    entries = {entry.name: entry for entry in list_models()}
    assert entries["edgetam"].accuracy == Accuracy(71.7, 70.0, 87.7)
    assert entries["edgetam"].title == "EdgeTAM"
    assert entries["efficienttam-s-512"].title == "EfficientTAM S, 512 px"
    assert entries["sam2.1-hiera-tiny"].accuracy == Accuracy(76.5, 71.8, None)
    assert {entry.licence for entry in entries.values()} == {"Apache-2.0"}
    assert entries["micro"].image_size == read_manifest(resolve_model("micro")).image_size
    for entry in entries.values():
        assert entry.description[0].isupper()
        assert not entry.description.endswith(".")


def test_a_repository_names_its_model_or_says_which_it_has(placed: Path) -> None:
    assert resolve_model(f"facebook/{NAME}") == resolve_model(NAME)
    with pytest.raises(ModelNotFoundError, match=r"several models.*efficienttam-s, .*-ti-512\.$"):
        resolve_model("yunyangx/efficient-track-anything")


def test_each_models_own_sizes_are_in_its_folder(cache: Path) -> None:
    (cache / "checkpoints").mkdir(parents=True)
    for name in ("edgetam", "efficienttam-ti-512"):
        (cache / "checkpoints" / PUBLISHED[name].checkpoint).write_bytes(b"weights")
    assert read_manifest(resolve_model("edgetam")).image_sizes == (1024, 512)
    assert read_manifest(resolve_model("efficienttam-ti-512")).image_sizes == (512, 256)


def test_entries_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        list_models()[0].name = "other"  # type: ignore[misc]


def test_the_bundled_model_is_whole() -> None:
    folder = resolve_model("micro")
    verify_files(folder, read_manifest(folder))
    assert folder.is_relative_to(ROOT / "sam2ov")
    assert status_of("micro") == "bundled"


def test_the_bundled_model_has_a_second_size(cache: Path) -> None:
    folder = resolve_model("micro", image_sizes=(256, 384))
    assert folder == resolve_model("micro")
    assert read_manifest(folder).image_sizes == (384, 256)
    assert not cache.exists()
    with pytest.raises(ModelFolderError, match="again with --image-size 384,256,288"):
        resolve_model("micro", image_sizes=(288,))


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine", image_sizes=(512,), weights="f32")
    assert resolve_model(tmp_path / "mine") == tmp_path / "mine"
    mine = resolve_model(str(tmp_path / "mine"), image_sizes=(512,), weights="f32")
    assert mine == tmp_path / "mine"


def test_a_folder_of_another_kind_than_asked_is_refused(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine", image_sizes=(512,))
    with pytest.raises(ModelFolderError, match=r"for 1024 px, only for 512.*--image-size 512,1024"):
        resolve_model(tmp_path / "mine", image_sizes=(512, 1024))
    with pytest.raises(ModelFolderError, match=r"f16 weights, but f32 .* --weights f32"):
        resolve_model(tmp_path / "mine", weights="f32")


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    write_model_folder(tmp_path / "mine")
    (tmp_path / "mine" / "weights.bin").write_text("something else")
    with pytest.raises(ModelFolderError, match=r"weights\.bin is damaged"):
        resolve_model(tmp_path / "mine")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'sam3'.*micro, sam2\.1-hiera-tiny"):
        resolve_model("sam3")


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


def test_what_presets_ask_for_is_in_one_folder(converter_log: Path, placed: Path) -> None:
    usual = resolve_model(NAME)
    assert read_manifest(usual).image_sizes == (1024, 512)
    for sizes in ((512,), (512, 1024)):
        assert resolve_model(NAME, image_sizes=sizes, weights="f16") == usual
    assert run_count(converter_log) == 1


def test_other_sizes_or_weights_are_another_folder_of_the_same_checkpoint(
    hub: HubServer, converter_log: Path
) -> None:
    usual = resolve_model(NAME)
    exact = resolve_model(NAME, weights="f32")
    other = resolve_model(NAME, image_sizes=(768, 512))
    assert len({usual, exact, other}) == 3
    manifest = read_manifest(exact)
    assert (manifest.image_sizes, manifest.weights) == ((1024, 512), "f32")
    assert read_manifest(other).image_sizes == (768, 512)
    assert (len(hub.content_ranges), run_count(converter_log)) == (1, 3)


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
    assert "A file elsewhere is taken by its path, in place of the name." in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None
