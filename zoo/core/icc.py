"""The colours of a photo as its ICC profile means them, in sRGB: the one place that decides.

A profile that is sRGB, by what it does and not by its name, leaves every sample as it is. Any other (Display
P3, Adobe RGB, a grey with a gamma, CMYK) is converted by LittleCMS, relative colorimetric with black point
compensation, as photo editors do by default. A profile that is damaged or for another kind of picture is not
applied, and a note says so.

A photo may name its colours without embedding a profile. Cameras set to Adobe RGB mark their JPEGs in EXIF alone
(DCF 2.0: interoperability index ``R03``); a PNG may say by numbers what its samples mean (chunks gAMA and cHRM; PNG,
11.3.2). The profile is then written, from ICC.1:2001-04: header 6.1, curveType 6.5.3, XYZType 6.5.20,
textDescriptionType 6.5.17.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

SAME = 2
"""Levels: a profile that moves no colour of a grid by more is sRGB, told apart by rounding alone."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


class _Conversion(NamedTuple):
    """``transform`` is None where nothing is to be done; ``note`` says why, if there is anything to say."""

    mode: str
    transform: Any
    note: str


def to_srgb(image: Image.Image, profile: bytes | None, by: str = "by its colour profile") -> tuple[Image.Image, str]:
    """An L, RGB or CMYK picture as sRGB: L or RGB, and a note or nothing.

    Args:
        by: the end of the note, where the profile is not the file's own.
    """
    found = _conversion(bytes(profile), image.mode) if profile else _Conversion("", None, "")
    if found.transform is None:
        return (image.convert("RGB") if image.mode == "CMYK" else image), found.note
    from PIL import ImageCms

    # A grey picture under a profile for colours is a colour picture whose channels are equal.
    source = image if image.mode == found.mode else image.convert(found.mode)
    converted = ImageCms.applyTransform(source, found.transform)
    assert converted is not None  # not in place
    return converted, f"{found.note} {by}"


@lru_cache(maxsize=16)
def _conversion(profile: bytes, mode: str) -> _Conversion:
    try:
        from PIL import ImageCms
    except ImportError:  # pragma: no cover
        return _Conversion("", None, "its colour profile is not applied, since Pillow has no LittleCMS here")
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = _SPACES.get(opened.profile.xcolor_space, "")
        name = _name(opened)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _Conversion("", None, "its colour profile is damaged and not applied")
    if space != mode and (space, mode) != ("RGB", "L"):
        return _Conversion("", None, f"its colour profile ({name}) is for another kind of picture and not applied")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if space == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE  # its optimised grey curves are up to 10 levels off in the darks
    try:
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            space,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=flags,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return _Conversion("", None, f"its colour profile ({name}) is damaged and not applied")
    if _changes_nothing(transform, space):
        return _Conversion("", None, "")
    return _Conversion(space, transform, f"converted from {name} to sRGB")


def _changes_nothing(transform: Any, space: str) -> bool:
    from PIL import ImageCms

    if space == "CMYK":
        return False
    if space == "L":
        grid = np.arange(256, dtype=np.uint8)[None]
        meant = np.repeat(grid[..., None], 3, axis=2)
    else:
        levels = np.linspace(0, 255, 18).astype(np.uint8)
        meant = grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(18, -1, 3)
    converted = ImageCms.applyTransform(Image.fromarray(grid), transform)
    return int(np.abs(np.asarray(converted).astype(int) - meant).max()) <= SAME


def _name(profile: Any) -> str:
    from PIL import ImageCms

    text = ImageCms.getProfileDescription(profile)
    # A profile is a stranger's file: its name must not reach a terminal as anything but letters.
    shown = "".join(c for c in " ".join(text.split()) if c.isprintable())[:60]
    return shown or "a nameless profile"


_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_D65 = (0.3127, 0.3290)
_SRGB = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_ADOBE_RGB = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_ADOBE_GAMMA = 563 / 256

_INTEROPERABILITY, _INDEX = 0xA005, 1


class Implied(NamedTuple):
    """An ICC profile, and what in the file implies it."""

    profile: bytes
    by: str


def implied_profile(image: Image.Image) -> Implied | None:
    """The profile that a file without one implies, or None: it is sRGB, as far as it says."""
    if _is_adobe_rgb(image):
        return Implied(_profile("Adobe RGB", _ADOBE_RGB, _ADOBE_GAMMA), "as its EXIF says")
    gamma: Any = image.info.get("gamma")
    corners: Any = image.info.get("chromaticity", _SRGB)
    if "srgb" in image.info or not _sensible(gamma, corners):
        return None
    # 1/2.2 is what writers of PNG say for sRGB, whose curve is no power.
    if abs(1 / gamma - 2.2) < 0.05 and np.allclose(corners, _SRGB, atol=0.002):
        return None
    name = f"gamma {1 / gamma:.3g}"
    if image.mode in ("1", "L", "LA", "I", "I;16", "I;16B"):
        return Implied(_grey_profile(name, 1 / gamma), "as its chunk gAMA says")
    return Implied(_profile(name, corners, 1 / gamma), "as its chunks gAMA and cHRM say")


def _is_adobe_rgb(image: Image.Image) -> bool:
    try:
        index = image.getexif().get_ifd(_INTEROPERABILITY).get(_INDEX, "")
    except Exception:  # a damaged EXIF block, of which Pillow raises nearly anything, says nothing
        return False
    text = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    return text.strip("\0 ") == "R03" and image.mode in ("RGB", "RGBA")


def _sensible(gamma: Any, corners: Any) -> bool:
    """Whether numbers of a file can be those of a colour space: a triangle with its white inside."""
    if not isinstance(gamma, float) or not 0.1 <= gamma <= 2.5 or len(corners) != 8:
        return False
    x, y = np.array(corners[0::2]), np.array(corners[1::2])
    if (y <= 0).any() or (x < 0).any() or (x + y > 1).any():
        return False
    area = np.linalg.det(np.stack([x[1:], y[1:], np.ones(3)]))
    return abs(area) > 0.01 and bool((_weights(corners) > 0).all())


def _weights(corners: Any) -> np.ndarray:
    """How much of each primary the white is made of."""
    return np.linalg.solve(_columns(corners), _xyz_of(*corners[:2]))


def _columns(corners: Any) -> np.ndarray:
    return np.stack([_xyz_of(*corners[first : first + 2]) for first in (2, 4, 6)], axis=1)


def _xyz_of(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _profile(name: str, corners: Any, gamma: float) -> bytes:
    """A matrix profile; ``corners`` are x and y of white, red, green and blue."""
    white = _xyz_of(*corners[:2])
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white)) @ _BRADFORD
    columns = adapted @ (_columns(corners) * _weights(corners))
    tags = {letter + b"XYZ": _xyz(columns[:, column]) for column, letter in enumerate((b"r", b"g", b"b"))}
    curves = {letter + b"TRC": _curve(gamma) for letter in (b"r", b"g", b"b")}
    return _file(b"RGB ", name, tags | curves)


def _grey_profile(name: str, gamma: float) -> bytes:
    return _file(b"GRAY", name, {b"kTRC": _curve(gamma)})


def _file(space: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    text = name.encode("ascii") + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"wtpt": _xyz(_D50), b"cprt": b"text\0\0\0\0\0", **tags}
    start = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + _fixed(_D50)
    return header.ljust(128, b"\0") + table + body


def _xyz(value: Any) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(value)


def _fixed(values: Any) -> bytes:
    return struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
