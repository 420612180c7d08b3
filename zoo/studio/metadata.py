"""What a photo's file says besides its pixels, kept for the file of its result.

Kept: caption, date, maker, place and the rest of EXIF, XMP, resolution, comments and the texts of a PNG. Not kept: what
described the old file's pixels (size, orientation, thumbnail, compression, colour space), since the result is upright,
sRGB and of its own format. IPTC's caption, author, copyright and date become EXIF's where EXIF has none: Pillow writes
no IPTC, and every viewer reads EXIF. A damaged entry is left out; it never costs the picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from PIL import Image, ImageCms, IptcImagePlugin, PngImagePlugin
from PIL.ExifTags import IFD, Base

from zoo.core.photo_files import formats, pixel_limit
from zoo.core.undisturbed import undisturbed

_HISTORY = Base.ImageHistory
"""The entry of TIFF/EP for "what has been done to this image": there a result says how it was made."""

_XMP = 700

# Entries of a TIFF's first directory that say how its pixels are stored (TIFF 6.0), or that are carried in other ways.
_OF_THE_PIXELS = frozenset(
    {
        *range(254, 269), 273, Base.Orientation, *range(277, 282), 284, *range(288, 294), 301, 317, 318, 319,
        *range(320, 348), *range(512, 522), 529, 530, 531, 532, 559, _XMP, 32781, *range(32995, 33000), 33421, 33422,
        33723, 34377, 34675, IFD.Exif, IFD.GPSInfo, IFD.Interop, *range(50706, 52000),
    }
)  # fmt: skip
_OF_THE_PICTURE = frozenset({Base.ExifInteroperabilityOffset, Base.ExifImageWidth, Base.ExifImageHeight})
_SRGB = 1

_IPTC = {(2, 120): Base.ImageDescription, (2, 80): Base.Artist, (2, 116): Base.Copyright}
_PNG_TEXT = {"Description": Base.ImageDescription, "Author": Base.Artist, "Copyright": Base.Copyright}
_OTHER_TEXT = {"Title": Base.ImageDescription, "Comment": Base.ImageDescription}
_NOT_A_TEXT = re.compile(r"XML:com\.adobe\.xmp|Raw profile type .*|date:(create|modify|timestamp)|exif:.*|icc:.*")

_JPEG_SEGMENT = 65_000
"""EXIF, XMP and a comment each fit one segment of a JPEG, or cannot be there."""

_ORIENTED = re.compile(rb"""(tiff:Orientation(?:=["']|>))[2-8]""")


class _Latin(str):
    """Text written with the bytes it was read with: Pillow reads EXIF as Latin-1 and writes ``?`` for all but ASCII."""

    def encode(self, encoding: str = "latin-1", errors: str = "replace") -> bytes:
        return super().encode("latin-1", "replace")


class Metadata:
    """What is kept of one photo's file.

    Attributes:
        notes: a sentence for what did not fit.
    """

    def __init__(self, image: Image.Image | None = None):
        self.notes: list[str] = []
        self._main: dict[int, Any] = {}
        self._picture: dict[int, Any] = {}
        self._gps: dict[int, Any] = {}
        self._text: dict[str, str] = {}
        self._comment = b""
        self._xmp = b""
        self._dpi: tuple[float, float] | None = None
        if image is not None:
            self._read(image)

    def say(self, history: str) -> None:
        """Put a line (ASCII) before what the file says of its history."""
        before = self._main.get(_HISTORY)
        self._main[_HISTORY] = f"{history}\n{before}" if isinstance(before, str) and before else history

    def options(self, form: str, width: int, height: int) -> dict[str, Any]:
        """What Pillow's ``save`` is told, for a format (a key of ``FORMATS``) and a picture of this size."""
        main, picture = self._described(form, width, height)
        if form == "tiff":
            # Pillow reads EXIF given as bytes once more, and would write what is not ASCII as question marks.
            options: dict[str, Any] = {
                "tiffinfo": {**main, IFD.Exif: picture, **({IFD.GPSInfo: self._gps} if self._gps else {})}
            }
        else:
            options = {
                "exif": self._exif_of_a_jpeg(main, picture) if form == "jpg" else _exif_bytes(main, picture, self._gps)
            }
        if self._dpi and form != "webp":
            options["dpi"] = self._dpi
        if form == "png":
            options["pnginfo"] = self._png_text()
        elif self._xmp and form != "tiff" and not (form == "jpg" and self._too_long("XMP", self._xmp)):
            options["xmp"] = self._xmp
        if form == "jpg" and self._comment and not self._too_long("comment", self._comment):
            options["comment"] = self._comment
        return options

    def _read(self, image: Image.Image) -> None:
        exif = image.getexif()
        self._main = _whole(exif, leave_out=_OF_THE_PIXELS)
        self._picture = _whole(_directory(exif, IFD.Exif), leave_out=_OF_THE_PICTURE)
        self._gps = _whole(_directory(exif, IFD.GPSInfo))
        self._dpi = _resolution(image.info.get("dpi"))
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
        xmp = xmp.encode() if isinstance(xmp, str) else xmp
        self._xmp = _ORIENTED.sub(rb"\g<1>1", xmp) if isinstance(xmp, bytes) else b""
        comment = image.info.get("comment", b"")
        self._comment = comment.encode() if isinstance(comment, str) else bytes(comment)
        text = getattr(image, "text", {}) or {}
        self._text = {str(key): str(value) for key, value in text.items() if not _NOT_A_TEXT.fullmatch(str(key))}
        self._take_captions(image)

    def _take_captions(self, image: Image.Image) -> None:
        """Into EXIF, where it has none, what IPTC, a PNG's texts and comments say."""
        try:
            iptc: Mapping[Any, Any] = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]
        except Exception:  # whatever a damaged block makes Pillow raise; the caption is lost, not the picture
            iptc = {}
        for key, tag in _IPTC.items():
            value = iptc.get(key)
            self._add(tag, value[0] if isinstance(value, list) and value else value)
        date, time = (iptc.get((2, number)) for number in (55, 60))
        if isinstance(date, bytes) and re.fullmatch(rb"\d{8}", date):
            clock = time[:6] if isinstance(time, bytes) and re.match(rb"\d{6}", time) else b"000000"
            digits = (date + clock).decode()
            stamp = "{}{}{}{}:{}{}:{}{} {}{}:{}{}:{}{}".format(*digits)
            self._picture.setdefault(Base.DateTimeOriginal, stamp)
        for texts in (_PNG_TEXT, _OTHER_TEXT):
            for title, tag in texts.items():
                self._add(tag, self._text.get(title))
        self._add(Base.ImageDescription, self._comment)

    def _add(self, tag: int, text: Any) -> None:
        if isinstance(text, str):
            text = text.encode("utf-8", "replace")
        if isinstance(text, bytes) and text.strip(b"\0 \r\n"):
            self._main.setdefault(tag, _Latin(text.strip(b"\0").decode("latin-1")))

    def _described(self, form: str, width: int, height: int) -> tuple[dict[int, Any], dict[int, Any]]:
        """EXIF's first directory and its own, with what is true of the result's pixels."""
        main, picture = dict(self._main), dict(self._picture)
        picture.update({Base.ExifImageWidth: width, Base.ExifImageHeight: height, Base.ColorSpace: _SRGB})
        if self._dpi:
            main.update({Base.ResolutionUnit: 2, Base.XResolution: self._dpi[0], Base.YResolution: self._dpi[1]})
        if form == "tiff" and self._xmp:
            main[_XMP] = self._xmp
        return main, picture

    def _exif_of_a_jpeg(self, main: dict[int, Any], picture: dict[int, Any]) -> bytes:
        """EXIF that fits a JPEG's segment: the longest entries go, such as what the camera's maker alone can read."""
        gps = dict(self._gps)
        written = _exif_bytes(main, picture, gps)
        if len(written) <= _JPEG_SEGMENT:
            return written
        self.notes.append("a part of the EXIF data is too long for a JPEG and was left out")
        entries = [(entries, tag) for entries in (picture, gps, main) for tag in entries]
        for directory, tag in sorted(entries, key=lambda entry: -_length(entry[0][entry[1]])):
            if tag == _HISTORY:
                main[tag] = str(main[tag]).partition("\n")[0]
            else:
                del directory[tag]
            written = _exif_bytes(main, picture, gps)
            if len(written) <= _JPEG_SEGMENT:
                break
        return written

    def _png_text(self) -> PngImagePlugin.PngInfo:
        info = PngImagePlugin.PngInfo()
        comment = {"Comment": self._comment.decode("utf-8", "replace")} if self._comment else {}
        for key, value in {**comment, **self._text}.items():
            if 0 < len(key) < 80 and key.isascii():
                info.add_itxt(key, value)
        if self._xmp:
            info.add_itxt("XML:com.adobe.xmp", self._xmp.decode("utf-8", "replace"))
        return info

    def _too_long(self, what: str, data: bytes) -> bool:
        if len(data) <= _JPEG_SEGMENT:
            return False
        self.notes.append(f"the {what} is too long for a JPEG and was left out")
        return True


def read_metadata(content: bytes) -> Metadata:
    """What is kept of a photo's file, given as its bytes; nothing of a file that Pillow does not know."""
    try:
        with undisturbed(pixel_limit()), Image.open(io.BytesIO(content), formats=formats()) as image:
            return Metadata(image)
    except Exception:  # its pixels have been read by then: nothing that a damaged block raises may cost them
        return Metadata()


def history(image: Image.Image) -> str:
    """The first line of what a file says of its history; empty where it says nothing."""
    try:
        said = image.getexif().get(_HISTORY, "")
    except Exception:  # a damaged EXIF block says nothing
        return ""
    return str(said).partition("\n")[0]


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The ICC profile of sRGB, without the date of its making: equal results are equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)
    return bytes(profile)


def _directory(exif: Image.Exif, which: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(which)
    except Exception:  # as above: what a damaged directory raises is not told
        return {}


def _whole(entries: Mapping[int, Any], leave_out: Iterable[int] = ()) -> dict[int, Any]:
    """The entries that can be written again, one by one."""
    skipped, kept = frozenset(leave_out), {}
    for tag, value in entries.items():
        value = _Latin(value) if isinstance(value, str) else value
        if tag not in skipped and _can_be_written(tag, value):
            kept[tag] = value
    return kept


def _can_be_written(tag: int, value: Any) -> bool:
    try:
        _exif_bytes({tag: value}, {}, {})
    except Exception:  # Pillow raises what its packing raises: struct.error, TypeError, ZeroDivisionError …
        return False
    return True


def _exif_bytes(main: Mapping[int, Any], picture: Mapping[int, Any], gps: Mapping[int, Any]) -> bytes:
    exif = Image.Exif()
    for tag, value in main.items():
        exif[tag] = value
    if picture:
        exif[IFD.Exif] = dict(picture)
    if gps:
        exif[IFD.GPSInfo] = dict(gps)
    return exif.tobytes()


def _resolution(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = (round(float(value), 2) for value in dpi)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return (x, y) if 1 < x <= 65535 and 1 < y <= 65535 else None


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, tuple)) else 1
