"""Frames of a film that a person has coloured, in a folder, each named by its frame or its time.

``film-000125.png`` is frame 125, counted from 0 in the order of showing; ``5s.png``, ``12.48s.png`` and
``1h02m03.5s.png`` are the frames shown then. A picture is a frame coloured whole, or the frame with strokes: one with
transparency holds strokes, and so does one that over half of its pixels is still the frame itself; their colours are
spread by the model, as those of a hint picture are. Pictures without any colour are left out and counted.
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
from zoo.studio.hint_picture import COLOURED

_NUMBER = re.compile(r"(\d+)$")
_TIME = re.compile(r"(?<![0-9A-Za-z])(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)s$")

_SAME = 2
"""Levels by which a pixel that nobody painted may differ from the frame."""


class KeyFrames:
    """Coloured frames by number.

    Attributes:
        files: number → picture, in the order of the numbers.
        remarks: a sentence each on what was left out.
    """

    def __init__(self, files: dict[int, Path], remarks: tuple[str, ...] = ()):
        self.files = dict(sorted(files.items()))
        self.remarks = remarks

    def after(self, number: int) -> int | None:
        """The number of the first key frame after a frame."""
        return next((each for each in self.files if each > number), None)

    def picture(self, number: int) -> Photo | None:
        """The picture of a frame, if it is a key frame."""
        return open_photo(self.files[number]) if number in self.files else None


def read_key_frames(folder: Path, film: Path, size: tuple[int, int]) -> KeyFrames:
    """The key frames of a folder; each is read once, so that a bad one costs no work.

    Args:
        size: the film's height and width, upright.

    Raises:
        BadInput: no such folder; nothing coloured in it; a picture that cannot be read, of another size, with a name
            that tells no frame, or of a frame that the film does not have; two of one frame.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; give the folder with the coloured frames.")
    found = find_photos(folder)
    remarks = [f"{folder}: {remark}" for remark in found.remarks]
    with opened(film) as read:
        times = read.times()
    grey = 0
    files: dict[int, Path] = {}
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
        number = _number(picture, times)
        other = files.setdefault(number, picture)
        if other is not picture:
            raise BadInput(f"{other} and {picture} are both of frame {number}; take one of them away.")
    if grey:
        remarks.append(f"{grey} of {len(found.photos)} pictures in {folder} have no colour and were left out.")
    if not files:
        only = f", only {grey} without colour" if grey else ""
        raise BadInput(f"{folder} holds no coloured frame{only}; colour some.")
    return KeyFrames(files, tuple(remarks))


def _number(picture: Path, times: np.ndarray) -> int:
    name = picture.stem.removesuffix(RESULT_MARK) if is_result(picture) else picture.stem
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
