"""Frames of a video by number, exact, on demand."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from sam2ov.errors import FrameDecodeError, VideoError, VideoOpenError
from sam2ov.locks import Rank, new_rlock
from sam2ov.values.field_order import FieldOrder
from sam2ov.video.cache import FrameCache, Image, Picture
from sam2ov.video.color import RgbConverter
from sam2ov.video.decoder import DecodingRun, StreamDecoder
from sam2ov.video.interlacing import Deinterlacer, with_fields
from sam2ov.video.limits import VideoLimits
from sam2ov.video.numbering import number_frames
from sam2ov.video.picture_form import PLAIN, PictureForm
from sam2ov.video.probe import VideoInfo, describe

DEFAULT_CACHE_BYTES = 256 << 20


class FrameReader(ABC):
    """A video as a sequence of frames, uint8 RGB [H, W, 3] if nothing else is wanted.

    Frame N is the same picture whether it is reached in order or by a jump. Returned arrays are
    read-only, because others may share them; copy one to draw on it. Readers may be used from
    several threads; each frame is read under one lock.

    Args:
        info: what is known about the video.
        form: of its frames.
    """

    def __init__(self, info: VideoInfo, form: PictureForm = PLAIN) -> None:
        self.info = info
        self.form = form
        self._lock = new_rlock(Rank.READER)
        self._is_closed = False
        self._previous = -1

    @property
    def num_frames(self) -> int:
        """Length of the video."""
        return self.info.num_frames

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of every frame."""
        return self.info.size_hw

    def __len__(self) -> int:
        return self.info.num_frames

    def __getitem__(self, frame_idx: int) -> Image:
        """Frame ``frame_idx``; negative numbers count from the end."""
        return self.read(frame_idx + len(self) if frame_idx < 0 else frame_idx)

    def __iter__(self) -> Iterator[Image]:
        return self.iter_frames()

    def read(self, frame_idx: int) -> Image:
        """Read a frame.

        Args:
            frame_idx: 0 … num_frames - 1.

        Returns:
            As ``form`` says: uint8 RGB [H, W, 3] of a plain reader. Read-only.

        Raises:
            IndexError: there is no such frame.
            FrameDecodeError: the frame is damaged.
            VideoError: the reader is closed.
        """
        # Going back frame by frame is what a user does who looks for a moment.
        backwards = frame_idx == self._previous - 1
        return self._read(frame_idx, step=-1 if backwards else 1)

    def read_deep(self, frame_idx: int) -> npt.NDArray[np.uint16]:
        """As ``read``, of a reader whose frames are deep: uint16."""
        assert self.form.is_deep
        return cast("npt.NDArray[np.uint16]", self.read(frame_idx))

    @property
    @abstractmethod
    def keyframes(self) -> npt.NDArray[np.int64]:
        """The frames that are decoded without any other, ascending."""

    @abstractmethod
    def twin(self, *, cache_bytes: int, form: PictureForm = PLAIN) -> "FrameReader":
        """Open the video once more, without looking through it again.

        Args:
            cache_bytes: memory for the twin's own frames.
            form: of its frames; ``info`` tells their size.

        Raises:
            VideoOpenError: the file has gone, or is another one by now.
        """

    def iter_frames(
        self, start: int | None = None, stop: int | None = None, step: int = 1
    ) -> Iterator[Image]:
        """Yield frames as slicing a list would; a negative step goes backwards.

        Going forward decodes every frame once and never seeks. Going backward decodes stretches of
        a group of pictures that fit into the cache. The lock is held for one frame at a time.
        """
        for frame_idx in range(*slice(start, stop, step).indices(len(self))):
            yield self._read(frame_idx, step=step)

    def _read(self, frame_idx: int, step: int) -> Image:
        with self._lock:
            if self._is_closed:
                raise VideoError(f"{self.info.name} was closed. Open it again to read frames.")
            if not 0 <= frame_idx < len(self):
                raise IndexError(
                    f"frame {frame_idx} is outside of {self.info.name}, "
                    f"which has frames 0 to {len(self) - 1}"
                )
            self._previous = frame_idx
            return self._fetch(frame_idx, step)

    @abstractmethod
    def _fetch(self, frame_idx: int, step: int) -> Image:
        """Get a frame that there is.

        ``step`` is the distance to the frame that will probably be asked for next.
        """

    def close(self) -> None:
        """Release file and memory; safe to call twice and while another thread reads."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._release()

    @abstractmethod
    def _release(self) -> None:
        """Close what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class DecodingReader(FrameReader):
    """Decodes frames in this process, and keeps those that were used last.

    Args:
        info: what is known about the video.
        cache_bytes: memory for frames.
        form: of its frames.
    """

    def __init__(self, info: VideoInfo, cache_bytes: int, form: PictureForm = PLAIN) -> None:
        super().__init__(info, form)
        self._cache = FrameCache(cache_bytes)

    @abstractmethod
    def twin(self, *, cache_bytes: int, form: PictureForm = PLAIN) -> "DecodingReader":
        """Open the video once more; see ``FrameReader.twin``."""

    def read_towards(self, frame_idx: int, step: int) -> Image:
        """Read a frame after which the one at a distance of ``step`` will probably be wanted."""
        return self._read(frame_idx, step)

    def _fetch(self, frame_idx: int, step: int) -> Image:
        frame = self._cache.get(frame_idx)
        return self._decode(frame_idx, step) if frame is None else cast("Image", frame)

    @abstractmethod
    def _decode(self, frame_idx: int, step: int) -> Image:
        """Decode a frame that is not cached, and cache it; ``step`` as of ``_fetch``."""

    def _keep(self, frame_idx: int, frame: Picture) -> Image:
        frame.setflags(write=False)
        self._cache.put(frame_idx, frame)
        return cast("Image", frame)

    def _release(self) -> None:
        self._cache.clear()


class VideoReader(DecodingReader):
    """Reads a video file in this process. Use ``open_video`` to open files and image folders alike.

    Opening reads the packets of the video once, without decoding, and keeps 16 bytes per frame.
    Files whose timestamps do not give the order of the frames, and damaged ones, are decoded once.

    Args:
        path: the file; its content decides what it is, not its name.
        limits: refuse larger videos.
        cache_bytes: memory for frames that were used last.
        verify: decode the whole video once and number only the frames that come out, instead of
            raising FrameDecodeError when a damaged one is read.
        like: a reader of the same file whose index is shared; see ``twin``.
        form: of its frames; other than plain only with ``like``.
        field_order: how interlaced pictures are made whole; see ``interlacing``.
        name: what people know the file by, for messages; None for its path.

    Raises:
        VideoOpenError: the file cannot be read as a video, or exceeds a limit.
    """

    def __init__(
        self,
        path: Path,
        limits: VideoLimits,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        verify: bool = False,
        like: "VideoReader | None" = None,
        form: PictureForm = PLAIN,
        name: str | None = None,
        field_order: FieldOrder = "auto",
    ) -> None:
        name = name or str(path)
        self._limits = limits
        self._run: DecodingRun | None = None
        self._shown: Iterator[tuple[int, VideoFrame]] = iter(())
        self._last_frame = -1
        self._unclean_keys: set[int] = set()
        self._decoder = StreamDecoder(path, limits, name)
        if like is not None:
            self._resemble(like, cache_bytes, form)
            return
        try:
            self._index, first = number_frames(self._decoder, name, limits, verify=verify)
            info = describe(
                path, name, self._decoder.container, self._decoder.stream, self._index, first
            )
            limits.check_duration(name, float(info.duration))
            info = with_fields(info, self._decoder, self._index, first, field_order)
            super().__init__(info, cache_bytes)
            self._orientation = info.orientation
            self._converter = RgbConverter(first.width, first.height)
            self._converter.convert(first)
        except FrameDecodeError as error:
            self._decoder.close()
            raise VideoOpenError(f"{name} cannot be shown: {error}") from error
        except BaseException:
            self._decoder.close()
            raise

    def _resemble(self, like: "VideoReader", cache_bytes: int, form: PictureForm) -> None:
        self._index = like._index
        self._orientation = like._orientation
        if like._decoder.is_careful:
            self._decoder.be_careful()
        super().__init__(like.info.in_form(form), cache_bytes, form)
        # Turning back is turning: only a transposition changes the size.
        self._converter = RgbConverter(
            *self._orientation.display_size(like.info.width, like.info.height),
            scaled_to=self._orientation.display_size(self.info.width, self.info.height),
            form=form,
        )

    @property
    def keyframes(self) -> npt.NDArray[np.int64]:
        """The frames that are decoded without any other, ascending."""
        frames = self._index.frame_of_packet[self._index.key_packets]
        return np.unique(frames[frames >= 0]).astype(np.int64)

    def twin(self, *, cache_bytes: int, form: PictureForm = PLAIN) -> "VideoReader":
        """Open the file once more; see ``FrameReader.twin``."""
        path, name = self.info.path, self.info.name
        if not path.is_file() or path.stat().st_size != self.info.num_bytes:
            raise VideoOpenError(f"{name} is not the file any more that was opened. Open it again.")
        return VideoReader(
            path, self._limits, cache_bytes=cache_bytes, like=self, form=form, name=name
        )

    def _decode(self, frame_idx: int, step: int) -> Image:
        wanted = range(frame_idx, frame_idx + 1)
        before = max(frame_idx - self._frames_before, 0)
        key = self._clean_key(self._index.keyframe_before(before))
        if step < 0:
            wanted = self._stretch_back(frame_idx, step, key)
        start = int(self._index.key_packets[key])
        if self._last_frame < wanted[-1] and self._run and self._run.next_packet >= start:
            frame = self._run_until(frame_idx, wanted)
            if frame is not None:
                return frame
        self._start(key, wanted)
        frame = self._run_until(frame_idx, wanted)
        if frame is None and not self._decoder.is_careful:
            self._run = None
            self._unclean_keys.clear()
            self._decoder.be_careful()
            self._start(key, wanted)
            frame = self._run_until(frame_idx, wanted)
        if frame is not None:
            return frame
        self._run = None
        raise FrameDecodeError(
            f"frame {frame_idx} of {self.info.name} (at {float(self.info.time_of(frame_idx)):.3f} "
            "s) is damaged and cannot be decoded. Skip it, or open the video with verify=True to "
            "leave such frames out."
        )

    def _stretch_back(self, frame_idx: int, step: int, key: int) -> range:
        """Choose the frames to keep on the way to ``frame_idx`` for reading on backwards."""
        num_bytes = self.info.width * self.info.height * self.form.pixel_bytes
        # Some of the cache is left to frames used before.
        count = max(self._cache.max_bytes // num_bytes * 3 // 4, 1)
        first = max(int(self._index.frame_of_packet[self._index.key_packets[key]]), 0)
        first += self._frames_before if first else 0
        return range(frame_idx, max(frame_idx + step * count, first - 1), step)

    def _start(self, key: int, wanted: range) -> None:
        """Begin decoding at keyframe number ``key``, or at an earlier one if it is not clean."""
        self._run = None
        self._last_frame = -1
        while True:
            run = self._decoder.run_from(self._index, key)
            run.skip_before = wanted[-1] - self._frames_before
            if key == 0 or run.starts_cleanly():
                self._run, self._shown = run, self._as_shown(run)
                return
            self._unclean_keys.add(key)
            key = self._clean_key(key)

    def _clean_key(self, key: int) -> int:
        while key > 0 and key in self._unclean_keys:
            key -= 1
        return key

    def _run_until(self, frame_idx: int, wanted: range) -> Image | None:
        """Decode on until ``frame_idx`` comes out; None where it does not."""
        assert self._run is not None
        self._run.skip_before = wanted[-1] - self._frames_before
        for number, picture in self._shown:
            self._last_frame = number
            if self._last_frame in wanted:
                kept = self._to_image(self._last_frame, picture)
            if self._last_frame == frame_idx:
                return kept
            if self._last_frame > frame_idx:
                break
        return None

    @property
    def _frames_before(self) -> int:
        """How many frames before one its picture is made of.

        Small pictures do without: where decoding begins they are made of one field.
        """
        return int(self.info.is_deinterlaced and self.form.max_side is None)

    def _as_shown(self, run: DecodingRun) -> Iterator[tuple[int, VideoFrame]]:
        """Frames with their pictures, deinterlaced where they are to be."""
        decoded = ((int(self._index.frame_of_packet[number]), made) for number, made in run)
        if not self.info.is_deinterlaced:
            return decoded
        return Deinterlacer(self.info.field_order).applied(decoded)

    def _to_image(self, frame_idx: int, picture: VideoFrame) -> Image:
        try:
            stored = self._converter.convert(picture)
        except FrameDecodeError as error:
            raise FrameDecodeError(f"frame {frame_idx} of {self.info.name}: {error}") from error
        return self._keep(frame_idx, self._orientation.apply(stored))

    def _release(self) -> None:
        super()._release()
        self._run = None
        self._decoder.close()
