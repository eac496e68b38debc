"""Frames as the browser gets them: JPEG, no larger than what it is for."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from sam2ov.export.pictures import encode_jpeg
from sam2ov.locks import Rank, new_lock
from sam2ov.ui.media.checkerboard import on_checkerboard
from sam2ov.ui.media.exact import ExactFrames
from sam2ov.ui.media.proxies import QUALITY as PROXY_QUALITY
from sam2ov.ui.media.proxies import Proxies
from sam2ov.ui.media.proxy_file import MAX_SIDE as PROXY_SIDE
from sam2ov.video import FrameReader, PictureForm, fitting_size
from sam2ov.video.cache import Image

Level = Literal["proxy", "view", "full"]
"""For scrubbing and playing; for a screen; with the video's pixels."""

MAX_SIDE = 1280
THUMBNAIL_HEIGHT = 72
_SIDES: dict[Level, int | None] = {"proxy": PROXY_SIDE, "view": MAX_SIDE, "full": None}
_QUALITIES: dict[Level, int] = {"proxy": PROXY_QUALITY, "view": 85, "full": 92}
_SHOWN_BYTES = 32 << 20
_CACHE_BYTES = 24 << 20


@dataclass(frozen=True)
class Thumbnail:
    """A tiny picture for the film strip.

    Attributes:
        jpeg: the picture.
        frame_idx: what it shows: the frame that was asked for, or one nearby.
        is_final: no nearer one will come.
    """

    jpeg: bytes
    frame_idx: int
    is_final: bool


class FramePictures:
    """JPEG pictures of a video's frames. Methods may be called from any thread.

    Args:
        frames: the video, which stays the caller's.
        proxies: its small pictures, as far as there are any; the caller's too.
    """

    def __init__(self, frames: FrameReader, proxies: Proxies) -> None:
        self._frames = frames
        self._is_transparent = frames.info.has_alpha
        self._shown = frames
        if self._is_transparent:
            self._shown = frames.twin(cache_bytes=_SHOWN_BYTES, form=PictureForm(has_alpha=True))
        self._exact = ExactFrames(self._shown)
        self._proxies = proxies
        self._lock = new_lock(Rank.LEAF)
        self._cache: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._cached_bytes = 0
        self._quick: FrameReader | None = None
        self._quick_lock = new_lock(Rank.QUICK_PICTURES)

    def close(self) -> None:
        """Release what was opened for it."""
        if self._is_transparent:
            self._shown.close()
        with self._quick_lock:
            if self._quick is not None:
                self._quick.close()

    def size_of(self, level: Level) -> tuple[int, int]:
        """Height and width of the pictures of a level."""
        height, width = self._frames.size_hw
        shown_width, shown_height = fitting_size(width, height, _SIDES[level])
        return shown_height, shown_width

    def jpeg(self, frame_idx: int, level: Level = "view") -> bytes | None:
        """Exactly frame ``frame_idx``; None if its user has gone to another place meanwhile.

        Raises:
            VideoError: the frame is damaged, or the video has been closed.
        """
        if level == "proxy":
            return self.small(frame_idx)
        known = self._cached(frame_idx, level)
        if known is None:
            self._proxies.stand_aside()
            frame = self._exact.read_while_looked_at(frame_idx)
            if frame is None:
                return None
            known = self._encoded(frame, level)
            self._keep(frame_idx, level, known)
        return known

    def small(self, frame_idx: int) -> bytes:
        """Exactly frame ``frame_idx`` at the level "proxy"; raises as ``jpeg``."""
        known = self._proxies.get(frame_idx) or self._cached(frame_idx, "proxy")
        if known is None:
            self._proxies.stand_aside()
            known = self._encoded(self._exact.read(frame_idx), "proxy")
            self._keep(frame_idx, "proxy", known)
            self._proxies.add(frame_idx, known)
        return known

    def pixels(self, frame_idx: int, level: Level = "view") -> Image:
        """The same before it becomes a file, uint8 RGB [H, W, 3]; on black where it is transparent.

        Raises:
            VideoError: as ``jpeg``.
        """
        if level == "proxy" and not self._is_transparent:
            stored = self._proxies.get(frame_idx)
            if stored is not None:
                small = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB)
                assert small is not None, "small pictures are JPEG files"
                return np.asarray(small, np.uint8)
        self._proxies.stand_aside()
        return _fitting(self._frames.read(frame_idx), level)

    def transparent(self, frame_idx: int, level: Level = "view") -> Image | None:
        """The same with straight alpha, RGBA [H, W, 4]; None where the video has none.

        Raises:
            VideoError: as ``jpeg``.
        """
        if not self._is_transparent:
            return None
        self._proxies.stand_aside()
        return _fitting(self._exact.read(frame_idx), level)

    def near(self, frame_idx: int) -> tuple[int, bytes]:
        """A small picture without a long wait: of the frame, or else of one nearby.

        Until the keyframes are stored, the keyframe before it is decoded; no other frames are.
        Exact frames elsewhere are not decoded any more: the user has gone here.

        Returns:
            The frame that the picture shows, and the picture.
        """
        self._exact.look_at(frame_idx)
        return self._near(frame_idx)

    def _near(self, frame_idx: int) -> tuple[int, bytes]:
        stored = self._proxies.nearest(frame_idx)
        if stored is not None and stored[0] == frame_idx:
            return stored
        self._proxies.stand_aside()
        if stored is not None and self._proxies.has_overview.is_set():
            self._release_quick()
            return stored
        keyframes = self._frames.keyframes
        before = int(np.searchsorted(keyframes, frame_idx, side="right")) - 1
        key = int(keyframes[max(before, 0)])
        # As near as it will be once all keyframes are stored is near enough while they are made.
        enough = max(abs(key - frame_idx), self._proxies.spacing)
        if stored is not None and abs(stored[0] - frame_idx) <= enough:
            return stored
        known = self._cached(key, "near")
        if known is None:
            with self._quick_lock, self._proxies.paused():
                if self._quick is None:
                    form = PictureForm(max_side=PROXY_SIDE, has_alpha=self._is_transparent)
                    self._quick = self._frames.twin(cache_bytes=0, form=form)
                known = encode_jpeg(_opaque(self._quick.read(key)), _QUALITIES["proxy"])
            self._keep(key, "near", known)
        return key, known

    def _release_quick(self) -> None:
        """The keyframes are stored: another decoder in memory is of no more use."""
        if self._quick is None or not self._quick_lock.acquire(blocking=False):
            return
        try:
            if self._quick is not None:
                self._quick.close()
                self._quick = None
        finally:
            self._quick_lock.release()

    def thumbnail(self, frame_idx: int) -> Thumbnail | None:
        """The tiny picture of a frame, ``THUMBNAIL_HEIGHT`` high; None while there is nothing near.

        It is made of what is stored and decodes nothing, so it is final only when the small
        pictures are: whoever shows it asks again until then.
        """
        is_done = self._proxies.is_done.is_set()
        stored = self._proxies.nearest(frame_idx)
        if stored is None:
            if not is_done:
                return None
            stored = self._near(frame_idx)  # there are no small pictures of this clip
        shown, jpeg = stored
        known = self._cached(shown, "thumbnail")
        if known is None:
            small = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert small is not None, "these are JPEG files"
            width, height = self._frames.info.display_size
            size = (max(round(width * THUMBNAIL_HEIGHT / height), 1), THUMBNAIL_HEIGHT)
            tiny = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
            rgb = np.asarray(cv2.cvtColor(tiny, cv2.COLOR_BGR2RGB), np.uint8)
            known = encode_jpeg(rgb, _QUALITIES["proxy"])
            self._keep(shown, "thumbnail", known)
        return Thumbnail(known, shown, is_done or shown == frame_idx)

    def _encoded(self, frame: Image, level: Level) -> bytes:
        return as_jpeg(_opaque(_fitting(frame, level)), level)

    def _cached(self, frame_idx: int, kind: str) -> bytes | None:
        with self._lock:
            known = self._cache.get((frame_idx, kind))
            if known is not None:
                self._cache.move_to_end((frame_idx, kind))
            return known

    def _keep(self, frame_idx: int, kind: str, made: bytes) -> None:
        with self._lock:
            if (frame_idx, kind) in self._cache:
                return  # somebody else was quicker
            self._cache[frame_idx, kind] = made
            self._cached_bytes += len(made)
            while self._cached_bytes > _CACHE_BYTES:
                _, dropped = self._cache.popitem(last=False)
                self._cached_bytes -= len(dropped)


def as_jpeg(picture: Image, level: Level) -> bytes:
    """A picture, RGB, at the quality of a level."""
    return encode_jpeg(picture, _QUALITIES[level])


def _fitting(picture: Image, level: Level) -> Image:
    height, width = picture.shape[:2]
    size = fitting_size(width, height, _SIDES[level])
    if size == (width, height):
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _opaque(picture: Image) -> Image:
    return on_checkerboard(picture) if picture.shape[2] == 4 else picture
