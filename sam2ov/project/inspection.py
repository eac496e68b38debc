"""Whether a journal from elsewhere holds what ours hold: everything else trusts its types."""

from typing import Final

from sam2ov.errors import ProjectError
from sam2ov.store.journal import Journal
from sam2ov.store.results import Kind

_MAX_NUMBER: Final = 1 << 53
_MAX_BODY_BYTES: Final = 16 << 20
"""Of a document: the mask of an 8K frame takes a small part of it."""
_MAX_DOCUMENTS_BYTES: Final = 512 << 20
_MAX_TENSOR_BYTES: Final = 1 << 20
_MAX_POINTER_BYTES: Final = 1 << 14

_LIFE = (
    f"typeof(born) = 'integer' AND born BETWEEN 0 AND {_MAX_NUMBER} "
    "AND typeof(died) = 'integer' AND died > born"
)
_KINDS = ", ".join(str(int(kind)) for kind in Kind)
_RULES = {
    "head": f"typeof(number) = 'integer' AND number BETWEEN 0 AND {_MAX_NUMBER}",
    "step": "0",  # the history is not saved
    "document": f"typeof(key) = 'text' AND key NOT GLOB '*[^a-z0-9/]*' AND {_LIFE} "
    f"AND typeof(body) = 'blob' AND length(body) <= {_MAX_BODY_BYTES}",
    "tensor": "typeof(logits) = 'blob' AND typeof(pointer) = 'blob' "
    f"AND length(logits) <= {_MAX_TENSOR_BYTES} AND length(pointer) <= {_MAX_POINTER_BYTES} "
    "AND length(pointer) % 4 = 0",
    "result": f"typeof(obj_id) = 'integer' AND {_LIFE} "
    "AND typeof(frame_idx) = 'integer' AND frame_idx BETWEEN 0 AND :last_frame "
    f"AND typeof(kind) = 'integer' AND kind IN ({_KINDS}) "
    "AND typeof(direction) = 'integer' AND direction IN (-1, 0, 1) "
    "AND typeof(object_score) = 'real' AND typeof(iou) = 'real' AND typeof(area) = 'real' "
    "AND typeof(centre_x) IN ('real', 'null') AND typeof(centre_y) = typeof(centre_x) "
    "AND typeof(tensor) = 'integer'",
}


def inspect_journal(journal: Journal, num_frames: int) -> None:
    """Check a saved journal as far as SQLite can: types, ranges, sizes.

    What its documents say is checked when the project is opened (``ProjectState``).

    Args:
        journal: with our tables; nothing of it has been read yet.
        num_frames: of the clip.

    Raises:
        ProjectError: it is damaged, or was not saved by sam2ov.
    """
    journal.check()
    values = {"last_frame": num_frames - 1}
    for table, rule in _RULES.items():
        names = {name: value for name, value in values.items() if f":{name}" in rule}
        query = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE NOT ({rule}))"
        _require(not journal.fetch_one(query, names)[0], table)
    _require(journal.fetch_one("SELECT COUNT(*) FROM head") == (1,), "head")
    (total,) = journal.fetch_one("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM document")
    _require(0 < total <= _MAX_DOCUMENTS_BYTES, "document")


def _require(is_fine: bool, table: str) -> None:
    if not is_fine:
        raise ProjectError(
            f"The project file is damaged: its table {table} holds what sam2ov does not write. "
            "Open another copy."
        )
