"""One frame of tracking: what each object is there, and what it leaves in memory."""

from collections.abc import Sequence

import numpy as np

from sam2ov.engine.batches import Selected, batches
from sam2ov.engine.features import FrameFeatures
from sam2ov.engine.tracked_object import TrackedObject
from sam2ov.engine.tracker import Tracker
from sam2ov.values.masks import FloatArray


def track_frame(
    tracker: Tracker,
    features: FrameFeatures,
    frame_idx: int,
    targets: Sequence[TrackedObject],
    *,
    reverse: bool,
    searches: bool,
    is_cut: bool,
) -> FloatArray:
    """Find objects on a frame and take in what was found; the session's lock is held.

    Args:
        tracker: the model's per-frame logic.
        features: of the session's video.
        frame_idx: the frame.
        targets: the N objects, at least one. Those that are prompted there come as prompted.
        reverse: tracking goes back in time.
        searches: what is empty after a scene cut has no place in memory.
        is_cut: another scene begins, in the direction of tracking.

    Returns:
        Float32 [N, h, w] at low resolution, holes filled.
    """
    direction = -1 if reverse else 1
    earlier = frame_idx - direction
    embedded = features[frame_idx]
    is_held = features.shows_same(frame_idx, earlier)
    logits: dict[int, FloatArray] = {}
    selected: list[Selected] = []
    for target in targets:
        if frame_idx not in target.conditioning:
            if is_held and target.repeat(frame_idx, earlier, direction):
                logits[target.obj_id] = target.mask_logits(frame_idx)
                continue
            selected.append((target, target.select(frame_idx, reverse=reverse)))
    for batch in batches(selected):
        found = tracker.track(embedded, [target.gather(each) for target, each in batch])
        results = [each.result for each in found]
        memories = tracker.remember(embedded, results)
        filled = tracker.filled(np.stack([result.mask_logits for result in results]))
        for index, (target, _) in enumerate(batch):
            is_lost = searches and target.is_lost(results[index], earlier, is_cut=is_cut)
            target.add_tracked(frame_idx, found[index], memories[index], direction, is_lost=is_lost)
            logits[target.obj_id] = filled[index]
    for target in targets:
        if target.obj_id not in logits:
            target.pass_by(frame_idx, direction)
            logits[target.obj_id] = target.mask_logits(frame_idx)
    return np.stack([logits[target.obj_id] for target in targets])
