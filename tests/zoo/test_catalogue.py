"""Model names and folders, with a hub on 127.0.0.1 and a converter that needs no torch."""

import dataclasses
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import pytest

from sam2ov.errors import (
    CancelledError,
    CheckpointError,
    ConversionError,
    DownloadError,
    ModelError,
    ModelFolderError,
    ModelNotFoundError,
)
from sam2ov.manifest import read_manifest, verify_files
from sam2ov.progress import Progress
from sam2ov.zoo import catalogue, checkpoints, conversion
from sam2ov.zoo.catalogue import MODEL_NAMES, cache_folder, list_models, resolve_model
from tests.fake_convert import write_model_folder
from tests.hub_server import HubServer, hub_server

NAME = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
CONTENT = hashlib.shake_256(b"a checkpoint").digest(1_500_000)
ROOT = Path(catalogue.__file__).parents[2]

# What a process of its own runs: `resolve_model` with the stand-in for the converter.
RESOLVE = f"""
import sys
from sam2ov.zoo import catalogue, conversion
conversion.CONVERTER = "tests.fake_convert"
conversion.require_converter = catalogue.require_converter = lambda: None
print(catalogue.resolve_model({NAME!r}))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", os.fspath(tmp_path / "hub"))
    return folder


@pytest.fixture(autouse=True)
def converter_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in converter is used; the file it gets a line in for each run."""
    log = tmp_path / "converter.log"
    monkeypatch.setenv("FAKE_CONVERT_LOG", os.fspath(log))
    monkeypatch.setattr(conversion, "CONVERTER", "tests.fake_convert")
    monkeypatch.setattr(conversion, "find_spec", lambda name: importlib.util.find_spec("sam2ov"))
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_ATTEMPTS", 0.01)
    return log


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one checkpoint."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with hub_server({f"facebook/{NAME}/{FILE}": CONTENT}) as server:
        _use_endpoint(server.endpoint, monkeypatch)
        yield server
        huggingface_hub.close_session()


def _use_endpoint(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does when the hub library is imported."""
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def placed(cache: Path) -> Path:
    """The checkpoint, put into the cache by hand."""
    path = cache / "checkpoints" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def _runs(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def _status(name: str) -> str:
    return next(entry.status for entry in list_models() if entry.name == name)


def _left_in_cache(cache: Path) -> list[str]:
    """What lies beside whole models and whole checkpoints."""
    names = (path.name for path in (*cache.glob("models/*"), *cache.glob("checkpoints/*")))
    return sorted(name for name in names if name not in (NAME, FILE))


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


def test_the_cache_folder_is_the_variables(cache: Path) -> None:
    assert cache_folder() == cache


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is of Linux and the BSDs")
def test_without_the_variable_the_cache_folder_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SAM2OV_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "sam2ov"


def test_the_bundled_model_is_whole() -> None:
    folder = resolve_model("micro")
    verify_files(folder, read_manifest(folder))
    assert folder.is_relative_to(ROOT / "sam2ov")
    assert _status("micro") == "bundled"


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
    assert _status(NAME) == "available"
    folder = resolve_model(NAME, progress=seen.append)

    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert manifest.source.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (manifest.name, manifest.source.config) == (NAME, "sam2.1_hiera_t")
    downloaded = [step.done for step in seen if step.unit == "bytes"]
    assert downloaded == sorted(downloaded)
    assert downloaded[-1] == seen[0].total == len(CONTENT)
    assert [(step.stage, step.done, step.total) for step in seen if step.unit == "steps"] == [
        ("Loading", 0, 2),
        ("Done", 2, 2),
    ]
    assert _left_in_cache(cache) == []
    entry = next(entry for entry in list_models() if entry.name == NAME)
    assert (entry.status, entry.path, entry.download_bytes) == ("cached", folder, 0)

    hub.requests.clear()
    seen.clear()
    assert resolve_model(NAME, progress=seen.append) == folder
    assert resolve_model(f"facebook/{NAME}") == folder
    assert (hub.requests, seen, len(_runs(converter_log))) == ([], [], 1)


def test_another_image_size_is_another_folder_of_the_same_checkpoint(
    hub: HubServer, converter_log: Path
) -> None:
    usual = resolve_model(NAME)
    small = resolve_model(NAME, image_size=512, weights="f32")
    assert small != usual
    assert (read_manifest(small).image_size, read_manifest(small).weights) == (512, "f32")
    assert resolve_model(NAME, image_size=1024, weights="f16") == usual
    assert (len(hub.content_ranges), len(_runs(converter_log))) == (1, 2)


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


def test_an_interrupted_download_is_resumed(hub: HubServer, cache: Path) -> None:
    arrived: list[int] = []

    def stop_in_the_middle() -> bool:
        return bool(arrived) and arrived[-1] > len(CONTENT) // 2

    with pytest.raises(CancelledError, match=FILE):
        resolve_model(
            NAME, progress=lambda step: arrived.append(step.done), cancel=stop_in_the_middle
        )
    assert _status(NAME) == "available"
    [part] = _left_in_cache(cache)
    present = (cache / "checkpoints" / part).stat().st_size
    assert 0 < present < len(CONTENT)

    resolve_model(NAME)
    assert hub.content_ranges == [None, f"bytes={present}-"]
    assert (cache / "checkpoints" / FILE).read_bytes() == CONTENT
    assert _left_in_cache(cache) == []


def test_a_broken_connection_is_continued_within_one_call(hub: HubServer, cache: Path) -> None:
    hub.cut_after = [400_000, 0, 300_000]
    resolve_model(NAME)
    assert (cache / "checkpoints" / FILE).read_bytes() == CONTENT
    assert len(hub.content_ranges) == 4
    assert all(asked is not None for asked in hub.content_ranges[2:])


def test_a_server_without_ranges_starts_again(hub: HubServer, cache: Path) -> None:
    hub.cut_after = [400_000]
    hub.ranges = False
    resolve_model(NAME)
    assert (cache / "checkpoints" / FILE).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_discarded(hub: HubServer, cache: Path) -> None:
    part = cache / "checkpoints" / f"{FILE}.{hashlib.sha256(CONTENT).hexdigest()[:16]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    resolve_model(NAME)
    assert (cache / "checkpoints" / FILE).read_bytes() == CONTENT


def test_a_busy_hub_is_asked_again(hub: HubServer) -> None:
    hub.statuses = [503, 429]
    assert resolve_model(NAME).is_dir()
    assert len(hub.content_ranges) == 3


def test_a_connection_that_always_breaks_is_given_up(hub: HubServer) -> None:
    hub.cut_after = [0] * 50
    with pytest.raises(DownloadError, match=rf"Cannot fetch {FILE}"):
        resolve_model(NAME)
    assert len(hub.content_ranges) == checkpoints.ATTEMPTS_WITHOUT_PROGRESS


def test_a_refusal_is_final(hub: HubServer) -> None:
    hub.statuses = [403] * 50
    with pytest.raises(DownloadError, match="403"):
        resolve_model(NAME)
    assert len(hub.content_ranges) == 1


def test_a_wrong_checksum_is_refused_and_the_file_deleted(
    hub: HubServer, cache: Path, converter_log: Path
) -> None:
    hub.etag = "0" * 64
    with pytest.raises(DownloadError, match=rf"{FILE} .* damaged and was deleted.*0000"):
        resolve_model(NAME)
    assert list((cache / "checkpoints").iterdir()) == []
    assert _runs(converter_log) == []


def test_a_hub_that_gives_no_checksum_is_refused(hub: HubServer) -> None:
    hub.etag = "not-a-sha256"
    with pytest.raises(DownloadError, match="HF_ENDPOINT"):
        resolve_model(NAME)
    assert hub.content_ranges == []


def test_a_file_the_hub_does_not_have_is_named(hub: HubServer) -> None:
    with pytest.raises(DownloadError, match=r"sam2_hiera_small\.pt of facebook/sam2-hiera-small"):
        resolve_model("sam2-hiera-small")


def test_without_a_network_the_error_says_what_to_put_where(
    hub: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_server({}) as gone:
        closed = gone.endpoint
    _use_endpoint(closed, monkeypatch)
    with pytest.raises(DownloadError) as caught:
        resolve_model(NAME)
    assert str(cache / "checkpoints" / FILE) in str(caught.value)
    assert "sam2ov convert FILE --config sam2.1_hiera_t --out FOLDER" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_cache_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    monkeypatch.setenv("SAM2OV_CACHE", os.fspath(tmp_path / "a-file"))
    with pytest.raises(ModelError, match=r"a-file.*SAM2OV_CACHE"):
        resolve_model(NAME)


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [({}, "sam2.1-hiera-tiny"), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE")],
)
def test_the_hubs_environment_variables_are_respected(
    hub: HubServer, tmp_path: Path, variables: dict[str, str], outcome: str
) -> None:
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": os.fspath(tmp_path / "hf"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout + done.stderr
    assert len(hub.content_ranges) == (0 if variables else 1)


@pytest.mark.parametrize(("system", "switch"), [("posix", "SAM2_BUILD_CUDA=0 pip"), ("nt", "set ")])
def test_without_torch_the_error_gives_the_commands_before_any_download(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, system: str, switch: str
) -> None:
    monkeypatch.setattr(conversion, "find_spec", lambda name: None)
    monkeypatch.setattr(conversion, "_WINDOWS", system == "nt")
    with pytest.raises(ConversionError) as caught:
        resolve_model(NAME)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert 'pip install "setuptools>=77" wheel torch==2.13.0' in lines
    [sam2] = [line for line in lines if "--no-build-isolation sam2==1.1.0 torch==2.13.0" in line]
    assert sam2.startswith(switch)
    assert hub.requests == []


def test_the_converters_own_error_keeps_its_class_and_words(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "refuse")
    with pytest.raises(CheckpointError, match=rf"{FILE} is truncated\. Delete .*{FILE}"):
        resolve_model(NAME)
    assert _left_in_cache(cache) == []


def test_a_converter_that_dies_is_reported_with_its_last_words(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "crash")
    with pytest.raises(ConversionError, match=r"(?s)code 139 .*Segmentation fault, so to speak"):
        resolve_model(NAME)
    assert _status(NAME) == "available"
    assert _left_in_cache(cache) == []


def test_a_cancelled_conversion_leaves_nothing(
    placed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERT", "hang")
    started = threading.Event()

    def note(step: Progress) -> None:
        if step.stage == "Hanging":
            started.set()

    with pytest.raises(CancelledError, match="Conversion"):
        resolve_model(NAME, progress=note, cancel=started.is_set)
    assert _status(NAME) == "available"
    assert _left_in_cache(cache) == []


def test_an_unrelated_convert_folder_is_not_run(
    placed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "elsewhere" / "tests"
    impostor.mkdir(parents=True)
    (impostor / "fake_convert.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(impostor.parent)
    assert resolve_model(NAME).is_dir()


def test_a_damaged_cached_model_is_converted_again(
    placed: Path, converter_log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = resolve_model(NAME)
    (folder / "image_encoder.bin").write_text("bit rot")
    assert resolve_model(NAME) == folder
    verify_files(folder, read_manifest(folder))
    assert len(_runs(converter_log)) == 2
    assert "image_encoder.bin is damaged" in caplog.text


def _start_resolving(behaviour: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RESOLVE],
        cwd=ROOT,
        env=os.environ | {"FAKE_CONVERT": behaviour},
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until ``condition`` holds; the process ending first, or the test's time limit, fail."""
    while not condition():
        assert process.poll() is None
        time.sleep(0.02)


def test_two_processes_convert_a_model_once(placed: Path, converter_log: Path) -> None:
    processes = [_start_resolving("slow") for _ in range(2)]
    answers = {process.communicate()[0].strip() for process in processes}
    assert answers == {os.fspath(catalogue._variant_folder(NAME, None, None))}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(_runs(converter_log)) == 1


def test_waiting_for_another_process_is_told_and_can_be_cancelled(
    placed: Path, cache: Path
) -> None:
    other = _start_resolving("hang")
    try:
        _wait_for(lambda: any(cache.glob("models/.unfinished*/*/half-written.bin")), other)
        seen: list[Progress] = []
        with pytest.raises(CancelledError, match=f"Waiting for {NAME}"):
            resolve_model(NAME, progress=seen.append, cancel=lambda: bool(seen))
        assert "another process" in seen[0].stage
    finally:
        other.kill()
        other.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_in_the_middle_leaves_no_folder_that_counts(
    placed: Path, cache: Path, converter_log: Path
) -> None:
    process = _start_resolving("hang")
    _wait_for(lambda: any(cache.glob("models/.unfinished*/*/half-written.bin")), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert _status(NAME) == "available"
    assert len(_left_in_cache(cache)) == 1

    folder = resolve_model(NAME)
    verify_files(folder, read_manifest(folder))
    assert len(_runs(converter_log)) == 2
    assert _left_in_cache(cache) == []
