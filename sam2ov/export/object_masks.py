"""A PNG for each object and frame: for scripts, and for compositing object by object."""

from collections.abc import Iterator
from contextlib import contextmanager

from sam2ov.export.files import file_tree
from sam2ov.export.pictures import mask_png, with_pixel_aspect
from sam2ov.export.plan import AddFrame, ExportFrame, ExportPlan


@contextmanager
def open_object_masks(plan: ExportPlan) -> Iterator[AddFrame]:
    """Begin a folder or archive of grey PNGs, 255 where the object is. Masks may overlap.

    Raises:
        ExportError: the path is taken by something else, or the disk is full.
    """
    layout = (plan.format.template(plan.settings).pattern() + r"\.png",)
    aspect = plan.source.video.info.sample_aspect_ratio
    with file_tree(plan.path, layout) as tree:

        def add(frame: ExportFrame) -> None:
            for target in plan.source.objects:
                picture = with_pixel_aspect(mask_png(frame.mask(target)), aspect)
                tree.write(f"{plan.name(frame, target)}.png", picture)

        yield add
