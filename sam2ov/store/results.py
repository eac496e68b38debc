"""Results on disk: what the model says on every frame, without growing in memory.

A frame has up to three results of an object, one above the other: an answer to a prompt that has
not been tracked from yet, the answer that tracking started from, and what was tracked there, which
comes back when the prompt is taken away.

A result holds the low-resolution logits as float16 (relative error 5e-4, bytes shuffled and
deflated), the object pointer and the scores. Spatial memories, 1 MB each at 1024 px, are not kept:
the memory encoder gives them back from the logits when tracking resumes in the middle.
"""

import json
import math
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, get_args

import numpy as np

from sam2ov.errors import ProjectError
from sam2ov.store.journal import Journal
from sam2ov.store.tables import ALIVE, NEVER
from sam2ov.values.masks import BoolArray, FloatArray, centre_of_mass
from sam2ov.values.timeline import FrameFacts, Timeline

_MAX_SIZE: Final = 1024
"""Height and width of logits of the largest model that there could be: 4096 pixels a side."""


Mark = Literal["stale", "kept", "lost"]
"""Flags of ``Timeline`` that are stored for all frames of an object at once."""


class Kind(IntEnum):
    """Where a result comes from; on a frame that has several the highest one counts."""

    TRACKED = 0
    CONDITIONING = 1
    ANSWER = 2


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What the model says about one object on one frame.

    Attributes:
        mask_logits: float32 [h, w] at a quarter of the image size, before hole filling;
            -1024 everywhere where the object is absent.
        pointer: float32 [C], ``no_obj_ptr`` already mixed in.
        object_score: logit; > 0 where the object is in the picture.
        iou: predicted IoU of the chosen mask, 0 to 1.
        prompted: the frame was segmented from a prompt, not tracked.
    """

    mask_logits: FloatArray
    pointer: FloatArray
    object_score: float
    iou: float
    prompted: bool

    @property
    def facts(self) -> FrameFacts:
        """The scores, and where and how large the mask is."""
        mask = self.mask_logits > 0
        return FrameFacts(
            object_score=self.object_score,
            iou=self.iou,
            area=float(mask.mean()),
            centre=centre_of_mass(mask),
        )


@dataclass(frozen=True)
class ResultRow:
    """A stored result without its tensors; ``born`` is the step that it was found at."""

    frame_idx: int
    kind: Kind
    born: int
    direction: int
    facts: FrameFacts


@dataclass(frozen=True, eq=False)
class StoredTimeline:
    """What is stored of an object besides its tensors.

    Attributes:
        timeline: what was tracked, and what tracking started from.
        answered: the frames with an answer that has not been tracked from yet.
        conditioning: the frames that tracking started from; of some the prompt may be gone.
    """

    timeline: Timeline
    answered: tuple[int, ...]
    conditioning: tuple[int, ...]


class ResultStore:
    """Results by object and frame, in a journal.

    Args:
        journal: where they are kept; it stays the caller's.
        low_res_size: height and width of the logits; None takes them as they are, where no model
            is there to say.
    """

    def __init__(self, journal: Journal, low_res_size: int | None) -> None:
        self._journal = journal
        self._size = low_res_size

    def put(
        self, obj_id: int, frame_idx: int, kind: Kind, result: FrameResult, direction: int = 0
    ) -> FrameFacts:
        """Store a result, replacing an earlier one of the same object, frame and kind.

        Args:
            obj_id: the object.
            frame_idx: the frame.
            kind: where the result comes from.
            result: to be stored.
            direction: of tracking, see ``Timeline``.

        Raises:
            StorageError: the disk is full or the folder has gone.
        """
        facts = result.facts
        logits, pointer = _pack(result.mask_logits), result.pointer.tobytes()
        with self._journal.transaction():
            tensor = self._journal.insert_tensor(logits, pointer)
            self._insert(obj_id, ResultRow(frame_idx, kind, 0, direction, facts), tensor)
        return facts

    def get(self, obj_id: int, frame_idx: int, kind: Kind) -> FrameResult | None:
        """A result of an object on a frame, or None."""
        rows = self._journal.fetch(
            "SELECT logits, pointer, object_score, iou FROM result JOIN tensor ON tensor = id "
            f"WHERE obj_id = :obj AND frame_idx = :frame AND kind = :kind AND {ALIVE}",
            {"obj": obj_id, "frame": frame_idx, "kind": int(kind)},
        )
        if not rows:
            return None
        logits, pointer, object_score, iou = rows[0]
        return FrameResult(
            mask_logits=_unpack(logits, self._size),
            pointer=np.frombuffer(pointer, np.float32),
            object_score=object_score,
            iou=iou,
            prompted=kind is not Kind.TRACKED,
        )

    def rows(self, obj_id: int) -> Iterator[ResultRow]:
        """All results of an object without their tensors, by frame, the lowest kind first."""
        found = self._journal.fetch(
            "SELECT frame_idx, kind, born, direction, object_score, iou, area, centre_x, centre_y "
            f"FROM result WHERE obj_id = :obj AND {ALIVE} ORDER BY frame_idx, kind",
            {"obj": obj_id},
        )
        for frame_idx, kind, born, direction, object_score, iou, area, x, y in found:
            centre = (math.nan, math.nan) if x is None else (float(x), float(y))
            facts = FrameFacts(float(object_score), float(iou), float(area), centre)
            yield ResultRow(int(frame_idx), Kind(kind), int(born), int(direction), facts)

    def timeline(self, obj_id: int, num_frames: int, prompted: Collection[int]) -> StoredTimeline:
        """What is known of an object on each frame.

        Args:
            obj_id: the object.
            num_frames: length of the video.
            prompted: the frames that it has prompts on, which are never stale.

        Raises:
            ProjectError: an entry is damaged.
        """
        timeline = Timeline.empty(num_frames)
        stale_since, stale = self.marks(obj_id, "stale", num_frames)
        _, kept = self.marks(obj_id, "kept", num_frames)
        _, lost = self.marks(obj_id, "lost", num_frames)
        answered, conditioning = [], []
        for row in self.rows(obj_id):
            frame_idx = row.frame_idx
            if row.kind is Kind.ANSWER:
                answered.append(frame_idx)
                continue
            is_prompted = row.kind is Kind.CONDITIONING
            if is_prompted:
                conditioning.append(frame_idx)
            timeline.record(frame_idx, row.facts)
            timeline.direction[frame_idx] = row.direction
            timeline.stale[frame_idx] = (
                bool(stale[frame_idx])
                and row.born <= stale_since
                and not (is_prompted and frame_idx in prompted)
            )
            timeline.kept[frame_idx] = kept[frame_idx]
            timeline.lost[frame_idx] = lost[frame_idx]
        return StoredTimeline(timeline, tuple(answered), tuple(conditioning))

    def commit_answer(self, obj_id: int, frame_idx: int) -> FrameFacts:
        """Make the answer to a prompt what tracking starts from."""
        return self._change(obj_id, frame_idx, Kind.ANSWER, kind=Kind.CONDITIONING, direction=0)

    def set_direction(self, obj_id: int, frame_idx: int, direction: int) -> None:
        """Take note that tracking passed a frame that it starts from."""
        self._change(
            obj_id, frame_idx, Kind.CONDITIONING, kind=Kind.CONDITIONING, direction=direction
        )

    def remove(self, obj_id: int, frame_idx: int, kind: Kind) -> None:
        """Drop a result of an object on a frame; those of other kinds stay."""
        with self._journal.transaction():
            self._end(
                "obj_id = :obj AND frame_idx = :frame AND kind = :kind",
                {"obj": obj_id, "frame": frame_idx, "kind": int(kind)},
            )

    def remove_object(self, obj_id: int) -> None:
        """Drop all results of an object."""
        with self._journal.transaction():
            self._end("obj_id = :obj", {"obj": obj_id})
            for mark in get_args(Mark):
                self._journal.remove_document(_mark_key(obj_id, mark))

    def put_marks(self, obj_id: int, mark: Mark, flags: BoolArray) -> None:
        """Store which frames [T] of an object have a mark."""
        body = zlib.compress(np.packbits(flags).tobytes())
        self._journal.put_document(_mark_key(obj_id, mark), body)

    def marks(self, obj_id: int, mark: Mark, num_frames: int) -> tuple[int, BoolArray]:
        """What ``put_marks`` stored, and at which step: results found later have no mark of it.

        Raises:
            ProjectError: the entry is damaged.
        """
        found = self._journal.document(_mark_key(obj_id, mark))
        if found is None:
            return 0, np.zeros(num_frames, np.bool_)
        born, body = found
        size = (num_frames + 7) // 8
        try:
            bits = zlib.decompressobj().decompress(body, size + 1)
        except zlib.error:
            bits = b""
        if len(bits) != size:
            raise ProjectError(f"The project's record of frames ({mark}) is damaged.")
        flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=num_frames)
        return born, flags.astype(np.bool_)

    def renumber(self, obj_id: int, places: Mapping[int, int]) -> None:
        """Keep results of the frames that are in ``places`` alone, under the numbers that it has.

        Only in a journal that has no steps: none could be undone.

        Args:
            obj_id: the object.
            places: by frame, in order; no frame gets a higher number than it has.
        """
        assert not self._journal.head
        values = {"obj": obj_id, "kept": json.dumps(list(places))}
        with self._journal.transaction():
            gone = self._journal.fetch(
                "DELETE FROM result WHERE obj_id = :obj "
                "AND frame_idx NOT IN (SELECT value FROM json_each(:kept)) RETURNING tensor",
                values,
            )
            self._journal.drop_tensors([tensor for (tensor,) in gone])
            for frame_idx, number in places.items():
                if number != frame_idx:
                    self._journal.execute(
                        "UPDATE result SET frame_idx = :number "
                        "WHERE obj_id = :obj AND frame_idx = :frame",
                        {"obj": obj_id, "frame": frame_idx, "number": number},
                    )

    def _change(
        self, obj_id: int, frame_idx: int, present: Kind, *, kind: Kind, direction: int
    ) -> FrameFacts:
        """Give a result another kind and direction; its tensors stay."""
        with self._journal.transaction():
            rows = self._journal.fetch(
                "SELECT object_score, iou, area, centre_x, centre_y, tensor FROM result "
                f"WHERE obj_id = :obj AND frame_idx = :frame AND kind = :kind AND {ALIVE}",
                {"obj": obj_id, "frame": frame_idx, "kind": int(present)},
            )
            if not rows:
                raise ProjectError(f"There is no answer of object {obj_id} on frame {frame_idx}.")
            object_score, iou, area, x, y, tensor = rows[0]
            centre = (math.nan, math.nan) if x is None else (x, y)
            facts = FrameFacts(object_score, iou, area, centre)
            if kind is not present:
                self._end(
                    "obj_id = :obj AND frame_idx = :frame AND kind = :kind",
                    {"obj": obj_id, "frame": frame_idx, "kind": int(present)},
                    keep=tensor,
                )
            self._insert(obj_id, ResultRow(frame_idx, kind, 0, direction, facts), tensor)
        return facts

    def _insert(self, obj_id: int, row: ResultRow, tensor: int) -> None:
        key = {"obj": obj_id, "frame": row.frame_idx, "kind": int(row.kind)}
        self._end("obj_id = :obj AND frame_idx = :frame AND kind = :kind", key, keep=tensor)
        x, y = row.facts.centre
        self._journal.execute(
            "INSERT INTO result VALUES (:obj, :frame, :kind, :head, :never, :direction, "
            ":object_score, :iou, :area, :x, :y, :tensor)",
            key
            | {
                "never": NEVER,
                "direction": row.direction,
                "object_score": row.facts.object_score,
                "iou": row.facts.iou,
                "area": row.facts.area,
                "x": None if math.isnan(x) else x,
                "y": None if math.isnan(y) else y,
                "tensor": tensor,
            },
        )

    def _end(self, where: str, values: dict[str, int], keep: int | None = None) -> None:
        """End the life of rows: those of this step go, older ones are kept for undo."""
        gone = self._journal.fetch(
            f"DELETE FROM result WHERE {where} AND born = :head RETURNING tensor", values
        )
        self._journal.execute(
            f"UPDATE result SET died = :head WHERE {where} AND {ALIVE}", dict(values)
        )
        self._journal.drop_tensors([tensor for (tensor,) in gone if tensor != keep])


def _mark_key(obj_id: int, mark: Mark) -> str:
    return f"{mark}/{obj_id}"


def _pack(mask_logits: FloatArray) -> bytes:
    half = mask_logits.astype(np.float16)  # logits beyond 65504 do not occur; -1024 is exact
    planes = half.view(np.uint8).reshape(-1, 2).T  # exponents beside exponents deflate well
    return zlib.compress(planes.tobytes(), 1)


def _unpack(packed: bytes, size: int | None) -> FloatArray:
    most = 2 * (size or _MAX_SIZE) ** 2
    try:
        raw = zlib.decompressobj().decompress(packed, most + 1)
    except zlib.error:
        raw = b""
    side = math.isqrt(len(raw) // 2)
    if not 0 < len(raw) <= most or 2 * side * side != len(raw) or size not in {None, side}:
        raise ProjectError("A stored mask is damaged, or was made with another model.")
    half = np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(2, -1).T).view(np.float16)
    return half.reshape(side, side).astype(np.float32)
