"""What objects are called in annotations: by their class, or else their name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sam2ov.export.plan import ExportSource
from sam2ov.values.objects import ClipObject

UNNAMED = "object"
_DEFAULT_NAME = re.compile(r"object \d+", re.IGNORECASE)


def category_name(target: ClipObject) -> str:
    """The name of an object's category: its class, its name, or "object" where nobody named it."""
    category = " ".join(target.category.split())
    if category:
        return category
    name = " ".join(target.name.split())
    return UNNAMED if not name or _DEFAULT_NAME.fullmatch(name) else name


@dataclass(frozen=True)
class Categories:
    """Names in the order in which they appear first."""

    names: tuple[str, ...]

    @staticmethod
    def of(sources: Iterable[ExportSource]) -> "Categories":
        """Those of all objects of some clips."""
        names = (category_name(target) for source in sources for target in source.objects)
        return Categories(tuple(dict.fromkeys(names)))

    def number(self, target: ClipObject) -> int:
        """The place of an object's category, from 0."""
        return self.names.index(category_name(target))
