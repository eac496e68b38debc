"""Videos whose background, or whose objects, are transparent: for editing and for the web."""

from collections.abc import Iterator
from contextlib import contextmanager

from sam2ov.export.coverage import cut_out
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.video_options import AlphaOptions, Vp9Options
from sam2ov.video.encodings import FFV1, PRORES_4444, Encoding, vp9
from sam2ov.video.writer import VideoWriter


@contextmanager
def open_alpha_prores(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a ProRes 4444 video, 10 bit and more, with 16 bit of alpha; as ``open_overlay``."""
    with _open(plan, plan.options(AlphaOptions), PRORES_4444) as add:
        yield add


@contextmanager
def open_alpha_vp9(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a WebM video with alpha, which browsers show; as ``open_overlay``."""
    options = plan.options(Vp9Options)
    with _open(plan, options, vp9(options.crf)) as add:
        yield add


@contextmanager
def open_alpha_ffv1(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a lossless RGBA video; as ``open_overlay``."""
    with _open(plan, plan.options(AlphaOptions), FFV1) as add:
        yield add


@contextmanager
def _open(plan: ExportPlan, options: AlphaOptions, encoding: Encoding) -> Iterator[AddFrame]:
    source = plan.source
    with VideoWriter.for_source(
        plan.path,
        source.video.info,
        start=source.frames.start,
        stop=source.frames.stop,
        encoding=encoding,
        has_alpha=True,
        audio=options.audio,
        keep_start=plan.settings.keep_start,
    ) as writer:

        def add(frame: ExportFrame) -> None:
            writer.write(cut_out(frame, source.objects, options))

        yield add
