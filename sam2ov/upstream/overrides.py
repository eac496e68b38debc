"""Hydra's overrides, as programs give them: read without hydra, and honoured or refused by name.

Upstream composes its models from such lines (``build_sam.py``, ``hydra_overrides_extra``). Here the
networks are fixed when a checkpoint is converted; what can be set is what runs around them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import ValidationError

from sam2ov.errors import ModelError, first_fault
from sam2ov.manifest import Manifest, Switches

_DECODER: Final = "sam_mask_decoder_extra_args.dynamic_multimask_"
_SWITCHES: Final[Mapping[str, str]] = {
    "multimask_output_in_sam": "multimask_output",
    "multimask_output_for_tracking": "multimask_output_for_tracking",
    "multimask_min_pt_num": "multimask_min_points",
    "multimask_max_pt_num": "multimask_max_points",
    "use_multimask_token_for_obj_ptr": "use_multimask_token_for_pointer",
    "binarize_mask_from_pts_for_mem_enc": "binarize_prompted_masks",
    "use_signed_tpos_enc_to_obj_ptrs": "signed_pointer_tpos",
    "only_obj_ptrs_in_the_past_for_eval": "past_pointers_only",
    "fixed_no_obj_ptr": "fixed_no_obj_ptr",
    "max_cond_frames_in_attn": "max_conditioning_frames",
    "memory_temporal_stride_for_eval": "memory_stride",
    f"{_DECODER}via_stability": "dynamic_multimask",
    f"{_DECODER}stability_delta": "dynamic_multimask_delta",
    f"{_DECODER}stability_thresh": "dynamic_multimask_threshold",
}
"""Keys of upstream's ``SAM2Base``, and what the manifest calls them."""

_OWN: Final = ("image_size", "fill_hole_area", "non_overlap_masks")

_AS_IT_IS: Final[Mapping[str, tuple[Any, ...]]] = {
    "add_all_frames_to_correct_as_cond": (True,),
    "clear_non_cond_mem_around_input": (False,),
    "use_mask_input_as_output_without_sam": (True,),
    "compile_image_encoder": (True, False),
    "_target_": (
        "sam2.modeling.sam2_base.SAM2Base",
        "sam2.sam2_video_predictor.SAM2VideoPredictor",
        "sam2.sam2_video_predictor.SAM2VideoPredictorVOS",
    ),
}
"""Keys whose value is settled here: these values are what happens in any case."""


@dataclass(frozen=True)
class Overrides:
    """What overrides ask for.

    Attributes:
        image_size: side of the model's input in pixels; None for the one that it was trained at.
        fill_hole_area: low-resolution pixels; upstream's default is 0.
        non_overlap_masks: give each pixel to one object at most.
        switches: by the names of ``Switches``.
    """

    image_size: int | None = None
    fill_hole_area: int = 0
    non_overlap_masks: bool = False
    switches: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, manifest: Manifest) -> Manifest:
        """A manifest with these switches; those of postprocessing are off unless they are here.

        Raises:
            ModelError: a value is of no use.
        """
        plain = {"dynamic_multimask": False, "binarize_prompted_masks": False}
        values = manifest.switches.model_dump() | plain | dict(self.switches)
        try:
            switches = Switches.model_validate(values)
        except ValidationError as error:
            raise ModelError(f"hydra_overrides_extra: {first_fault(error)}.") from error
        return manifest.model_copy(update={"switches": switches})


def read_overrides(lines: Iterable[str]) -> Overrides:
    """Read overrides such as "++model.fill_hole_area=8"; of the same key the last one counts.

    Raises:
        ModelError: one is malformed, or asks for what compiled networks do not do.
    """
    own: dict[str, Any] = {}
    switches: dict[str, Any] = {}
    for line in lines:
        key, value = _parsed(line)
        if key in _SWITCHES:
            switches[_SWITCHES[key]] = value
        elif key in _OWN:
            own[key] = value
        elif key not in _AS_IT_IS:
            known = ", ".join((*_OWN, *_SWITCHES, *_AS_IT_IS))
            raise ModelError(
                f"hydra_overrides_extra: {line!r} cannot be honoured, because networks are fixed "
                f"when a checkpoint is converted. What can be set of model: {known}. For another "
                "network give a configuration file of your own."
            )
        elif value not in _AS_IT_IS[key]:
            raise ModelError(
                f"hydra_overrides_extra: {line!r} cannot be honoured: here {key} is always "
                f"{' or '.join(map(str, _AS_IT_IS[key]))}."
            )
    for key, kind in (("image_size", int), ("fill_hole_area", int), ("non_overlap_masks", bool)):
        if key in own and (type(own[key]) is not kind or own[key] < 0):
            raise ModelError(f"hydra_overrides_extra: {key} cannot be {own[key]!r}.")
    return Overrides(**own, switches=switches)


def _parsed(line: Any) -> tuple[str, Any]:
    name, equals, text = str(line).lstrip("+").partition("=")
    if not equals or not name.startswith("model."):
        raise ModelError(f"hydra_overrides_extra: {line!r} is not of the form ++model.KEY=VALUE.")
    try:
        return name.removeprefix("model."), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelError(f"hydra_overrides_extra: {line!r} has no readable value.") from error
