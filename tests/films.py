"""Small films for tests: windows that move over real photos, with a tone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BUNNY = Path(__file__).parents[1] / "docs" / "example" / "bunny.mp4"

MILLISECOND = Fraction(1, 1000)


def pan(photo: np.ndarray, frames: int, step: int = 2, size: tuple[int, int] = (64, 96)) -> list[np.ndarray]:
    """A window that moves to the right by ``step`` pixels a frame."""
    height, width = size
    return [np.ascontiguousarray(photo[80 : 80 + height, at : at + width]) for at in range(0, frames * step, step)]


def grey(frame: np.ndarray) -> np.ndarray:
    return np.repeat(frame.mean(axis=2).round().astype(np.uint8)[..., None], 3, axis=2)


def write_film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    times: Sequence[int] | None = None,
    turned: int = 0,
    pixel: Fraction = Fraction(1),
    sound: bool = False,
) -> Path:
    """A film in FFV1 (.mkv) or H.264.

    Args:
        times: when each frame is shown, in milliseconds; by default every 40.
        turned: degrees counter-clockwise by which players are told to turn it.
        pixel: a pixel's width over its height.
    """
    lossless = path.suffix == ".mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1" if lossless else "libx264", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if lossless else "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel
        stream.codec_context.time_base = stream.time_base = MILLISECOND
        if turned:
            stream.set_display_rotation(turned)
        tone = film.add_stream("flac" if lossless else "aac", rate=8000, layout="mono") if sound else None
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
            frame.pts, frame.time_base = (times[number] if times else number * 40), MILLISECOND
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if tone is not None:
            wave = (8000 * np.sin(np.arange(8000 * len(frames) // 25) / 5)).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            heard.sample_rate, heard.pts = 8000, 0
            film.mux(tone.encode(heard))
            film.mux(tone.encode(None))
    return path


def read_film(path: Path) -> list[np.ndarray]:
    """Its frames by FFmpeg's own conversion."""
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """When each packet of a kind of stream is due, in seconds, and what is in it."""
    with av.open(str(path)) as film:
        (stream,) = (stream for stream in film.streams if stream.type == kind)
        return [(float(p.pts * p.time_base), bytes(p)) for p in film.demux(stream) if p.size]
