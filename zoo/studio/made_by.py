"""How a result was made, said in the result itself: what decided it, and whether it has been changed since.

The line stands in EXIF's ImageHistory, where every format and viewer can hold it, and travels with the picture when it
is moved or renamed. Of the file's own digest it says what the file would have if it said nothing there, so that any
later change, of pixels or of a caption, shows.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from zoo import __version__
from zoo.core.origin import Origin
from zoo.core.photo_files import READER_VERSION, formats, pixel_limit
from zoo.core.spec import fingerprint
from zoo.core.undisturbed import undisturbed
from zoo.studio.manner import Manner
from zoo.studio.metadata import history

STUDIO_VERSION = 2
"""Raise it when the same model, photo and options make another picture than before."""

_UNKNOWN = "0" * 64


class MadeBy(msgspec.Struct, frozen=True, kw_only=True):
    """What made a result.

    Attributes:
        model: its name, for people.
        weights: the first digits of its weights' SHA-256; empty for a model without any.
        size: the longer side the network saw.
        hints: the first digits of the SHA-256 of the file of hints, or empty.
        identity: a hash of all that decides the result: model, weights, options, hints, photo, format.
        file: SHA-256 of the file, with zeros in this place.
    """

    model: str
    weights: str
    size: int
    hints: str
    identity: str
    zoo: str = __version__
    file: str = _UNKNOWN

    def line(self) -> str:
        """One line of ASCII."""
        return json.dumps({"colorizer-zoo": msgspec.to_builtins(self)})


def made_by(
    origin: Origin,
    photo: bytes,
    form: str,
    manner: Manner,
    *,
    hints: bytes | None = None,
    reference: bytes | None = None,
    draw: int = 0,
) -> MadeBy:
    """What a result of this model, photo, format, manner, hints, reference and draw says of itself."""
    hinted = hashlib.sha256(hints).hexdigest() if hints is not None else ""
    decides: dict[str, Any] = {
        "studio": STUDIO_VERSION,
        "reader": READER_VERSION,
        "model": origin.identity,
        "photo": hashlib.sha256(photo).hexdigest(),
        "format": form,
        **manner.decides(origin.works_at),
        "hints": hinted,
    }
    if reference is not None:
        decides["reference"] = hashlib.sha256(reference).hexdigest()
    if draw:
        decides["draw"] = draw
    return MadeBy(
        model=origin.name,
        weights=origin.weights,
        size=manner.side(origin.works_at),
        hints=hinted[:12],
        identity=fingerprint(decides, 32),
    )


def read_made_by(file: Path) -> MadeBy | None:
    """What a file says of how it was made; None where it says nothing, or is no picture."""
    try:
        with undisturbed(pixel_limit()), Image.open(file, formats=formats()) as image:
            said = json.loads(history(image))
        return msgspec.convert(said["colorizer-zoo"], MadeBy)
    except Exception:  # anything may lie there, and whatever its decoder raises, it is no result of ours
        return None


def sealed(content: bytes) -> bytes:
    """A file that was just encoded, with its digest in its line."""
    return _with_digest(content, _UNKNOWN, hashlib.sha256(content).hexdigest())


def is_unchanged(file: Path, said: MadeBy) -> bool:
    """Whether a file is still, byte for byte, what was written."""
    content = file.read_bytes()
    if content.count(said.file.encode()) != 1:
        return False
    return hashlib.sha256(_with_digest(content, said.file, _UNKNOWN)).hexdigest() == said.file


def _with_digest(content: bytes, old: str, new: str) -> bytes:
    """The digest in the file's line replaced; a PNG has a check sum over it, which is made anew."""
    at = content.index(f'"file": "{old}"'.encode()) + len('"file": "')
    changed = content[:at] + new.encode() + content[at + len(new) :]
    if not content.startswith(b"\x89PNG"):
        return changed
    start = changed.rindex(b"eXIf", 0, at)
    end = start + 4 + int.from_bytes(changed[start - 4 : start], "big")
    return changed[:end] + zlib.crc32(changed[start:end]).to_bytes(4, "big") + changed[end + 4 :]
