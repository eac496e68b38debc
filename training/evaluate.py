"""Measure a checkpoint with sam2's own `SAM2VideoPredictor`, in float32.

`python -m training.evaluate CHECKPOINT [--clips 20] [--davis FOLDER] [--data PACK] [--out X.json]`

Per kind of prompt (mask, tight box, one click at the deepest point), given on the first frame only:
the mean IoU over all later frames in which the object can be seen. `--davis` takes a folder of
`<sequence>/frames/*.jpg` and `<sequence>/masks/*.png` (0/255) at video size: zero-shot J, mean of
the sequences' means. `--data` adds single photos held out from the training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training import pictures, prompts
from training.export_checkpoint import read_weights
from training.model import PREDICTOR, build
from training.prompts import Kind
from training.scenes import Difficulty
from training.steps import KINDS
from training.unseen import LEVELS, unseen_clip, write_frames
from training.validation import photo_ious

POSTPROCESSING = {
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}

Scores = dict[str, float]


def load_predictor(checkpoint: Path) -> Any:
    """sam2's video predictor with the settings of `build_sam2_video_predictor`."""
    predictor = build(
        target=PREDICTOR,
        binarize_mask_from_pts_for_mem_enc=True,
        sam_mask_decoder_extra_args=POSTPROCESSING,
    )
    predictor.load_state_dict(read_weights(checkpoint))
    return predictor.eval()


def follow(
    predictor: Any, frames: Path, masks: NDArray[np.uint8], kind: Kind
) -> NDArray[np.float64]:
    """Prompt every object on the first frame and follow it through a folder of JPEG frames.

    `masks` uint8 label maps [T, H, W]. Returns the IoU float64 [T − 1, K] of the later frames, NaN
    where the object cannot be seen.
    """
    state = predictor.init_state(str(frames))
    labels = [int(k) for k in np.unique(masks[0]) if k]
    for label in labels:
        prompt(predictor, state, label, masks[0] == label, kind)
    out = np.full((len(masks) - 1, len(labels)), np.nan)
    for frame, object_ids, logits in predictor.propagate_in_video(state):
        if frame == 0:
            continue
        predicted = (logits[:, 0] > 0).numpy()
        for column, label in enumerate(labels):
            truth = masks[frame] == label
            if truth.any():
                mask = predicted[list(object_ids).index(label)]
                out[frame - 1, column] = (mask & truth).sum() / (mask | truth).sum()
    return out


def prompt(predictor: Any, state: Any, label: int, mask: NDArray[np.bool_], kind: Kind) -> None:
    """Give the first prompt of an object, as a careful user would."""
    if kind == "mask":
        predictor.add_new_mask(state, 0, label, mask)
    elif kind == "box":
        box = np.array(prompts.box_corners(mask), np.float32)
        predictor.add_new_points_or_box(state, 0, label, box=box)
    else:
        click = np.array([prompts.centre_click(mask)], np.float32)
        one = np.ones(1, np.int32)
        predictor.add_new_points_or_box(state, 0, label, points=click, labels=one)


def clip_scores(predictor: Any, difficulty: Difficulty, clips: int) -> Scores:
    """Mean tracked IoU on drawn clips of unseen seeds, without any photo in them."""
    totals: dict[Kind, list[NDArray[np.float64]]] = {kind: [] for kind in KINDS}
    for index in range(clips):
        clip = unseen_clip(difficulty, index)
        with tempfile.TemporaryDirectory() as folder:
            write_frames(clip, Path(folder))
            for kind in KINDS:
                totals[kind].append(follow(predictor, Path(folder), clip.masks, kind).ravel())
    return {kind: float(np.nanmean(np.concatenate(values))) for kind, values in totals.items()}


def davis_scores(predictor: Any, folder: Path) -> Iterator[tuple[str, Scores]]:
    """J of every sequence, by kind of prompt."""
    for sequence in sorted(path for path in folder.iterdir() if (path / "masks").is_dir()):
        files = sorted((sequence / "masks").glob("*.png"))
        masks = np.stack([_read_mask(file) for file in files])
        scores: Scores = {}
        for kind in KINDS:
            scores[kind] = float(np.nanmean(follow(predictor, sequence / "frames", masks, kind)))
        yield sequence.name, scores


def _read_mask(path: Path) -> NDArray[np.uint8]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f"{path}: not a readable mask")
    return (np.asarray(mask) > 127).astype(np.uint8)


def evaluate(
    checkpoint: Path, clips: int, davis: Path | None, data: Path | None
) -> dict[str, Scores]:
    """All scores, by name of the set and kind of prompt."""
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # the tensors are small: more threads are slower on a busy machine
    predictor = load_predictor(checkpoint)
    results: dict[str, Scores] = {}
    for difficulty in LEVELS if clips else ():
        results[f"drawn clips, {difficulty}"] = clip_scores(predictor, difficulty, clips)
    if data is not None:
        held_out = pictures.load(data, held_out=True)
        results["held-out photos"] = photo_ious(predictor, held_out, predictor.image_size)
    if davis is not None:
        sequences = dict(davis_scores(predictor, davis))
        results |= {f"DAVIS {name}": scores for name, scores in sequences.items()}
        results[f"DAVIS, mean J of {len(sequences)}"] = {
            kind: float(np.mean([scores[kind] for scores in sequences.values()])) for kind in KINDS
        }
    return results


def main() -> None:
    """Command line: print a table, write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help=".pt of a run or an export, or .safetensors")
    parser.add_argument("--clips", type=int, default=20, help="drawn clips of each difficulty")
    parser.add_argument("--davis", type=Path)
    parser.add_argument("--data", type=Path, help="pack of pictures")
    parser.add_argument("--out", type=Path, help="JSON file")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="cannot import name '_C' from 'sam2'")
    started = time.monotonic()
    results = evaluate(arguments.checkpoint, arguments.clips, arguments.davis, arguments.data)
    print(f"{'':32}" + "".join(f"{kind:>8}" for kind in KINDS))
    for name, scores in results.items():
        cells = [f"{100 * scores[k]:8.1f}" if k in scores else f"{'–':>8}" for k in KINDS]
        print(f"{name:32}" + "".join(cells))
    print(f"{time.monotonic() - started:.0f} s")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
