"""Which files are photos, and what a colorized one is called.

What Pillow can open here decides (AVIF, WebP and JPEG 2000 depend on how it was built, HEIC on the extra
``heic``), and the same list holds for files that are named and for those found in folders, in training,
scoring and colorizing alike. What looks like a picture and is not taken is counted, never passed over in
silence.

A result is ``NAME.colorized.png``, one rule for whoever writes results and for whoever looks for a photo's result
later. Where two photos of a folder share a stem (``a.jpg``, ``a.png``) the suffix stays in the name
(``a.jpg.colorized.png``). Several answers to one photo are numbered: ``NAME.colorized-1.png``. A name that would be
too long for the file system is cut, and eight digits of its hash keep it apart from others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path, PurePath
from typing import NamedTuple

from PIL import Image, features

from zoo.core.errors import BadInput

READER_VERSION = 3
"""Raise it when a file's pixels come out otherwise than before."""

PIXEL_LIMIT = 150_000_000
"""Larger photos are refused, unless :data:`LIMIT_VARIABLE` allows them."""

LIMIT_VARIABLE = "ZOO_MAX_MEGAPIXELS"

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "HEIF")
"""Pillow's names of what photos are stored in. Formats that start other programs, such as EPS, stay out."""

_OF_FORMAT = {"MPO": "JPEG"}  # what Pillow lists under a name of its own and opens as another's

# What is read where its decoder is there, other pictures and drawings, and what cameras write.
_LISTED = """
    .jpg .jpeg .jpe .jfif .mpo .png .apng .webp .tif .tiff .bmp .dib .gif .pbm .pgm .ppm .pnm .pfm
    .avif .avifs .jp2 .j2k .jpc .jpf .jpx .j2c .heic .heics .heif .heifs .hif
    .jxl .jxr .hdp .wdp .bpg .qoi .ico .cur .icns .pcx .dcx .tga .sgi .rgb .rgba .bw .ras .psd .psb .xcf .kra .ora
    .svg .svgz .eps .ai .cdr .wmf .emf .exr .hdr .dds .ktx .dpx .cin .fits .fts .djvu .xbm .xpm .pict .pct .insp
    .dng .cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .orf .rw2 .raf .pef .ptx .srw .x3f .3fr .fff .iiq .kdc .dcr .mrw
    .mef .mos .erf .rwl .gpr
"""
_PICTURES = frozenset(_LISTED.split())

RESULT_MARK = ".colorized"
"""What stands before the suffix of a colorized photo's name."""

_NO_PHOTOS_IN = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})
"""Folders in which systems keep thumbnails, forks and what was deleted."""


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """The formats that can be decoded here, by Pillow's names."""
    Image.init()
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener(thumbnails=False)
    built = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000", "JPEG": "jpg"}
    return tuple(name for name in _FORMATS if name in Image.OPEN and (name not in built or features.check(built[name])))


@lru_cache(maxsize=1)
def suffixes() -> frozenset[str]:
    """What the names of readable photos end in, lower case, with the dot."""
    decoded = formats()
    return frozenset(
        suffix for suffix, name in Image.registered_extensions().items() if _OF_FORMAT.get(name, name) in decoded
    )


def is_photo(name: str | Path) -> bool:
    """Whether a file of this name is taken as a photo: by its suffix in any case, and not hidden."""
    path = Path(name)
    return path.suffix.lower() in suffixes() and not path.name.startswith(".")


def is_result(name: str | Path) -> bool:
    """Whether a file is named as ``zoo colorize`` names its results: ``cat.colorized.png``, ``cat.colorized-2.png``."""
    return re.search(rf"{re.escape(RESULT_MARK)}(-\d+)?$", Path(name).stem) is not None


def looks_like_a_picture(name: str | Path) -> bool:
    """Whether a person would call a file of this name a picture, readable here or not."""
    suffix = Path(name).suffix.lower()
    return suffix in _PICTURES or suffix in suffixes()


def suffix_list() -> str:
    """The suffixes for an error's sentence."""
    return ", ".join(sorted(suffixes()))


class Found(NamedTuple):
    """What a folder holds.

    Attributes:
        photos: in the order of their names: a folder's files first, then its sub-folders.
        not_taken: suffix → how many files look like pictures and were not taken.
        unread: folders that could not be listed, and why.
    """

    photos: tuple[Path, ...]
    not_taken: Counter[str]
    unread: tuple[tuple[Path, str], ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence each for what was not taken and for every folder that could not be listed."""
        counted = (remark,) if (remark := not_taken_remark(self.not_taken)) else ()
        return (
            *counted,
            *(f"{folder} cannot be listed ({reason}); check its permissions." for folder, reason in self.unread),
        )


def not_taken_remark(counts: Counter[str]) -> str:
    """``6 files were not taken: .avif 2, .svg 4.``, or nothing."""
    total = sum(counts.values())
    if not total:
        return ""
    listed = ", ".join(f"{suffix} {count}" for suffix, count in sorted(counts.items()))
    return f"{total} {'file was' if total == 1 else 'files were'} not taken: {listed}."


def find_photos(root: Path, *, leave_out: Callable[[str], bool] = lambda name: False) -> Found:
    """Every photo below ``root``, to the bottom.

    Hidden files and folders are left out, and so are those in which systems keep thumbnails (``__MACOSX``,
    ``@eaDir``). A symlinked folder is walked like any other, but no folder twice: not one that lies below
    ``root`` under its own name, and not in a circle. Dangling links are photos, so that reading them reports
    them; pipes and devices, which would block, are counted as not taken.

    Args:
        leave_out: names of files that are neither taken nor counted.
    """
    walk = _Walk(leave_out)
    walk.list_real(root)
    walk.emit(root)
    return Found(tuple(walk.photos), walk.not_taken, tuple(walk.unread))


class _Listing(NamedTuple):
    files: list[os.DirEntry[str]]
    folders: list[Path]
    links: frozenset[Path]


class _Walk:
    def __init__(self, leave_out: Callable[[str], bool]):
        self.photos: list[Path] = []
        self.not_taken: Counter[str] = Counter()
        self.unread: list[tuple[Path, str]] = []
        self._leave_out = leave_out
        self._listings: dict[Path, _Listing] = {}
        self._seen: set[tuple[int, int]] = set()

    def list_real(self, root: Path) -> None:
        """List all that is reached without a link, so that links to it are known before any is followed."""
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            if self._first_time(folder):
                listing = self._listing(folder)
                waiting += [below for below in listing.folders if below not in listing.links]

    def emit(self, root: Path) -> None:
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            real = folder in self._listings
            if not real and not self._first_time(folder):
                continue
            listing = self._listings.pop(folder) if real else self._listing(folder, keep=False)
            for entry in listing.files:
                self._take(folder, entry)
            waiting += reversed(listing.folders)

    def _take(self, folder: Path, entry: os.DirEntry[str]) -> None:
        if self._leave_out(entry.name):
            return
        if is_photo(entry.name) and _is_file_or_link(entry):
            self.photos.append(folder / entry.name)
        elif looks_like_a_picture(entry.name):
            self.not_taken[Path(entry.name).suffix.lower()] += 1

    def _first_time(self, folder: Path) -> bool:
        try:
            status = os.stat(folder)
        except OSError as error:
            self.unread.append((folder, error.strerror or type(error).__name__))
            return False
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _listing(self, folder: Path, *, keep: bool = True) -> _Listing:
        files, folders, links = [], [], []
        try:
            with os.scandir(folder) as scan:
                entries = sorted(_shown(scan), key=lambda entry: entry.name)
        except OSError as error:
            self.unread.append((folder, error.strerror or type(error).__name__))
            entries = []
        for entry in entries:
            if not _is_folder(entry):
                files.append(entry)
            elif entry.name not in _NO_PHOTOS_IN:
                folders.append(folder / entry.name)
                if entry.is_symlink():
                    links.append(folder / entry.name)
        listing = _Listing(files, folders, frozenset(links))
        if keep:
            self._listings[folder] = listing
        return listing


def _shown(entries: Iterable[os.DirEntry[str]]) -> Iterable[os.DirEntry[str]]:
    return (entry for entry in entries if not entry.name.startswith("."))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself: reading it reports it


def _is_file_or_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        return True


NAME_BYTES = 255
"""What the common file systems allow a name to have."""

_LONGEST_SUFFIX = len(".jpeg")


def result_stem(photo: str, *, whole: bool = False) -> str:
    """The name of a photo's result without its suffix.

    Args:
        photo: the photo's file name.
        whole: keep the photo's suffix, since its stem belongs to another photo too.
    """
    stem = photo if whole else PurePath(photo).stem
    room = NAME_BYTES - len(RESULT_MARK) - _LONGEST_SUFFIX
    if len(os.fsencode(stem)) > room:
        digits = "~" + hashlib.sha256(os.fsencode(photo)).hexdigest()[:8]
        while len(os.fsencode(stem + digits)) > room:
            stem = stem[:-1]
        stem += digits
    return stem + RESULT_MARK


def shared_stems(names: Iterable[str]) -> set[str]:
    """Which of a folder's photos keep their suffix in the names of their results.

    Those whose stem another photo has, or whose stem is another's whole name (``a.jpg.png`` beside ``a.jpg``); in
    lower case, as some file systems see names.
    """
    names = list(names)
    stems = Counter(PurePath(name).stem.casefold() for name in names)
    whole = {name.casefold() for name in names}
    return {
        name
        for name in names
        if stems[(stem := PurePath(name).stem.casefold())] > 1 or (stem in whole and stem != name.casefold())
    }


def pixel_limit() -> int:
    """How many pixels a photo may have: :data:`PIXEL_LIMIT`, or what the environment allows.

    Raises:
        BadInput: :data:`LIMIT_VARIABLE` is no positive number.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return PIXEL_LIMIT
    try:
        limit = int(float(text) * 1e6)
    except (ValueError, OverflowError):
        limit = 0
    if limit < 1:
        raise BadInput(f"{LIMIT_VARIABLE} is {text[:40]!r}; give how many megapixels a photo may have, such as 400.")
    return limit
