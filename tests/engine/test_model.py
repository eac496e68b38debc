"""The model's five methods: shapes at run time, devices, damaged folders."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2ov.engine.model import ImageFeatures, SAM2Model
from sam2ov.errors import DeviceError, ModelFolderError, Sam2ovError
from sam2ov.upstream.sam2_video_predictor import SAM2VideoPredictor
from sam2ov.zoo.catalogue import resolve_model


@pytest.fixture(scope="module")
def model() -> SAM2Model:
    return SAM2Model(resolve_model("micro"), precision="f32")


@pytest.fixture(scope="module")
def features(model: SAM2Model) -> ImageFeatures:
    size = model.manifest.image_size
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return model.encode_image(image)


def test_fixed_shapes_give_the_same_answers(model: SAM2Model) -> None:
    fixed = SAM2Model(resolve_model("micro"), precision="f32", static_shapes=True)
    frames = np.random.default_rng(2).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)
    answers = []
    for each in (model, fixed):
        predictor = SAM2VideoPredictor(each)
        with predictor.init_state(frames) as state:
            predictor.add_new_points_or_box(state, 0, 1, points=[[20, 20]], labels=[1])
            predictor.add_new_points_or_box(state, 0, 2, box=[10, 10, 40, 40])
            logits = [masks for _, _, masks in predictor.propagate_in_video(state)]
        answers.append(np.concatenate(logits))
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-3 * np.abs(answers[0]).max())


def test_features_have_three_resolutions(model: SAM2Model, features: ImageFeatures) -> None:
    c, h = model.manifest.hidden_dim, model.manifest.embedding_size
    assert features.embedding.shape == (1, c, h, h)
    assert features.high_res["high_res_0"].shape == (1, c // 8, 4 * h, 4 * h)
    assert features.high_res["high_res_1"].shape == (1, c // 4, 2 * h, 2 * h)
    assert {features.embedding.dtype, features.high_res["high_res_0"].dtype} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize(("batch", "memories", "pointers"), [(1, 1, 0), (3, 7, 16), (2, 9, 1)])
def test_any_number_of_objects_memories_and_pointers(
    model: SAM2Model, features: ImageFeatures, batch: int, memories: int, pointers: int
) -> None:
    rng = np.random.default_rng(1)
    c, m, h = model.manifest.hidden_dim, model.manifest.mem_dim, model.manifest.embedding_size

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    memory, memory_tpos = normal(batch, memories, h * h, m), normal(batch, memories, m)
    pointer, pointer_tpos = normal(batch, pointers, c), normal(batch, pointers, m)
    together = model.attend_memory(features, memory, memory_tpos, pointer, pointer_tpos)
    assert together.shape == (batch, c, h, h)
    for i in range(batch):
        alone = model.attend_memory(
            features,
            memory[i : i + 1],
            memory_tpos[i : i + 1],
            pointer[i : i + 1],
            pointer_tpos[i : i + 1],
        )
        np.testing.assert_allclose(together[i : i + 1], alone, atol=2e-4 * np.abs(alone).max())


@pytest.mark.parametrize("points", [1, 2, 7])
def test_any_number_of_points(model: SAM2Model, features: ImageFeatures, points: int) -> None:
    size = model.manifest.low_res_size
    xy = np.full((1, points, 2), 50, np.float32)
    prompts = model.encode_prompts(xy, np.ones((1, points), np.int32), None)
    assert prompts.sparse.shape == (1, points + 1, model.manifest.hidden_dim)
    masks = model.decode_masks(features.embedding, features, prompts)
    assert masks.mask_logits.shape == (1, 4, size, size)
    assert masks.object_score.shape == (1,)
    assert ((masks.ious >= 0) & (masks.ious <= 1)).all()


def test_an_absent_device_is_named_with_those_that_are_there() -> None:
    with pytest.raises(DeviceError, match=r"no device 'GPU\.7'.*Available: .*CPU"):
        SAM2Model(resolve_model("micro"), device="GPU.7")


def test_auto_is_a_device() -> None:
    model = SAM2Model(resolve_model("micro"), device="AUTO", precision="f32")
    size = model.manifest.image_size
    assert np.isfinite(model.encode_image(np.zeros((size, size, 3), np.uint8)).embedding).all()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", b"{"),
        ("manifest.json", b'{"format_version": 99}'),
        ("mask_decoder-384.xml.gz", b"<net>"),
        ("weights.bin", b"few"),
        ("constants.npz", b"nothing"),
        ("memory_encoder-384.xml.gz", None),
    ],
)
def test_damaged_folders_say_what_to_do(tmp_path: Path, file: str, content: bytes | None) -> None:
    folder = tmp_path / "model"
    shutil.copytree(resolve_model("micro"), folder)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(ModelFolderError, match="convert the checkpoint again") as caught:
        SAM2Model(folder)
    assert isinstance(caught.value, Sam2ovError)


def test_compiled_graphs_are_cached(tmp_path: Path) -> None:
    SAM2Model(resolve_model("micro"), precision="f32", cache_dir=tmp_path)
    blobs = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.blob")}
    assert len(blobs) == 5
    SAM2Model(resolve_model("micro"), precision="f32", cache_dir=tmp_path)
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.blob")} == blobs


def test_usage_tells_what_each_network_did(model: SAM2Model) -> None:
    before = model.usage()["image_encoder"]
    size = model.manifest.image_size
    model.encode_image(np.zeros((size, size, 3), np.uint8))
    after = model.usage()["image_encoder"]
    assert after.calls == before.calls + 1
    assert after.seconds > before.seconds
    assert after.shapes == {"image": (1, size, size, 3)}
