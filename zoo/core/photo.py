"""One photo file → 8-bit sRGB, upright, whatever way it was stored.

Colours are what the embedded ICC profile means (:mod:`zoo.core.icc`), samples of more than 8 bits are scaled to
white (:mod:`zoo.core.deep_tiff`), transparency is composited over white, which is what a viewer shows behind
a cut-out. Whatever was converted, assumed or left out is said in the photo's notes.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo.core.deep_tiff import Deep, Samples, decode_twice, is_deep_colour, read_deep, samples_said, to_8_bit
from zoo.core.errors import BadInput
from zoo.core.icc import implied_profile, to_srgb
from zoo.core.photo_files import LIMIT_VARIABLE, formats, pixel_limit
from zoo.core.undisturbed import undisturbed

# How the camera was held → how its picture is turned upright. ImageOps.exif_transpose would also
# write the other tags anew, and fails on odd ones.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NEW_SUBFILE_TYPE, _REDUCED_OR_MASK = 254, 0b101  # a thumbnail, or a mask, of another page
_COUNTED_BY_SEEKING = ("TIFF", "GIF")

# What Pillow's decoders raise on damaged files, over and above OSError.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class Photo:
    """A photo as it is meant to be seen.

    Attributes:
        image: mode RGB, or RGBA where the file has transparency; sRGB, upright.
        notes: what was converted, assumed or left out; a phrase each.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()

    @property
    def rgb(self) -> np.ndarray:
        """uint8 (H, W, 3), transparency composited over white."""
        if self.image.mode == "RGB":
            return np.asarray(self.image)
        alpha = self.image.getchannel("A")
        if alpha.getextrema() == (255, 255):
            return np.asarray(self.image.convert("RGB"))
        over = Image.new("RGB", self.image.size, "white")
        over.paste(self.image, mask=alpha)
        return np.asarray(over)


def read_photo(source: Path | str | bytes, *, name: str = "") -> np.ndarray:
    """A photo as uint8 (H, W, 3) RGB: :func:`open_photo` without its notes."""
    return open_photo(source, name=name).rgb


def open_photo(source: Path | str | bytes, *, name: str = "") -> Photo:
    """Decode a photo.

    Args:
        source: a file's path, or its bytes.
        name: what to call it in errors, where bytes are given.

    Raises:
        BadInput: the file is missing, no image, cut short, or above :func:`pixel_limit`.
    """
    name = name or ("The photo" if isinstance(source, bytes) else str(source))
    limit = pixel_limit()
    try:
        with undisturbed(limit):
            photo = _decoded(source, name, limit)
    except _DAMAGE as error:
        raise _unreadable(name, error) from error
    return photo


def photo_size(source: Path | str | bytes, *, name: str = "") -> tuple[int, int]:
    """Width and height, upright, from the file's header.

    Raises:
        BadInput: as :func:`open_photo`, as far as the header shows it.
    """
    name = name or ("The photo" if isinstance(source, bytes) else str(source))
    limit = pixel_limit()
    try:
        with undisturbed(limit):
            try:
                with _open(source) as image:
                    _check_size(image.size, name, limit)
                    width, height = image.size
                    turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
                    tags = getattr(image, "tag_v2", None)
                    if tags is not None:  # some releases of Pillow swap a TIFF's size before it is loaded
                        width, height = int(tags[256]), int(tags[257])
            except UnidentifiedImageError:
                photo = _decoded(source, name, limit)  # a TIFF that only another reader knows
                return photo.image.size
    except _DAMAGE as error:
        raise _unreadable(name, error) from error
    return (height, width) if turned else (width, height)


def to_rgb(image: Image.Image) -> np.ndarray:
    """Any Pillow image → uint8 (H, W, 3) sRGB, by the rules of files. It is not turned.

    Raises:
        ValueError: samples whose white cannot be known.
    """
    return from_image(image).rgb


def from_image(image: Image.Image) -> Photo:
    """Any Pillow image, loaded, as a photo. It is not turned.

    Raises:
        ValueError: samples whose white cannot be known.
    """
    profile, by = image.info.get("icc_profile"), "by its colour profile"
    if not profile and (implied := implied_profile(image)):
        profile, by = implied
    if image.mode.startswith("I") or image.mode == "F":
        samples = np.asarray(image)
        said = _said(image)
        if image.mode == "I" and said.kind == 1 and said.bits == 32 and samples.dtype == np.int32:
            samples = samples.view(np.uint32)  # which is how Pillow keeps them
        levels, note = to_8_bit(samples, said)
        return _finished(Image.fromarray(levels), None, profile, note, by=by)
    if "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        grey = image.mode in ("1", "L", "LA", "La")
        if image.mode != "RGBA":
            image = image.convert("RGBA")
        if not profile:
            return Photo(image)  # not taken apart: two copies less of a large scan
        return _finished(image.getchannel("R") if grey else image.convert("RGB"), image.getchannel("A"), profile, by=by)
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return _finished(image, None, profile, by=by)


def upright_rgb(image: Image.Image) -> np.ndarray:
    """A Pillow image from anywhere, loaded or not, as :func:`read_photo` would read its file.

    Raises:
        BadInput: it is damaged, or its white cannot be known.
    """
    try:
        with undisturbed(pixel_limit()):
            image.load()
            return Photo(_turned(from_image(image).image, image.getexif().get(_ORIENTATION, 1))).rgb
    except _DAMAGE as error:
        raise _unreadable("The image", error) from error


def _open(source: Path | str | bytes) -> Image.Image:
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats())


def _decoded(source: Path | str | bytes, name: str, limit: int) -> Photo:
    try:
        image = _open(source)
    except UnidentifiedImageError:
        if not _is_tiff(source):
            raise
        return _from_deep(read_deep(io.BytesIO(source) if isinstance(source, bytes) else source, limit))
    with image:
        _check_size(image.size, name, limit)
        if is_deep_colour(image):
            return _deep_colour(source, image, limit)
        image.load()  # before EXIF is read: a TIFF is turned by Pillow as it loads
        photo = from_image(image)
        upright = _turned(photo.image, image.getexif().get(_ORIENTATION, 1))
        form, frames = str(image.format), 1 if image.format in _COUNTED_BY_SEEKING else getattr(image, "n_frames", 1)
    return Photo(upright, (*photo.notes, *_frames_note(source, form, frames)))


def _deep_colour(source: Path | str | bytes, image: Image.Image, limit: int) -> Photo:
    """16-bit RGB(A) of a TIFF: read as it is, or where it is compressed decoded by Pillow twice."""
    try:
        return _from_deep(read_deep(io.BytesIO(source) if isinstance(source, bytes) else source, limit))
    except ValueError:
        said = samples_said(image.tag_v2)  # type: ignore[attr-defined]
        profile = image.info.get("icc_profile")
        with _open(source) as again:
            samples = decode_twice(image, again)
        return _from_deep(Deep(samples, said, False, profile, 1))  # turned by Pillow as it loads


def _from_deep(deep: Deep) -> Photo:
    levels, note = to_8_bit(deep.samples, deep.said)
    alpha = None
    if levels.ndim == 3 and levels.shape[2] == 4:
        image = Image.frombytes("RGBa" if deep.premultiplied else "RGBA", levels.shape[1::-1], levels.tobytes())
        image = image.convert("RGBA")
        alpha, image = image.getchannel("A"), image.convert("RGB")
    else:
        image = Image.fromarray(levels)
    photo = _finished(image, alpha, deep.profile, note)
    return Photo(_turned(photo.image, deep.orientation), photo.notes)


def _finished(
    image: Image.Image,
    alpha: Image.Image | None,
    profile: Any,
    note: str = "",
    *,
    by: str = "by its colour profile",
) -> Photo:
    """L, RGB or CMYK of 8 bits by its profile → RGB, or RGBA with ``alpha``."""
    image, converted = to_srgb(image, profile if isinstance(profile, bytes) else None, by)
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return Photo(image, tuple(filter(None, (note, converted))))


def _said(image: Image.Image) -> Samples:
    """What is known of the samples of a Pillow image in mode I, I;16 or F."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        return samples_said(tags)
    if image.mode == "F":
        return Samples(bits=32, kind=3)
    # Formats with deep samples of their own scale them to all 16 bits (PNG and JPEG 2000 by definition, PPM by
    # its maximum, as Pillow reads it); in mode I as well.
    return Samples(bits=16, full_range=True)


def _turned(image: Image.Image, orientation: Any) -> Image.Image:
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _frames_note(source: Path | str | bytes, form: str, frames: int) -> tuple[str, ...]:
    """Whether the file holds more than the picture that was taken."""
    if form in _COUNTED_BY_SEEKING:
        try:
            with _open(source) as image:  # anew: to seek in it would load its first page again
                frames = _tiff_pages(image) if form == "TIFF" else image.n_frames  # type: ignore[attr-defined]
        except _DAMAGE:
            return ("what follows its first page is damaged and not looked at",)
    if frames < 2:
        return ()
    what = {"TIFF": "pages", "MPO": "pictures", "HEIF": "pictures"}.get(form, "frames")
    return (f"holds {frames} {what}, only the first is taken",)


def _tiff_pages(image: Any) -> int:
    """Pages that are pictures of their own: neither thumbnails nor masks of others."""
    count = 0
    for number in range(image.n_frames):
        image.seek(number)
        count += not int(image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)) & _REDUCED_OR_MASK
    return count


def _is_tiff(source: Path | str | bytes) -> bool:
    if isinstance(source, bytes):
        return source.startswith(_TIFF_MAGIC)
    with open(source, "rb") as file:
        return file.read(4).startswith(_TIFF_MAGIC)


def _check_size(size: tuple[int, int], name: str, limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise BadInput(_too_large(name, f"{width}×{height} pixels", limit))


def _too_large(name: str, pixels: str, limit: int) -> str:
    return (
        f"{name}: {pixels} are more than the {limit / 1e6:g} megapixels a photo may have; reduce it first, "
        f"or allow more with --max-megapixels or {LIMIT_VARIABLE}."
    )


def _unreadable(name: str, error: BaseException) -> BadInput:
    if isinstance(error, FileNotFoundError):
        reason = "no such file"
    elif isinstance(error, UnidentifiedImageError):
        reason = "not an image in a known format"
    elif isinstance(error, Image.DecompressionBombError):
        return BadInput(_too_large(name, "its pixels", pixel_limit()))
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return BadInput(f"{name}: cannot be read as a photo ({reason}); repair or remove it.")
