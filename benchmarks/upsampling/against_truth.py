"""Which way of bringing chroma up to full size comes nearest the truth.

    python benchmarks/upsampling/against_truth.py FOLDER [LONGER_SIDE …]

The true ab of every photo below FOLDER is reduced to each working size (default 128 and 256), as a colorizer without
fault would give it there, and brought up again by every way that ``zoo colorize --upsampling`` knows. Prints, over the
photos, the mean ΔE00 and PSNR of the joined photo and the time a megapixel takes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from zoo.core.color import rgb_to_lab, split_lab
from zoo.core.photo import read_photo
from zoo.core.photo_files import find_photos
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.studio.colorize import join
from zoo.studio.manner import UPSAMPLINGS


def planes(rgb: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]


@torch.no_grad()
def main(folder: Path, sizes: list[int]) -> None:
    photos = [read_photo(path) for path in find_photos(folder).photos]
    print("| longer side | upsampling | ΔE00 | PSNR (dB) | s / megapixel |\n|---|---|---|---|---|")
    for size in sizes:
        for name in UPSAMPLINGS:
            errors, peaks, seconds = [], [], 0.0
            for rgb in photos:
                height, width = rgb.shape[:2]
                scale = size / max(height, width)
                small = Image.fromarray(rgb).resize((round(width * scale), round(height * scale)), Image.LANCZOS)
                _, ab = split_lab(planes(np.asarray(small)))
                began = time.process_time()
                made = join(rgb, ab, upsampling=name)
                seconds += time.process_time() - began
                errors.append(float(ciede2000(rgb_to_lab(planes(made)), rgb_to_lab(planes(rgb))).mean()))
                peaks.append(-10 * np.log10(((made.astype(float) - rgb) ** 2).mean() / 255**2))
            pixels = sum(rgb.shape[0] * rgb.shape[1] for rgb in photos)
            print(f"| {size} | {name} | {np.mean(errors):.3f} | {np.mean(peaks):.2f} | {seconds / pixels * 1e6:.2f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [*map(int, sys.argv[2:])] or [128, 256])
