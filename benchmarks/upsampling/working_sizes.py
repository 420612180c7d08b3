"""At which working size a trained colorizer does best on photos larger than those that it was trained on.

    python benchmarks/upsampling/working_sizes.py MODEL_OR_RUN FOLDER [LONGER_SIDE …]

Every photo below FOLDER is colorized as by ``zoo colorize --size`` with each working size (default 64 to 512), without
hints and with 20 squares of 7×7 pixels of its true colours, the same for every size. Prints, over the photos, the mean
ΔE00 and PSNR of the photo at its full size.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import zoo
from zoo.core.color import rgb_to_lab
from zoo.core.photo import read_photo
from zoo.core.photo_files import find_photos
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.studio.hint_picture import Hints

SIZES = (64, 96, 128, 192, 256, 384, 512)
SQUARES, REACH = 20, 3


def lab(rgb: np.ndarray) -> torch.Tensor:
    """uint8 (H, W, 3) → (1, 3, H, W)."""
    return rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])


def squares(rgb: np.ndarray, seed: int) -> Hints:
    """The photo's own colours at a few places."""
    drawn, mask = np.random.default_rng(seed), np.zeros(rgb.shape[:2], bool)
    for y, x in drawn.integers(REACH, np.array(mask.shape) - REACH, (SQUARES, 2)):
        mask[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1] = True
    return lab(rgb)[0, 1:].permute(1, 2, 0).numpy(), mask


@torch.no_grad()
def main(name: str, folder: Path, sizes: list[int]) -> None:
    model = zoo.load(name)
    photos = [read_photo(path) for path in find_photos(folder).photos]
    print("| longer side | ΔE00 | PSNR (dB) | ΔE00, 20 hints | PSNR (dB), 20 hints |\n|---|---|---|---|---|")
    for size in sizes:
        found: list[list[float]] = []
        for number, rgb in enumerate(photos):
            found.append([])
            for hints in (None, squares(rgb, number)):
                made = zoo.colorize(model, rgb, hints=hints, size=size)
                error = ((made.astype(float) - rgb) ** 2).mean() / 255**2
                found[-1] += [float(ciede2000(lab(made), lab(rgb)).mean()), -10 * np.log10(error)]
        print("|".join(["", f" {size} ", *(f" {mean:.2f} " for mean in np.mean(found, axis=0)), ""]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [*map(int, sys.argv[3:])] or list(SIZES))
