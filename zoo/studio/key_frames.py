"""Frames of a film that a person has coloured, in a folder, each named by its frame or its time.

``film-000125.png`` is frame 125, counted from 0 in the order of showing; ``5s.png``, ``12.48s.png`` and
``1h02m03.5s.png`` are the frames shown then. A picture is a frame coloured whole, or the frame with strokes: one with
transparency holds strokes, and so does one that over half of its pixels is still the frame itself; their colours are
spread by the model, as those of a hint picture are. Pictures without any colour are left out and counted. Points and
strokes as JSON (:mod:`zoo.studio.hint_marks`), ``000125.json`` or ``000125.hints.json``, are spread likewise.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.core.film import opened
from zoo.core.photo import Photo, open_photo
from zoo.core.photo_files import RESULT_MARK, find_photos, is_result
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_picture import COLOURED

MARKS = ".json"

_NUMBER = re.compile(r"(\d+)$")
_TIME = re.compile(r"(?<![0-9A-Za-z])(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)s$")

_SAME = 2
"""Levels by which a pixel that nobody painted may differ from the frame."""


class KeyFrames:
    """Coloured frames by number.

    Attributes:
        files: number → picture or JSON, in the order of the numbers.
        remarks: a sentence each on what was left out.
    """

    def __init__(self, files: dict[int, Path], remarks: tuple[str, ...] = ()):
        self.files = dict(sorted(files.items()))
        self.remarks = remarks

    def after(self, number: int) -> int | None:
        """The number of the first key frame after a frame."""
        return next((each for each in self.files if each > number), None)

    def whole(self, number: int, frame: np.ndarray) -> Photo | None:
        """The picture of a key frame that was coloured whole; None where it holds strokes."""
        file = self.files[number]
        if file.suffix.lower() == MARKS:
            return None
        photo = open_photo(file)
        return photo if is_whole(photo, frame) else None


def read_key_frames(folder: Path, film: Path, size: tuple[int, int]) -> KeyFrames:
    """The key frames of a folder; each is read once, so that a bad one costs no work.

    Args:
        size: the film's height and width, upright.

    Raises:
        BadInput: no such folder; nothing coloured in it; a file that cannot be read, of another size, with a name
            that tells no frame, or of a frame that the film does not have; two of one frame.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; give the folder with the coloured frames.")
    found = find_photos(folder, leave_out=lambda name: name.lower().endswith(MARKS))
    remarks = [f"{folder}: {remark}" for remark in found.remarks]
    with opened(film) as read:
        times = read.times()
    grey = 0
    files: dict[int, Path] = {}

    def take(file: Path) -> None:
        number = _number(file, times)
        other = files.setdefault(number, file)
        if other is not file:
            raise BadInput(f"{other} and {file} are both of frame {number}; take one of them away.")

    for picture in found.photos:
        rgb = open_photo(picture).rgb
        if int(np.ptp(rgb, axis=2).max()) <= COLOURED:
            grey += 1
            continue
        if rgb.shape[:2] != size:
            raise BadInput(
                f"{picture} is {rgb.shape[1]}×{rgb.shape[0]} pixels and the film {size[1]}×{size[0]}; a key frame has "
                "the film's size."
            )
        take(picture)
    for marks in sorted(folder.rglob("*")):
        if marks.suffix.lower() == MARKS and not marks.name.startswith("."):
            read_hints(marks, np.zeros((*size, 3), np.uint8))
            take(marks)
    if grey:
        remarks.append(f"{grey} of {len(found.photos)} pictures in {folder} have no colour and were left out.")
    if not files:
        only = f", only {grey} without colour" if grey else ""
        raise BadInput(f"{folder} holds no coloured frame{only}; colour some.")
    return KeyFrames(files, tuple(remarks))


def _number(picture: Path, times: np.ndarray) -> int:
    name = picture.stem.removesuffix(RESULT_MARK) if is_result(picture) else picture.stem.removesuffix(".hints")
    if told := _TIME.search(name):
        hours, minutes, seconds = (float(each or 0) for each in told.groups())
        at = hours * 3600 + minutes * 60 + seconds + times[0]
        if at > times[-1] + 1:
            raise BadInput(f"{picture} is of {at - times[0]:g} s, and the film ends at {times[-1] - times[0]:g} s.")
        return int(np.abs(times - at).argmin())
    if not (counted := _NUMBER.search(name)):
        raise BadInput(
            f"{picture}: its name tells no frame; name it by the frame's number (000125.png) or its time (5.2s.png)."
        )
    if int(counted[1]) >= len(times):
        raise BadInput(f"{picture} is of frame {int(counted[1])}, and the film's are 0 to {len(times) - 1}; rename it.")
    return int(counted[1])


def is_whole(photo: Photo, frame: np.ndarray) -> bool:
    """Whether a picture is a frame coloured whole, not one with strokes; a frame of a film in colour is, as it is."""
    if photo.image.mode == "RGBA" and np.asarray(photo.image.getchannel("A")).min() < 255:
        return False
    untouched = (np.abs(photo.rgb.astype(int) - frame) <= _SAME).all(axis=2)
    return bool(untouched.mean() <= 0.5 or untouched.all())


def ab_of(rgb: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3) → its ab, float32 (h, w, 2)."""
    ab: np.ndarray = split_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])[1][0].permute(1, 2, 0).numpy()
    return ab
