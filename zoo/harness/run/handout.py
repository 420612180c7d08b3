"""A suite's test photos in grey, and their hints, as files: what a method that is not ours is to colorize.

What it makes of them is taken, by the photos' names, by :mod:`zoo.harness.run.submission`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from zoo.core.color import join_lab, to_uint8
from zoo.core.errors import BadInput
from zoo.core.files import make_folder, writing_folder
from zoo.harness.plan.suite import open_photos, scored_photos
from zoo.harness.run.request import BenchRequest, effective_suite

GREY, HINTS = "grey", "hints"
"""The folders of the two."""


class Handout(NamedTuple):
    """The folder, how many photos are in it, and how many of them have a hint at least."""

    folder: Path
    photos: int
    hinted: int


def hand_out(suite: str, *, folder: Path | None = None, data: str | None = None) -> Handout:
    """Write ``grey/NAME.png`` (one channel, 8 bits) and ``hints/NAME.png`` for each photo that a suite scores.

    A hint picture is transparent but for the hinted pixels, which have the colour that is known there, in the photo's
    own lightness; all are of the suite's size. Where no photo has a hint there is no ``hints``.

    Args:
        suite: a name, or a file.
        folder: a new one; default ``SUITE-inputs``.
        data: the source of the photos, in the place of the suite's.

    Raises:
        BadInput: the folder is there, or cannot be written; a suite, or photos, that cannot be had.
    """
    asked = effective_suite(BenchRequest(suite=suite, data=data))
    folder = folder or Path(f"{asked.name}-inputs")
    if folder.exists():
        raise BadInput(f"{folder} is there already; give the name of a new folder with -o.")
    photos = open_photos(asked)
    stems = Counter(_stem(name) for name in photos.test.names)
    hinted = 0
    with writing_folder(folder) as part:
        for batch, _, _, names, own in scored_photos(asked, photos, (), torch.device("cpu")):
            greys = to_uint8(join_lab(batch.lightness, torch.zeros_like(batch.ab)))[:, :1]
            colours = to_uint8(join_lab(batch.lightness if own is None else own, batch.hint_ab))
            pictures = torch.cat([colours, to_uint8(batch.hint_mask)], dim=1) * (batch.hint_mask > 0)
            for name, grey, picture in zip(names, greys, pictures, strict=True):
                file = f"{_stem(name) if stems[_stem(name)] == 1 else name}.png"
                _write(grey, part / GREY / file)
                if asked.eval_hints != "none":
                    _write(picture, part / HINTS / file)
                    hinted += bool(picture[3].any())
    return Handout(folder, len(photos.test), hinted)


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _write(planes: Tensor, file: Path) -> None:
    """uint8 (C, H, W) of one channel or of four."""
    make_folder(file.parent)
    Image.fromarray(planes.permute(1, 2, 0).squeeze(2).numpy()).save(file, "PNG")
