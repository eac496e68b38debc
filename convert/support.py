"""Which of upstream's switches the graphs implement."""

from typing import Any

from sam2ov.errors import ConversionError


def check_supported(model: Any) -> None:
    """Refuse a configuration that the graphs would compute wrongly.

    Raises:
        ConversionError: names the first switch whose value is not supported.
    """
    encoder, attention = model.image_encoder, model.memory_attention
    neck, trunk = encoder.neck, encoder.trunk
    requirements: list[tuple[str, Any, Any]] = [
        ("use_high_res_features_in_sam", model.use_high_res_features_in_sam, True),
        ("directly_add_no_mem_embed", model.directly_add_no_mem_embed, True),
        ("use_obj_ptrs_in_encoder", model.use_obj_ptrs_in_encoder, True),
        ("pred_obj_scores", model.pred_obj_scores, True),
        ("soft_no_obj_ptr", model.soft_no_obj_ptr, False),
        ("non_overlap_masks_for_mem_enc", model.non_overlap_masks_for_mem_enc, False),
        (
            "proj_tpos_enc_in_obj_ptrs",
            model.proj_tpos_enc_in_obj_ptrs,
            model.add_tpos_enc_to_obj_ptrs,
        ),
        ("backbone_stride", model.backbone_stride, 16),
        ("num_maskmem at least 1", model.num_maskmem >= 1, True),
        ("image_encoder.scalp", encoder.scalp, 1),
        ("image_encoder.trunk stages", len(trunk.stage_ends), 4),
        ("image_encoder.trunk.return_interm_layers", trunk.return_interm_layers, True),
        ("image_encoder.trunk.q_pool_blocks", trunk.q_pool_blocks, _stage_starts(trunk)),
        ("image_encoder.trunk.q_stride", tuple(trunk.q_stride), (2, 2)),
        ("image_encoder.neck.kernel_size", neck.convs[0].conv.kernel_size, (1, 1)),
        ("image_encoder.neck.fpn_interp_model", neck.fpn_interp_model, "nearest"),
        ("image_encoder.neck.fuse_type", neck.fuse_type, "sum"),
        ("image_encoder.neck.fpn_top_down_levels", sorted(neck.fpn_top_down_levels), [2, 3]),
        ("memory_attention.batch_first", attention.batch_first, True),
    ]
    for index, layer in enumerate(attention.layers):
        where = f"memory_attention.layers.{index}"
        cross, own = layer.cross_attn_image, layer.self_attn
        requirements += [
            (f"{where}.pos_enc_at_attn", layer.pos_enc_at_attn, False),
            (f"{where}.pos_enc_at_cross_attn_queries", layer.pos_enc_at_cross_attn_queries, False),
            (f"{where}.pos_enc_at_cross_attn_keys", layer.pos_enc_at_cross_attn_keys, True),
            (f"{where}.activation is relu or gelu", layer.activation_str in ("relu", "gelu"), True),
            (f"{where}.self_attn", type(own).__name__, "RoPEAttention"),
            (f"{where}.cross_attn_image", type(cross).__name__, "RoPEAttention"),
            (f"{where}.self_attn.num_heads", own.num_heads, 1),
            (f"{where}.cross_attn_image.num_heads", cross.num_heads, 1),
            (f"{where}.cross_attn_image.kv_in_dim", cross.kv_in_dim, model.mem_dim),
        ]
    for name, found, supported in requirements:
        if found != supported:
            raise ConversionError(
                f"The configuration sets {name} to {found!r}; the converter supports {supported!r}."
            )


def _stage_starts(trunk: Any) -> list[int]:
    return [end + 1 for end in trunk.stage_ends[:-1]]
