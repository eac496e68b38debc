"""The checkpoint's tensors, and the account of which of them have found their place."""

from collections.abc import Mapping

import numpy as np

from convert.ops import Affine, FloatArray, Kernel, Norm
from convert.wording import some
from sam2ov.errors import ConversionError


class Weights:
    """The tensors below a prefix of the checkpoint's keys. Taking one marks it as used.

    Views made with ``at`` share the account of the object they come from.
    """

    def __init__(self, tensors: Mapping[str, FloatArray]) -> None:
        self._tensors = tensors
        self._prefix = ""
        self._taken: set[str] = set()

    def at(self, *path: str | int) -> "Weights":
        """The tensors of a submodule."""
        view = Weights(self._tensors)
        view._prefix = self._prefix + "".join(f"{part}." for part in path)
        view._taken = self._taken
        return view

    def tensor(self, name: str) -> FloatArray:
        """One tensor, as the checkpoint has it."""
        key = self.key(name)
        self._taken.add(key)
        return self._tensors[key]

    def key(self, name: str) -> str:
        """The whole key of a tensor."""
        return self._prefix + name

    def affine(self, *path: str) -> Affine:
        """A linear layer, or a 1×1 convolution read as one."""
        part = self.at(*path)
        weight = part.tensor("weight")
        return Affine(weight.reshape(weight.shape[0], -1), part.tensor("bias"))

    def matrix(self, name: str, half: int | None = None) -> FloatArray:
        """The weight of a linear layer without bias, or one half of its rows."""
        weight = self.tensor(f"{name}.weight")
        weight = weight.reshape(weight.shape[0], -1)
        rows = len(weight) // 2
        return weight if half is None else weight[half * rows : (half + 1) * rows]

    def norm(self, name: str, eps: float) -> Norm:
        """A layer normalisation."""
        part = self.at(name)
        return Norm(part.tensor("weight"), part.tensor("bias"), eps)

    def kernel(self, name: str, stride: int = 1, padding: int = 0, bias: bool = True) -> Kernel:
        """A convolution; one without a bias gets zeros."""
        weight = self.tensor(f"{name}.weight")
        shift = self.tensor(f"{name}.bias") if bias else np.zeros(len(weight), np.float32)
        return Kernel(weight, shift, stride, padding)

    def mlp(self, layers: int) -> list[Affine]:
        """The layers of sam2's ``MLP`` module."""
        return [self.affine(f"layers.{index}") for index in range(layers)]

    @property
    def taken(self) -> frozenset[str]:
        """The keys that have been asked for so far, by this object and the views it shares with."""
        return frozenset(self._taken)

    def check_all_used(self, unused: Mapping[str, str]) -> None:
        """Account for every key.

        Args:
            unused: keys that inference does not need, with the reason.

        Raises:
            ConversionError: a key is neither in a graph, nor in the constants, nor in ``unused``.
        """
        left = sorted(set(self._tensors) - self._taken - set(unused))
        if left:
            raise ConversionError(
                f"{len(left)} tensors of the checkpoint would be lost: {some(left)}. "
                "The converter does not know this architecture."
            )
