"""A file of hints, whatever it holds: a picture, painted on transparency or over the photo, or points and strokes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.core.errors import BadInput
from zoo.studio.files import STANDARD
from zoo.studio.hint_marks import is_marks, painted, read_marks
from zoo.studio.hint_picture import GivenHints, read_picture


def read_hints(path: Path, photo: np.ndarray, content: bytes | None = None) -> GivenHints:
    """The hints that a file holds; its content says which kind it is.

    Args:
        path: a picture of the photo's size (:mod:`zoo.studio.hint_picture`), or JSON (:mod:`zoo.studio.hint_marks`).
        photo: uint8 (H, W, 3), upright.
        content: the file's bytes, where they have been read already.

    Raises:
        BadInput: the file cannot be read, does not fit the photo, or holds no hint.
    """
    content = _read(path) if content is None else content
    if is_marks(content):
        height, width = photo.shape[:2]
        name = "the hints" if path == STANDARD else str(path)
        return GivenHints(painted(read_marks(content, name), (height, width), name))
    return read_picture(path, photo, content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}); give another --hints.") from None
