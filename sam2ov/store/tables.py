"""The tables of a journal, and when a row of theirs is visible.

A row of ``document`` or ``result`` is born at a step and dies at one; ``head`` holds the number of
the step that was done last.
"""

from typing import Final

from sam2ov.store.database import Schema

NEVER: Final = (1 << 63) - 1
"""The step at which a living row dies."""

ALIVE: Final = "born <= :head AND died > :head"
"""The condition under which a row is visible; ``:head`` is a parameter of ``Journal.execute``."""

SCHEMA: Final = Schema(
    application_id=0x53324F56,
    version=1,
    tables=(
        "CREATE TABLE head (number INTEGER NOT NULL)",
        "CREATE TABLE step (number INTEGER PRIMARY KEY, label TEXT NOT NULL, frame_idx INTEGER, "
        "made REAL NOT NULL)",
        "CREATE TABLE document (key TEXT NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL, "
        "body BLOB NOT NULL, PRIMARY KEY (key, born)) WITHOUT ROWID",
        "CREATE TABLE tensor (id INTEGER PRIMARY KEY, logits BLOB NOT NULL, pointer BLOB NOT NULL)",
        "CREATE TABLE result (obj_id INTEGER NOT NULL, frame_idx INTEGER NOT NULL, "
        "kind INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL, "
        "direction INTEGER NOT NULL, object_score REAL NOT NULL, iou REAL NOT NULL, "
        "area REAL NOT NULL, centre_x REAL, centre_y REAL, tensor INTEGER NOT NULL, "
        "PRIMARY KEY (obj_id, frame_idx, kind, born)) WITHOUT ROWID",
        "CREATE INDEX result_born ON result (born)",
        "CREATE INDEX result_died ON result (died)",
        "CREATE INDEX result_tensor ON result (tensor)",
    ),
    rows=("INSERT INTO head VALUES (0)",),
)
VERSIONED: Final = ("document", "result")
"""The tables whose rows are born at a step and die at one."""
