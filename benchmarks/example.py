"""The README's example: a grey photo, and a hint picture for it.

    python benchmarks/example.py docs/example

The photo is one of the embedded ones, which no model is trained on, in grey. The hints are dots of its true colours, as
a hand with the colour photo in mind would paint them, on a transparent picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.core.files import make_folder
from zoo.harness.data.folder import FOLDER

PHOTO = "validation/gcompris-canyon_de_chelly-0.jpg"  # Nikater, public domain (CREDITS.csv)
DOTS = 8
"""A row."""
RADIUS = 3


def main(folder: Path) -> None:
    """Write ``canyon.jpg`` and ``canyon_hints.png``."""
    photo = Image.open(FOLDER / PHOTO).convert("RGB")
    make_folder(folder)
    photo.convert("L").save(folder / "canyon.jpg", quality=90)
    colours, hints = np.asarray(photo), np.zeros((photo.height, photo.width, 4), np.uint8)
    step = photo.width // DOTS
    for y in range(step // 2, photo.height, step):
        for x in range(step // 2, photo.width, step):
            around = np.s_[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1]
            hints[around] = (*colours[around].mean(axis=(0, 1)).round().astype(np.uint8), 255)
    Image.fromarray(hints).save(folder / "canyon_hints.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
