"""What a format of exports is: facts about it for people, its own options, and who writes it.

Importing this loads neither NumPy nor OpenCV: the command line lists formats in its help.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from sam2ov.errors import ExportError, plain_fault
from sam2ov.export.names import NameTemplate

if TYPE_CHECKING:
    from sam2ov.export.plan import AddFrame, ExportPlan
    from sam2ov.video import VideoInfo


class FormatOptions(BaseModel):
    """A format's own options; each has a default and a ``Field(description=…)`` for people.

    Fields are bool, int, float, str, or a ``Literal`` of strings: command line and app make their
    controls from these types.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


OpenOutput = Callable[["ExportPlan"], AbstractContextManager["AddFrame"]]
"""Begins an output at ``plan.path`` and takes frames until the block ends.

Leaving the block completes the file and gives it its name; an exception inside it, whatever it is,
leaves nothing under that name (``sam2ov.unfinished``).
"""


ClipCheck = Callable[["VideoInfo", FormatOptions], None]
"""Raises ExportError for a clip that the format, with these options, cannot tell of."""


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        name: on the command line and in the API.
        label: in the app.
        purpose: what it is for and for whom, a sentence or two.
        suffix: of the file, with its dot; None: it is a folder, or an archive where the path ends
            in .zip.
        load: imports the writer and returns it.
        options: of this format only.
        names: the template of its files' names, for people to change (see ``NameTemplate``); None
            where the format says what its files are called.
        splits: a file or folder for each object can be had instead of one for all.
        takes_several: clips can be put together in one output.
        has_times: frames appear at times, which can begin where they do in the clip.
        has_alpha: pictures with transparency.
        is_lossless: masks come back to the pixel.
        max_object_id: the largest number of an object that it holds; None where any will do.
        max_objects: how many objects one output holds; None: any number.
        max_kinds: how many names of objects it tells apart, besides ``known_kinds``; None: any.
        known_kinds: names that have a place of their own, in small letters.
        extra: the extra of sam2ov that brings what it needs besides; None: nothing.
        modules: what that brings.
        load_clip_check: imports what looks at a clip before its objects are tracked, and returns
            it; None: the format takes any.
    """

    name: str
    label: str
    purpose: str
    suffix: str | None
    load: Callable[[], OpenOutput]
    options: type[FormatOptions] = FormatOptions
    names: str | None = None
    splits: bool = False
    takes_several: bool = False
    has_times: bool = False
    has_alpha: bool = False
    is_lossless: bool = True
    max_object_id: int | None = None
    max_objects: int | None = None
    max_kinds: int | None = None
    known_kinds: frozenset[str] = frozenset()
    extra: str | None = None
    modules: tuple[str, ...] = ()
    load_clip_check: Callable[[], ClipCheck] | None = None

    @property
    def file_options(self) -> frozenset[str]:
        """The options that name a file to be read (``json_schema_extra={"is_file": True}``)."""
        fields = self.options.model_fields.items()
        return frozenset(n for n, f in fields if (f.json_schema_extra or {}) == {"is_file": True})

    @property
    def file_suffix(self) -> str:
        """Of one file that holds everything: an archive stands for a folder."""
        return self.suffix or ".zip"

    def parse_options(self, values: Mapping[str, object]) -> FormatOptions:
        """Check values, texts among them, by the names of this format's options.

        Raises:
            ExportError: there is no such option, or it does not take the value.
        """
        try:
            return self.options.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            known = ", ".join(self.options.model_fields) or "none"
            raise ExportError(
                f"The format {self.name} does not take {name}={first['input']}: "
                f"{plain_fault(first)}. Its options: {known}."
            ) from error

    def check(self, path: Path, settings: "ExportSettings", num_clips: int = 1) -> None:
        """Find out what would only fail after hours.

        Raises:
            ExportError: the path does not suit the format, a setting is not for it, or what it
                needs is not installed.
        """
        if any(find_spec(module) is None for module in self.modules):
            raise ExportError(
                f"The format {self.name} needs more than is installed: "
                f"pip install 'sam2ov[{self.extra}]'."
            )
        self._check_suffix(path)
        if num_clips > 1 and not self.takes_several:
            raise ExportError(
                f"The format {self.name} holds one clip, here are {num_clips}. Export them one by "
                "one, or choose the format dataset."
            )
        if settings.per_object and not self.splits:
            raise ExportError(f"The format {self.name} has all objects in one output already.")
        if settings.keep_start and not self.has_times:
            raise ExportError(f"The format {self.name} has no times to be kept.")
        if settings.options is not None and type(settings.options) is not self.options:
            raise ExportError(f"These are not the options of the format {self.name}.")
        if settings.names is not None:
            self._check_names(settings.names, per_object=settings.per_object)

    def template(self, settings: "ExportSettings") -> NameTemplate:
        """The names of the files inside, without suffix."""
        assert self.names is not None
        return NameTemplate(settings.names or self.names)

    def _check_suffix(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if self.suffix is not None and suffix != self.suffix:
            raise ExportError(
                f"The format {self.name} is a {self.suffix} file, which {path.name} is not. Choose "
                "another name or format."
            )
        if self.suffix is None and suffix not in {"", ".zip"}:
            raise ExportError(
                f"The format {self.name} is a folder, or an archive if its name ends in .zip; "
                f"{path.name} is neither. Choose another name or format."
            )

    def _check_names(self, names: str, *, per_object: bool) -> None:
        if self.names is None and not per_object:
            raise ExportError(
                f"The format {self.name} has names of its own"
                + (": a template is for a file of each object." if self.splits else ".")
            )
        template = NameTemplate(names)
        if self.names is None:
            template.require_no_folders()
            if "timecode" in template.fields:
                raise ExportError(
                    f"{names!r} has a timecode in it, which is for files of single frames."
                )
            template.require({"object", "id"})
        else:
            for wanted in NameTemplate(self.names).groups:
                template.require(wanted)


@dataclass(frozen=True)
class ExportSettings:
    """What all formats have in common.

    Attributes:
        first_number: the number of a clip's frame 0 in names and in annotations; None for the
            numbers that the clip's frames have: those in the names of images, else from 0.
        names: a template instead of the format's own (``ExportFormat.names``), or of the outputs of
            single objects; without suffix.
        per_object: an output for each object.
        keep_start: the first frame appears when it does in the clip, not at once; the sound, too.
        square_pixels: pictures and masks are scaled to have square pixels.
        options: of the format; None for its defaults.
    """

    first_number: int | None = None
    names: str | None = None
    per_object: bool = False
    keep_start: bool = False
    square_pixels: bool = False
    options: FormatOptions | None = None
