"""The formats, in the order in which people are shown them.

A new one is an entry here and a module with its writer; command line, app and API have it then.
"""

from collections.abc import Mapping
from typing import Final, Literal

from sam2ov.export.annotation_options import (
    CocoOptions,
    CvatOptions,
    DatasetOptions,
    DavisOptions,
    EveryOptions,
    LabelStudioOptions,
    YoloOptions,
)
from sam2ov.export.format import ClipCheck, ExportFormat, OpenOutput
from sam2ov.export.video_options import (
    CryptomatteOptions,
    DeepAlphaOptions,
    ExrOptions,
    MatteOptions,
    OverlayOptions,
    PngCutOutOptions,
    PngMatteOptions,
    TimelineOptions,
    Vp9Options,
)

FormatName = Literal[
    "overlay",
    "matte",
    "alpha-prores",
    "alpha-vp9",
    "alpha-ffv1",
    "png-matte",
    "png-rgba",
    "exr",
    "cryptomatte",
    "timeline",
    "davis",
    "masks",
    "coco",
    "yolo",
    "mots",
    "sav",
    "label-studio",
    "cvat",
    "dataset",
]
"""The names of ``FORMATS``, for signatures."""

# Writers are imported when they are needed: they bring OpenCV and FFmpeg with them.


def _overlay() -> OpenOutput:
    from sam2ov.export.overlay import open_overlay

    return open_overlay


def _matte() -> OpenOutput:
    from sam2ov.export.matte import open_matte

    return open_matte


def _alpha_prores() -> OpenOutput:
    from sam2ov.export.alpha import open_alpha_prores

    return open_alpha_prores


def _alpha_vp9() -> OpenOutput:
    from sam2ov.export.alpha import open_alpha_vp9

    return open_alpha_vp9


def _alpha_ffv1() -> OpenOutput:
    from sam2ov.export.alpha import open_alpha_ffv1

    return open_alpha_ffv1


def _png_matte() -> OpenOutput:
    from sam2ov.export.stills import open_png_matte

    return open_png_matte


def _png_rgba() -> OpenOutput:
    from sam2ov.export.stills import open_png_rgba

    return open_png_rgba


def _exr() -> OpenOutput:
    from sam2ov.export.stills import open_exr

    return open_exr


def _cryptomatte() -> OpenOutput:
    from sam2ov.export.cryptomatte import open_cryptomatte

    return open_cryptomatte


def _timeline() -> OpenOutput:
    from sam2ov.export.timeline import open_timeline

    return open_timeline


def _timeline_check() -> ClipCheck:
    from sam2ov.export.timeline import check_rate

    return check_rate


def _davis() -> OpenOutput:
    from sam2ov.export.davis import open_davis

    return open_davis


def _masks() -> OpenOutput:
    from sam2ov.export.object_masks import open_object_masks

    return open_object_masks


def _coco() -> OpenOutput:
    from sam2ov.export.coco import open_coco

    return open_coco


def _yolo() -> OpenOutput:
    from sam2ov.export.yolo import open_yolo

    return open_yolo


def _mots() -> OpenOutput:
    from sam2ov.export.mots import open_mots

    return open_mots


def _sav() -> OpenOutput:
    from sam2ov.export.sav import open_sav

    return open_sav


def _label_studio() -> OpenOutput:
    from sam2ov.export.label_studio import open_label_studio

    return open_label_studio


def _cvat() -> OpenOutput:
    from sam2ov.export.cvat import open_cvat

    return open_cvat


def _dataset() -> OpenOutput:
    from sam2ov.export.dataset import open_dataset

    return open_dataset


_ALL = (
    ExportFormat(
        name="overlay",
        label="Overlay or effect (mp4)",
        purpose="The clip with the objects in colour, to show and to check; or with an effect on "
        "them or around them: blur, pixelate, grey, spotlight, another background.",
        suffix=".mp4",
        load=_overlay,
        options=OverlayOptions,
        splits=True,
        has_times=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="matte",
        label="Matte video (mp4)",
        purpose="White where an object is, black elsewhere: a track matte for an editing or "
        "compositing program.",
        suffix=".mp4",
        load=_matte,
        options=MatteOptions,
        splits=True,
        has_times=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="alpha-prores",
        label="Cut-out, ProRes 4444 (mov)",
        purpose="The objects on transparency, with sound, in what editing and compositing "
        "programs like best. Large files.",
        suffix=".mov",
        load=_alpha_prores,
        options=DeepAlphaOptions,
        splits=True,
        has_times=True,
        has_alpha=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="alpha-vp9",
        label="Cut-out, VP9 (webm)",
        purpose="The objects on transparency, with sound, in small files: for web pages and for "
        "overlays in streaming programs.",
        suffix=".webm",
        load=_alpha_vp9,
        options=Vp9Options,
        splits=True,
        has_times=True,
        has_alpha=True,
        is_lossless=False,
    ),
    ExportFormat(
        name="alpha-ffv1",
        label="Cut-out, FFV1 (mkv)",
        purpose="The objects on transparency, with sound, without loss: to archive, and to go on "
        "with in FFmpeg.",
        suffix=".mkv",
        load=_alpha_ffv1,
        options=DeepAlphaOptions,
        splits=True,
        has_times=True,
        has_alpha=True,
    ),
    ExportFormat(
        name="png-matte",
        label="Matte sequence (PNG)",
        purpose="A grey picture for each frame, white where an object is, with soft edges: for "
        "compositing.",
        suffix=None,
        load=_png_matte,
        options=PngMatteOptions,
        names="{clip}-matte.{frame:05d}",
        splits=True,
    ),
    ExportFormat(
        name="png-rgba",
        label="Cut-out sequence (PNG)",
        purpose="A picture with transparency for each frame: for compositing and game engines.",
        suffix=None,
        load=_png_rgba,
        options=PngCutOutOptions,
        names="{clip}-cutout.{frame:05d}",
        splits=True,
        has_alpha=True,
    ),
    ExportFormat(
        name="exr",
        label="Layers (OpenEXR)",
        purpose="A file for each frame with a layer for each object, in half floats: for Nuke, "
        "Blender, Fusion and others.",
        suffix=None,
        load=_exr,
        options=ExrOptions,
        names="{clip}.{frame:05d}",
        splits=True,
        has_alpha=True,
        max_objects=100,
    ),
    ExportFormat(
        name="cryptomatte",
        label="Cryptomatte (OpenEXR)",
        purpose="A file for each frame from which compositing programs pick the objects by their "
        "names: for Nuke, Blender, Fusion, Natron and others.",
        suffix=None,
        load=_cryptomatte,
        options=CryptomatteOptions,
        names="{clip}-cryptomatte.{frame:05d}",
    ),
    ExportFormat(
        name="timeline",
        label="Timeline with mattes (OTIO)",
        purpose="The clip and a matte video on a track for each object, with ranges and timecode: "
        "for editing programs (OpenTimelineIO, FCPXML, EDL).",
        suffix=None,
        load=_timeline,
        options=TimelineOptions,
        is_lossless=False,
        extra="otio",
        modules=("opentimelineio", "otio_fcpx_xml_adapter", "otio_cmx3600_adapter"),
        load_clip_check=_timeline_check,
    ),
    ExportFormat(
        name="davis",
        label="Masks, DAVIS (PNG)",
        purpose="A palette picture for each frame whose values are the numbers of the objects: for "
        "research, evaluation and programs that read DAVIS.",
        suffix=None,
        load=_davis,
        options=DavisOptions,
        names="{frame:05d}",
        splits=True,
        max_object_id=254,
    ),
    ExportFormat(
        name="masks",
        label="Masks, one per object (PNG)",
        purpose="A black and white picture for each object and frame: for scripts, and to work on "
        "each object on its own. Masks may overlap.",
        suffix=None,
        load=_masks,
        names="{id:03d}/{frame:05d}",
    ),
    ExportFormat(
        name="coco",
        label="COCO (json)",
        purpose="One file with the masks of all frames, as run lengths or polygons, with tracks: "
        "for training and for most annotation programs.",
        suffix=".json",
        load=_coco,
        options=CocoOptions,
        names="{frame:05d}",
    ),
    ExportFormat(
        name="yolo",
        label="YOLO segmentation (zip)",
        purpose="Frames and polygons with data.yaml, split for training and validation: for "
        "Ultralytics YOLO.",
        suffix=None,
        load=_yolo,
        options=YoloOptions,
        names="{clip}_{frame:06d}",
        is_lossless=False,
    ),
    ExportFormat(
        name="mots",
        label="MOTS (PNG, txt)",
        purpose="16-bit pictures and text with classes and instances: for multi-object tracking "
        "and segmentation (KITTI MOTS).",
        suffix=None,
        load=_mots,
        names="{frame:06d}",
        max_object_id=999,
        max_kinds=61,  # beyond class 64 the numbers exceed 16 bits; 10 marks what is ignored
        known_kinds=frozenset({"car", "pedestrian", "person"}),
    ),
    ExportFormat(
        name="sav",
        label="SA-V masklets (json)",
        purpose="Run lengths of all objects for each frame: for programs made for SA-V, such as "
        "those that train SAM 2.",
        suffix=".json",
        load=_sav,
        options=EveryOptions,
    ),
    ExportFormat(
        name="label-studio",
        label="Label Studio, video (json)",
        purpose="Boxes that follow the objects, to be imported and corrected in Label Studio, "
        "which has no masks in videos.",
        suffix=".json",
        load=_label_studio,
        options=LabelStudioOptions,
        is_lossless=False,
    ),
    ExportFormat(
        name="cvat",
        label="CVAT for video 1.1 (xml)",
        purpose="Masks, or tracks of polygons or boxes, to be imported and corrected in CVAT.",
        suffix=".xml",
        load=_cvat,
        options=CvatOptions,
    ),
    ExportFormat(
        name="dataset",
        label="Training set (zip)",
        purpose="Frames, masks, COCO and YOLO labels, split without neighbours on both sides, "
        "from one or several clips: label a clip, train a network.",
        suffix=None,
        load=_dataset,
        options=DatasetOptions,
        takes_several=True,
        max_kinds=254,
    ),
)

FORMATS: Final[Mapping[str, ExportFormat]] = {known.name: known for known in _ALL}
