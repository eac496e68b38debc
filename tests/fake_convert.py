"""Stands in for ``python -m convert`` where torch is absent: same arguments, same output lines.

The environment says how it behaves: ``FAKE_CONVERT`` is ``ok``, ``slow`` (half a second),
``hang``, ``refuse`` (a converter's own error), ``crash`` or a model folder, which is copied in two
seconds; ``FAKE_CONVERT_LOG`` names a file that gets a line for each run.
"""

import argparse
import gzip
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sam2ov.graph_files import WEIGHTS_FILE
from sam2ov.manifest import (
    CONSTANTS_FILE,
    MANIFEST_FILE,
    NETWORK_NAMES,
    FileSpec,
    Manifest,
    NetworkSpec,
    SizeSpec,
    Source,
    Switches,
    file_spec,
    read_manifest,
    sha256_of,
)

_SWITCHES = Switches(
    multimask_output=True,
    multimask_output_for_tracking=True,
    multimask_min_points=0,
    multimask_max_points=1,
    use_multimask_token_for_pointer=True,
    dynamic_multimask=True,
    dynamic_multimask_delta=0.05,
    dynamic_multimask_threshold=0.98,
    binarize_prompted_masks=True,
    use_mask_as_output=True,
    pointer_tpos="projected",
    signed_pointer_tpos=True,
    past_pointers_only=True,
    fixed_no_obj_ptr=True,
    max_conditioning_frames=-1,
    memory_stride=1,
)


def write_model_folder(
    folder: Path,
    *,
    name: str = "fake",
    image_sizes: Sequence[int] = (1024,),
    weights: str = "f16",
    checkpoint: Path | None = None,
    config: str = "sam2.1_hiera_t",
) -> Manifest:
    """Make a model folder whose manifest and checksums hold; its networks are placeholders."""

    def file(file_name: str) -> FileSpec:
        path = folder / file_name
        path.write_bytes(gzip.compress(f"{file_name} of {name}".encode(), mtime=0))
        return file_spec(path)

    folder.mkdir(parents=True, exist_ok=True)
    sizes = [
        SizeSpec(
            image_size=size,
            memory_tokens=(size // 16) ** 2,
            networks={
                network: NetworkSpec(graph=file(f"{network}-{size}.xml.gz"), inputs=(), outputs=())
                for network in NETWORK_NAMES
            },
        )
        for size in image_sizes
    ]
    source = Source(
        checkpoint=checkpoint.name if checkpoint else "none",
        sha256=sha256_of(checkpoint) if checkpoint and checkpoint.is_file() else "",
        config=config,
        openvino_version="none",
    )
    manifest = Manifest.model_validate(
        {
            "name": name,
            "family": "sam2.1",
            "image_size": image_sizes[0],
            "sizes": sizes,
            "embedding_stride": 16,
            "mask_stride": 4,
            "hidden_dim": 256,
            "mem_dim": 64,
            "num_maskmem": 7,
            "max_obj_ptrs": 16,
            "switches": _SWITCHES,
            "weights": weights,
            "source": source,
            "weights_file": file(WEIGHTS_FILE),
            "constants": file(CONSTANTS_FILE),
        }
    )
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json())
    return manifest


def _say(**message: object) -> None:
    print(json.dumps(message), flush=True)


def _main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="sam2.1_hiera_t")
    parser.add_argument("--name", required=True)
    parser.add_argument("--image-size", default="1024")
    parser.add_argument("--halved", action="store_true")
    parser.add_argument("--weights", choices=("f16", "f32"), required=True)
    parser.add_argument("--progress", choices=("json",), required=True)
    options = parser.parse_args()
    if log := os.environ.get("FAKE_CONVERT_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{options.config} {options.checkpoint.name}\n")
    behaviour = os.environ.get("FAKE_CONVERT", "ok")
    print("a library's own remark")
    _say(stage="Loading", done=0, total=2)
    if behaviour == "refuse":
        _say(error="CheckpointError", message=f"{options.checkpoint} is truncated.")
        return 1
    if behaviour == "crash":
        print("Segmentation fault, so to speak", file=sys.stderr)
        return 139
    if behaviour == "slow":
        time.sleep(0.5)
    while behaviour == "hang":  # ends with its reader: the pipe breaks
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "half-written.bin").write_text("half")
        time.sleep(0.05)
        _say(stage="Hanging", done=1, total=2)
    if Path(behaviour).is_dir():
        for done in range(1, 5):
            time.sleep(0.5)
            _say(stage="Converting", done=done, total=4)
        shutil.copytree(behaviour, options.out, dirs_exist_ok=True)
        manifest = read_manifest(options.out).model_copy(update={"name": options.name})
        (options.out / MANIFEST_FILE).write_text(manifest.model_dump_json())
        return 0
    write_model_folder(
        options.out,
        name=options.name,
        image_sizes=[1024, 512]
        if options.halved
        else [int(size) for size in options.image_size.split(",")],
        weights=options.weights,
        checkpoint=options.checkpoint,
        config=options.config,
    )
    _say(stage="Done", done=2, total=2)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
