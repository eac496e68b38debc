"""How interlaced pictures are taken."""

from typing import Literal

FieldOrder = Literal["auto", "tff", "bff", "off"]
"""Look whether there are two fields and which comes first; the upper or the lower one does; or
leave pictures as they are stored."""
