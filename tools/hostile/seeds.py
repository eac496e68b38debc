"""The small valid things that are mutated; made anew, none is kept."""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2ov.engine.model import SAM2Model
from sam2ov.engine.session import VideoSession
from sam2ov.engine.tracker import Tracker
from sam2ov.project import Project
from sam2ov.project.archive import save_project_file
from sam2ov.project.documents import ModelDocument
from sam2ov.project.folder import ProjectInfo
from sam2ov.store.journal import Journal
from sam2ov.values.rle import encode_rle
from sam2ov.video import FFV1, H264, PRORES_422_HQ, FrameTimes, VideoWriter, open_video, vp9
from sam2ov.zoo.catalogue import resolve_model

SIZE_HW = (48, 64)
NUM_FRAMES = 6
_MODEL = ModelDocument(model="micro", device="CPU", weights="0")


@dataclass(frozen=True)
class Seeds:
    """Where they lie.

    Attributes:
        clips: some containers and codecs.
        project: a project file with its clip.
        model: a model folder.
    """

    clips: tuple[Path, ...]
    project: Path
    model: Path


def make_seeds(folder: Path) -> Seeds:
    """Make the seeds in an empty folder."""
    frames = _frames()
    kinds = {"a.mp4": H264, "b.mov": PRORES_422_HQ, "c.mkv": FFV1, "d.webm": vp9()}
    for name, encoding in kinds.items():
        times = FrameTimes.constant(24, NUM_FRAMES)
        with VideoWriter(folder / name, SIZE_HW, times, encoding=encoding) as writer:
            for frame in frames:
                writer.write(frame)
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(folder / "e.gif", save_all=True, append_images=others, duration=50)
    clips = (*(folder / name for name in kinds), folder / "e.gif")
    model = Path(shutil.copytree(resolve_model("micro"), folder / "model"))
    return Seeds(clips, _project(folder, clips[0], model), model)


def find_seeds(folder: Path) -> Seeds:
    """Those that ``make_seeds`` has made there."""
    return Seeds(tuple(sorted(folder.glob("?.*"))), folder / "saved.sam2ov", folder / "model")


def _frames() -> list[npt.NDArray[np.uint8]]:
    frames = []
    for number in range(NUM_FRAMES):
        frame = np.full((*SIZE_HW, 3), 60, np.uint8)
        frame[8:40, 8 + number : 40 + number] = (255, 0, 0)
        frames.append(frame)
    return frames


def _project(folder: Path, clip: Path, model: Path) -> Path:
    path = folder / "saved.sam2ov"
    height, width = SIZE_HW
    info = ProjectInfo(clip_name="a.mp4", num_frames=NUM_FRAMES, width=width, height=height)
    with (
        Journal.temporary() as journal,
        VideoSession(Tracker(SAM2Model(model)), open_video(clip), journal) as session,
    ):
        project = Project(session, journal, _MODEL)
        project.prompts.click(1, 0, (20, 20), positive=True)
        list(session.propagate())
        save_project_file(path, info, journal, clip)
    return path


def png() -> bytes:
    """A label map of two objects."""
    labels = np.zeros((20, 30), np.uint8)
    labels[3:9, 3:9], labels[10:15, 12:18] = 1, 2
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "PNG")
    return stream.getvalue()


def _rle() -> dict[str, Any]:
    mask = np.zeros((20, 30), np.bool_)
    mask[3:9, 3:9] = True
    return {"size": [20, 30], "counts": encode_rle(mask).counts}


def annotations() -> dict[str, Any]:
    """Files of annotations by what they are: "coco", "sav" and "prompts"."""
    images = [
        {"id": i, "file_name": f"f/{i:05d}.jpg", "height": 20, "width": 30} for i in (3, 4, 9)
    ]
    polygon = [[5.0, 5, 11, 5, 11, 11, 5, 11]]
    shapes = ((3, _rle()), (4, {"size": [20, 30], "counts": [596, 4]}), (9, polygon))
    masks = [
        {"image_id": i, "category_id": 1, "segmentation": shape, "track_id": 5}
        for i, shape in shapes
    ]
    video = {"file": "a.mp4", "num_frames": 6, "width": 30, "height": 20}
    box = {"frame": 0, "points": [{"x": 5, "y": 5, "label": 1}], "box": [1, 1, 9, 9]}
    return {
        "coco": {
            "images": images,
            "annotations": masks,
            "categories": [{"id": 1, "name": "dog"}],
        },
        "sav": {
            "masklet": [[_rle(), _rle()]] * 2,
            "masklet_id": [0, 1],
            "masklet_object_id": [4, 7],
            "masklet_name": ["a", "b"],
        },
        "prompts": {
            "version": 1,
            "video": video,
            "objects": [{"id": 1, "name": "dog", "colour": "#ff0000", "prompts": [box]}],
        },
    }


CVAT = """<annotations><meta><task><original_size><width>30</width><height>20</height>
</original_size></task></meta><track id="0" label="dog" group_id="3"><mask frame="0" outside="0"
left="2" top="3" width="4" height="2" rle="2, 3, 3"/></track><track id="1" label="cat"><box
frame="0" outside="0" xtl="1.5" ytl="2" xbr="10" ybr="11"/><polygon frame="2" outside="0"
points="1,1;5,1;5,5"/></track></annotations>"""
