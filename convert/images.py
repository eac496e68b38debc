"""Normalisation of the image, (x/255 - mean)/std, done by the first convolution where it can be."""

from typing import Final

import numpy as np
from openvino import Node

from convert import ops
from convert.ops import Kernel, Tensor

_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_STD: Final = np.array([0.229, 0.224, 0.225], np.float32)


def centred(image: Node) -> Tensor:
    """A uint8 image [1, S, S, 3] without the mean of ImageNet, still 0 to 255 wide.

    This much stays outside the convolution, which pads with zeros after it.
    """
    return ops.subtract(ops.as_f32(image), ops.constant(255.0 * _MEAN))


def of_centred_image(kernel: Kernel) -> Kernel:
    """The kernel for such an image: the divisions are moved into its weights."""
    scale = (255.0 * _STD)[None, :, None, None]
    return Kernel(kernel.weight / scale, kernel.bias, kernel.stride, kernel.padding)
