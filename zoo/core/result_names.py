"""What a colorized photo is called: ``NAME.colorized.png``, and which photo it was made of.

One rule for whoever writes results and for whoever looks for a photo's result later. Where two photos of a
folder share a stem (``a.jpg``, ``a.png``) the suffix stays in the name (``a.jpg.colorized.png``). A name that
would be too long for the file system is cut, and eight digits of its hash keep it apart from others.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from zoo.core.photo_files import RESULT_MARK

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
