"""What is done with a mutated thing: as sam2ov does it, in the process that calls it."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from typer.testing import CliRunner

from sam2ov.cli import app
from sam2ov.engine.model import SAM2Model
from sam2ov.engine.networks import Compiler, Network
from sam2ov.errors import Sam2ovError
from sam2ov.manifest import CONSTANTS_FILE, MANIFEST_FILE, read_manifest
from sam2ov.mask_files.prompt_file import fitting_prompts, read_prompt_file
from sam2ov.mask_files.reading import Choice, read_prompts_or_masks
from sam2ov.project.archive import unpack_project_file
from sam2ov.project.stored import open_stored_project
from sam2ov.video.served import open_in_process
from tools.hostile import mutations, seeds
from tools.hostile.seeds import Seeds

Attack = Callable[[Random, Path, Seeds], None]
"""Does it in an empty folder; raises what sam2ov raises."""

_MOST_BYTES: Final = 1 << 26
_DTYPES: Final = {"u8": np.uint8, "i32": np.int32, "f32": np.float32}


class LinesError(Exception):
    """A command ended otherwise than with one clear line."""


def clip(rng: Random, folder: Path, given: Seeds) -> None:
    """A video, opened and read here and there."""
    source = rng.choice(given.clips)
    path = folder / f"clip{source.suffix}"
    path.write_bytes(mutations.changed_bytes(rng, source.read_bytes()))
    with open_in_process(path, verify=rng.random() < 0.5) as reader:
        for frame_idx in {0, len(reader) // 2, len(reader) - 1}:
            reader.read(frame_idx)


def masks(rng: Random, folder: Path, _: Seeds) -> None:
    """Annotations of any kind, alone or in an archive."""
    kind = rng.choice(["coco", "sav", "xml", "png"])
    if kind == "xml":
        content = mutations.changed_xml(rng, seeds.CVAT)
    elif kind == "png":
        content = mutations.changed_png(rng, seeds.png())
    else:
        content = mutations.changed_json(rng, seeds.annotations()[kind])
    name = f"1.{kind if kind in {'xml', 'png'} else 'json'}"
    path = folder / name
    path.write_bytes(content)
    if rng.random() < 0.3:
        path = folder / "a.zip"
        inside = rng.choice([name, "\x1b[31m" + name, "9" * 5000 + name, "../" + name])
        with zipfile.ZipFile(path, "w", rng.choice([0, 8, 12, 14])) as archive:
            archive.writestr(inside, content)
        if rng.random() < 0.5:
            path.write_bytes(mutations.changed_bytes(rng, path.read_bytes()))
    choice = Choice(rng.choice([None, 1, 2]), rng.choice([0, 1]))
    found = read_prompts_or_masks(path, choice, _MOST_BYTES)
    fitting_prompts(found, seeds.NUM_FRAMES, (20, 30))


def prompts(rng: Random, folder: Path, _: Seeds) -> None:
    """A prompt file."""
    path = folder / "prompts.json"
    path.write_bytes(mutations.changed_json(rng, seeds.annotations()["prompts"]))
    fitting_prompts(read_prompt_file(path), seeds.NUM_FRAMES, (20, 30))


def project(rng: Random, folder: Path, given: Seeds) -> None:
    """A project file, unpacked and read."""
    with zipfile.ZipFile(given.project) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path, unpacked = folder / "p.sam2ov", folder / "unpacked"
    unpacked.mkdir()
    if rng.random() < 0.5:
        path.write_bytes(mutations.changed_bytes(rng, given.project.read_bytes()))
    else:
        if rng.random() < 0.5:
            info = json.loads(members["project.json"])
            members["project.json"] = mutations.changed_json(rng, info)
        else:
            journal = members["journal.sqlite"]
            members["journal.sqlite"] = mutations.changed_bytes(rng, journal)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    found = unpack_project_file(path, unpacked, _MOST_BYTES, lambda _: None)
    (unpacked / "project.json").write_text(found.info.model_dump_json(), encoding="utf-8")
    with open_stored_project(str(unpacked), _MOST_BYTES) as stored:
        for target in stored.objects:
            stored.masks.logits_at(0, seeds.SIZE_HW, [target.obj_id])


def model(rng: Random, folder: Path, given: Seeds) -> None:
    """A model folder: its manifest, its constants, or a graph, which is run."""
    place = folder / "model"
    place.mkdir()
    for source in given.model.iterdir():
        (place / source.name).symlink_to(source)

    def replace(name: str, content: bytes) -> None:
        (place / name).unlink()
        (place / name).write_bytes(content)

    what = rng.choice(["manifest", "constants", "graph"])
    if what == "manifest":
        manifest = json.loads((given.model / MANIFEST_FILE).read_bytes())
        replace(MANIFEST_FILE, mutations.changed_json(rng, manifest))
        read_manifest(place)
    elif what == "constants":
        constants = (given.model / CONSTANTS_FILE).read_bytes()
        replace(CONSTANTS_FILE, mutations.changed_bytes(rng, constants))
        SAM2Model(place)
    else:
        name = "prompt_encoder"
        path = place / f"{name}-{read_manifest(place).image_size}.xml.gz"
        xml = gzip.decompress(path.read_bytes())
        replace(path.name, gzip.compress(mutations.changed_xml(rng, xml.decode())))
        network = Network(
            Compiler.for_device("CPU", None, None),
            place,
            read_manifest(place),
            "prompt_encoder",
            static_shapes=False,
        )
        shapes = read_manifest(place).networks["prompt_encoder"].inputs
        network.infer(
            {
                each.name: np.zeros([max(side, 1) for side in each.shape], _DTYPES[each.dtype])
                for each in shapes
            }
        )


_OPTIONS: Final = {
    "--point": "0:1:5,5",
    "--box": "0:1:1,1,9,9",
    "--mask": "0:1:mask.png",
    "--set": "crf=20",
    "--names": "{clip}-{frame}",
    "--masks": "a.zip",
    "--prompts": "p.json",
    "--clean-up": "smooth=1",
    "--model": "micro",
    "--start": "0",
}


def command(rng: Random, folder: Path, given: Seeds) -> None:
    """A command line of ``sam2ov track`` that names no frame which could be tracked.

    Raises:
        LinesError: it does not end in one printable line that says what is wrong.
    """
    line = ["track", str(given.clips[0]), "--out", str(folder / "o.zip"), "--format", "davis"]
    for option in rng.sample(sorted(_OPTIONS), rng.choice([1, 2, 3])):
        line += [option, mutations.word(rng, _OPTIONS[option])]
    ended = CliRunner().invoke(app, [*line, "--point", "1000000:9:5,5"])
    lines = [each for each in ended.stderr.split("\n") if each]
    is_clear = (
        ended.exit_code in {1, 2}
        and lines[-1].startswith("Error: ")
        and "--debug" not in lines[-1]
        and all(each.isprintable() for each in lines)
    )
    if not is_clear:
        raise LinesError(f"{ended.exit_code}: {ended.stderr[-300:]!r} of {line!r}")
    raise Sam2ovError(lines[-1])


ATTACKS: Final[dict[str, Attack]] = {
    each.__name__: each for each in (clip, masks, prompts, project, model, command)
}
