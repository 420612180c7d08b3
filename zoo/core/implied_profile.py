"""The colour space of a photo that names one without embedding a profile.

Cameras set to Adobe RGB mark their JPEGs in EXIF alone (DCF 2.0: interoperability index ``R03``). A PNG may say by
numbers what its samples mean (chunks gAMA and cHRM; PNG, 11.3.2). The profile is written from ICC.1:2001-04:
header 6.1, curveType 6.5.3, XYZType 6.5.20, textDescriptionType 6.5.17.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

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
    return np.stack([_xyz_of(*corners[place : place + 2]) for place in (2, 4, 6)], axis=1)


def _xyz_of(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _profile(name: str, corners: Any, gamma: float) -> bytes:
    """A matrix profile; ``corners`` are x and y of white, red, green and blue."""
    white = _xyz_of(*corners[:2])
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white)) @ _BRADFORD
    columns = adapted @ (_columns(corners) * _weights(corners))
    tags = {letter + b"XYZ": _xyz(columns[:, place]) for place, letter in enumerate((b"r", b"g", b"b"))}
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
