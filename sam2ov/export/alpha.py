"""Videos whose background, or whose objects, are transparent: for editing and for the web."""

from collections.abc import Iterator
from contextlib import contextmanager

from sam2ov.export.cut_out import cut_out
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan
from sam2ov.export.video_options import AlphaOptions, DeepAlphaOptions, Vp9Options
from sam2ov.video.encodings import PRORES_4444, Encoding, ffv1, vp9
from sam2ov.video.writer import VideoWriter


@contextmanager
def open_alpha_prores(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a ProRes 4444 video, 10 bit and more, with 16 bit of alpha; as ``open_overlay``."""
    with _open(plan, plan.options(DeepAlphaOptions), PRORES_4444) as add:
        yield add


@contextmanager
def open_alpha_vp9(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a WebM video with alpha, which browsers show; as ``open_overlay``."""
    options = plan.options(Vp9Options)
    with _open(plan, options, vp9(options.crf)) as add:
        yield add


@contextmanager
def open_alpha_ffv1(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a lossless RGBA video with as many bits as the clip has; as ``open_overlay``."""
    bits = plan.source.video.info.bits
    with _open(plan, plan.options(DeepAlphaOptions), ffv1(bits)) as add:
        yield add


@contextmanager
def _open(plan: ExportPlan, options: AlphaOptions, encoding: Encoding) -> Iterator[AddFrame]:
    source = plan.source
    info = source.video.info
    keeps_hdr = isinstance(options, DeepAlphaOptions) and options.hdr == "kept"
    is_deep = info.bits > 8 and encoding.bits > 8
    with VideoWriter.for_source(
        plan.path,
        info,
        start=source.frames.start,
        stop=source.frames.stop,
        encoding=encoding,
        has_alpha=True,
        audio=options.audio,
        keep_start=plan.settings.keep_start,
        keeps_hdr=keeps_hdr,
    ) as writer:

        def add(frame: ExportFrame) -> None:
            writer.write(
                cut_out(frame, source.objects, options, is_deep=is_deep, keeps_hdr=keeps_hdr)
            )

        yield add
