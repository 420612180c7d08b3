"""A film written anew: other pictures at the same times, and all else as it was."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import BadInput, reason_of
from zoo.core.film import Film, Frame, exact, needed

FORMS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Suffix → container. What a film in another container becomes is ``.mkv``, which holds every sound and any timing."""

_CODECS = {"webm": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4", "deadline": "good"})}
_CODEC = ("libx264", {"crf": "17", "preset": "medium"})
"""Near to what the eye can tell apart: grain is part of a film."""

_CARRIED = ("audio", "subtitle")
_OF_THE_DISK = {errno.EIO, errno.EACCES, errno.EFBIG, errno.ENOSPC, errno.EROFS, errno.EDQUOT}


def suffix_for(film: Path) -> str:
    """What a film's result ends in by default."""
    return film.suffix.lower() if film.suffix.lower() in FORMS else ".mkv"


class FilmWriter:
    """Pictures go in by :meth:`write`, packets of sound and subtitles by :meth:`pass_on`.

    Attributes:
        notes: what could not be kept; a phrase each.
    """

    def __init__(self, container: Any, film: Film, size: tuple[int, int], said: str):
        self.notes: list[str] = []
        self._container, self._film = container, film
        container.metadata.update(film.container.metadata)
        container.metadata["comment"] = "; ".join(filter(None, (film.container.metadata.get("comment"), said)))
        self._video = self._picture_stream(size)
        self._others = {stream.index: self._same_stream(stream) for stream in film.others if self._is_kept(stream)}
        with contextlib.suppress(ValueError):  # some containers have no chapters
            container.set_chapters(film.container.chapters())
        self._last: int | None = None
        self._muxing = threading.Lock()
        container.start_encoding()

    def _picture_stream(self, size: tuple[int, int]) -> Any:
        name, options = _CODECS.get(self._container.format.name, _CODEC)
        film, codec = self._film, self._film.video.codec_context
        rate = film.video.average_rate or film.video.guessed_rate or Fraction(25)
        stream = self._container.add_stream(name, rate=rate, options=options)
        stream.time_base = film.time_base
        stream.metadata.update(film.video.metadata)
        made = stream.codec_context
        made.height, made.width = size
        # Colour at half the size is what players read everywhere; it takes even sides.
        made.pix_fmt = "yuv420p" if size[0] % 2 == size[1] % 2 == 0 else "yuv444p"
        made.time_base = film.time_base
        made.color_range = 1  # "studio swing"
        made.colorspace = {"ITU709": 1, "ITU601": 6}[film.matrix]
        made.color_primaries, made.color_trc = codec.color_primaries, codec.color_trc
        made.thread_type = "AUTO"
        if film.video.sample_aspect_ratio:
            upright = size == (codec.height, codec.width)
            made.sample_aspect_ratio = film.video.sample_aspect_ratio ** (1 if upright else -1)
        return stream

    def _is_kept(self, stream: Any) -> bool:
        if stream.type in _CARRIED:
            return True
        self.notes.append(f"its stream {stream.index} ({stream.type}) was left out")
        return False

    def _same_stream(self, stream: Any) -> Any:
        try:
            same = self._container.add_stream_from_template(stream)
        except ValueError as error:
            raise BadInput(
                f"The {stream.type} of {self._film.path} cannot be put into this kind of file ({reason_of(error)}); "
                "give -o FILE.mkv, which holds every kind."
            ) from None
        same.metadata.update(stream.metadata)
        return same

    def write(self, rgb: np.ndarray, frame: Frame) -> None:
        """A picture in the place of a frame, uint8 (H, W, 3) RGB of the first one's size."""
        picture = needed("av").VideoFrame.from_ndarray(rgb, format="rgb24")
        made = self._video.codec_context
        picture = picture.reformat(
            width=made.width,
            height=made.height,
            format=made.pix_fmt,
            dst_colorspace=self._film.matrix,
            dst_color_range="MPEG",
            interpolation=exact(),
        )
        shown = frame.shown
        if shown is None or (self._last is not None and shown <= self._last):  # a broken clock: the next tick
            shown = 0 if self._last is None else self._last + max(frame.lasts, 1)
        picture.pts, picture.time_base, picture.duration = shown, self._film.time_base, frame.lasts
        self._last = shown
        self._mux(self._video.encode(picture))

    def pass_on(self, packet: Any) -> None:
        """A packet of another stream, as it is."""
        same = self._others.get(packet.stream.index)
        if same is not None and packet.dts is not None:
            packet.stream = same
            self._mux(packet)

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._mux(self._video.encode(None))

    def _mux(self, packets: Any) -> None:
        with self._muxing:  # pictures come from another thread than sound
            self._container.mux(packets)


@contextlib.contextmanager
def film_written(part: Path, form: str, film: Film, size: tuple[int, int], said: str) -> Iterator[FilmWriter]:
    """A film to be filled, complete when the block ends well.

    Args:
        part: the file, of any name.
        form: its container, a value of :data:`FORMS`.
        film: what it is made of.
        size: height and width of its pictures.
        said: what its metadata say of how it was made.

    Raises:
        BadInput: a stream that the container does not take, or an encoder that is not there or fails.
    """
    av = needed("av")
    try:
        options = {"movflags": "+faststart"} if form in ("mp4", "mov") else {}
        with av.open(str(part), "w", format=form, options=options) as container:
            writer = FilmWriter(container, film, size, said)
            yield writer
            writer.end()
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno is not None and error.errno in _OF_THE_DISK:
            raise OSError(error.errno, error.strerror) from None
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise BadInput(f"{film.path} cannot be written as {form} ({reason}); give -o FILE.mkv.") from None
