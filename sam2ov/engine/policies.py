"""The memory policies by their names."""

from collections.abc import Callable, Mapping
from typing import Final

from sam2ov.engine.distractor_policy import DistractorAwarePolicy
from sam2ov.engine.policy import MemoryPolicy, MemorySettings, PolicyName, UpstreamPolicy
from sam2ov.manifest import Manifest

POLICIES: Final[Mapping[PolicyName, Callable[[Manifest, MemorySettings], MemoryPolicy]]] = {
    "upstream": UpstreamPolicy,
    "distractor-aware": DistractorAwarePolicy,
}


def make_policy(manifest: Manifest, settings: MemorySettings) -> MemoryPolicy:
    """The policy that the settings ask for, or else the model's own."""
    return POLICIES[settings.policy or manifest.memory_policy](manifest, settings)
