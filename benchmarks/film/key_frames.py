"""How near to the truth colours stay that were carried from key frames.

    python benchmarks/film/key_frames.py FILM [MODEL]

A film in colour is coloured anew from its own lightness and every 10th, 20th and 40th of its frames as a key frame, the
first in the middle of the first such stretch; printed is the mean ΔE00 to the truth, by how far the nearest is away.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from zoo.core.color import rgb_to_lab
from zoo.core.film import opened
from zoo.core.trained import load
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.studio.film import FilmWish, FilmWork

FAR = (0, 2, 5, 10, 20, 40)


def error(one: np.ndarray, other: np.ndarray) -> float:
    labs = (rgb_to_lab(torch.from_numpy(each.copy()).permute(2, 0, 1)[None]) for each in (one, other))
    return float(ciede2000(*labs).mean())


def main(path: Path, model: str) -> None:
    with opened(path) as film:
        truth = [frame.rgb for frame in film.frames()]
    grey = [np.asarray(Image.fromarray(rgb).convert("L").convert("RGB")) for rgb in truth]
    print(f"without colour: {np.mean([error(*pair) for pair in zip(grey, truth, strict=True)]):.2f}\n")
    print("| key frames | " + " | ".join(f"{a}-{b - 1} away" for a, b in itertools.pairwise(FAR)) + " |")
    print("|---|" + "---|" * (len(FAR) - 1))
    for every in (10, 20, 40):
        keys = range(every // 2, len(truth), every)
        with tempfile.TemporaryDirectory() as place:
            for number in keys:
                Image.fromarray(truth[number]).save(Path(place) / f"{number}.png")
            result = Path(place) / "made.mkv"
            work = FilmWork(path, result, FilmWish(name=model, key_frames=Path(place)), load(model))
            for _ in work.frames():
                pass
            with opened(result) as film:
                made = [frame.rgb for frame in film.frames()]
        errors: dict[int, list[float]] = {}
        for number, pair in enumerate(zip(made, truth, strict=True)):
            away = min(abs(number - key) for key in keys)
            errors.setdefault(next(far for far in reversed(FAR) if far <= away), []).append(error(*pair))
        cells = " | ".join(f"{np.mean(errors[far]):.2f}" if far in errors else "" for far in FAR[:-1])
        print(f"| every {every}th | {cells} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "pyramid")
