"""The colours of a photo as its embedded ICC profile means them, in sRGB: the one place that decides.

A profile that is sRGB, by what it does and not by its name, leaves every sample as it is. Any other (Display
P3, Adobe RGB, a grey with a gamma, CMYK) is converted by LittleCMS, relative colorimetric with black point
compensation, as photo editors do by default. A profile that is damaged or for another kind of picture is not
applied, and a note says so.
"""

from __future__ import annotations

import io
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
