"""Films: which files are, and their frames one after another, upright, in the order they are shown.

Read by PyAV, which the extra ``video`` brings. Never more than a frame is held; whatever else the film carries
(sound, subtitles) is handed on as it lies in the file.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.core.errors import BadInput, reason_of

_LISTED = ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .wmv .flv .ogv .3gp"
SUFFIXES = frozenset(_LISTED.split())

_HIGH_DEFINITION = 720
"""From so many rows on, a film that does not name its matrix is taken for BT.709, as players do; below for BT.601."""


def is_film(name: str | Path) -> bool:
    """Whether a file of this name is taken as a film: by its suffix in any case."""
    return Path(name).suffix.lower() in SUFFIXES


def needed(package: str) -> Any:
    """A package of the extra ``video``, imported.

    Raises:
        BadInput: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise BadInput(
            f"Films need the package {package}, which is not installed; pip install 'colorizer-zoo[video]'."
        ) from None


def exact() -> Any:
    """How swscale is to convert so that lightness comes back as it was; by its default it is a level or two off."""
    flag = needed("av.video.reformatter").Interpolation
    return flag.BICUBIC | flag.ACCURATE_RND | flag.FULL_CHR_H_INT | flag.FULL_CHR_H_INP


class Frame(NamedTuple):
    """One frame.

    Attributes:
        number: counted from 0 in the order of showing.
        rgb: uint8 (H, W, 3) sRGB, upright.
        shown: when, in units of the film's ``time_base``; None where the film does not say.
        lasts: how long, in the same units; 0 where the film does not say.
    """

    number: int
    rgb: np.ndarray
    shown: int | None
    lasts: int


class Film:
    """An open film. Its attributes are PyAV's: ``container``, ``video`` (the stream), ``others`` (all other streams).

    Attributes:
        matrix: the YUV matrix as PyAV names it, ``ITU709`` or ``ITU601``.
        damaged: how many packets could not be decoded so far; their frames are missing.
    """

    def __init__(self, path: Path, container: Any):
        self.path = path
        self.container = container
        self.video = container.streams.video[0]
        self.video.thread_type = "AUTO"
        self.others = [stream for stream in container.streams if stream is not self.video]
        self.matrix = _matrix(self.video.codec_context)
        self.damaged = 0

    @property
    def time_base(self) -> Fraction:
        """Seconds a unit of :attr:`Frame.shown`."""
        return Fraction(self.video.time_base)

    @property
    def length(self) -> int:
        """How many frames it says it has, or would have at its average rate; 0 where nothing tells."""
        if self.video.frames:
            return int(self.video.frames)
        rate = self.video.average_rate or 0
        if self.video.duration:
            return int(self.video.duration * self.video.time_base * rate)
        return int((self.container.duration or 0) / 1_000_000 * rate)

    def frames(self, pass_on: Callable[[Any], None] = lambda packet: None) -> Iterator[Frame]:
        """Every frame.

        Args:
            pass_on: given each packet of the other streams, where it comes in the file.
        """
        for number, frame in enumerate(self._decoded(pass_on)):
            shown = frame.pts if frame.pts is not None else frame.dts
            yield Frame(number, self._upright(frame), shown, frame.duration or 0)

    def times(self) -> np.ndarray:
        """When each frame is shown, in seconds, ascending: read without decoding; the film is at its end then."""
        packets = (packet for packet in self.container.demux(self.video) if packet.size)
        shown = [packet.pts if packet.pts is not None else packet.dts or 0 for packet in packets]
        return np.sort(np.array(shown, dtype=np.float64)) * float(self.time_base)

    def _decoded(self, pass_on: Callable[[Any], None]) -> Iterator[Any]:
        av = needed("av")
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # the file breaks off, or is damaged from here on: what came before stands
                self.damaged += 1
                packet = None
            if packet is None:
                return
            if packet.stream is not self.video:
                if packet.size:
                    pass_on(packet)
                continue
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                self.damaged += 1
                continue
            yield from decoded

    def _upright(self, frame: Any) -> np.ndarray:
        rgb: np.ndarray = frame.reformat(format="rgb24", src_colorspace=self.matrix, interpolation=exact()).to_ndarray()
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Film]:
    """A film, open as long as the block lasts.

    Raises:
        BadInput: it cannot be read, has no picture, or the extra ``video`` is not installed.
    """
    av = needed("av")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as a film ({_said(error)}); repair it, or convert it.") from None
    with container:
        if not container.streams.video or container.streams.video[0].codec_context is None:
            raise BadInput(f"{path} has no pictures that can be decoded; give another film.")
        yield Film(path, container)


def _said(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or reason_of(error))


def _matrix(codec: Any) -> str:
    said = int(codec.colorspace)
    if said in (1, 9, 10):  # BT.709, and BT.2020, for which swscale has no other name here
        return "ITU709"
    if said in (4, 5, 6, 7):
        return "ITU601"
    return "ITU709" if min(codec.width, codec.height) >= _HIGH_DEFINITION else "ITU601"
