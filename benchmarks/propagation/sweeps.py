"""How well colours spread from hints without any training, at every level of the suites' hint sweeps.

    python benchmarks/propagation/sweeps.py --out FILE.csv [--data folder:PHOTOS --size 256] [--photos 60]

Every photo is coloured by every model without a network, on one thread, under the sweeps' hints, which are drawn by
the photo's name (nested draws they are not). The CSV has, per model and level, the mean PSNR, the paired difference to
huang2005 with its 95 % interval over photos, and the median seconds a photo. Its first lines, which begin with #,
say the protocol. With --seconds it stops before the photo that would begin later.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from zoo.core.assemble import assemble, make
from zoo.core.color import join_lab, to_uint8
from zoo.core.files import csv_text
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import evaluation_batches
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.results.ranks import Family

AGAINST = "huang2005"
COUNTS = (1, 2, 5, 10, 20, 50, 100, 200)
LEVELS: dict[tuple[str, float], dict[str, Any]] = {
    **{("points6", n): {"name": "points", "sizes": 6, "positions": "gaussian", "count": n} for n in COUNTS},
    **{("points2", n): {"name": "points", "sizes": 2, "positions": "uniform", "count": n} for n in COUNTS},
    **{("pixels", share): {"name": "pixels", "densities": [share]} for share in (0.005, 0.01, 0.05)},
}
COLUMNS = ("model", "sweep", "level", "photos", "psnr", "less_huang2005", "low", "high", "seconds")


def models() -> list[str]:
    """All models that are a propagator alone, and gray."""
    alone = [name for name in current().names("models") if set(resolve(name).parts) == {"propagator"}]
    return ["gray", *alone]


@torch.no_grad()
def measure(bank: PhotoBank, size: int, levels: list[tuple[str, float]], seconds: float) -> Iterator[dict[str, Any]]:
    """Rows of one photo, model and level."""
    psnr = make("metrics", "psnr")
    colorizers = {name: assemble(resolve(name)).eval() for name in models()}
    hints = {level: make("hints", LEVELS[level]) for level in levels}
    for colorizer in colorizers.values():  # the first call of each allocates and plans what the others find ready
        colorizer(torch.rand(1, 4, size, size).round())
    began = time.monotonic()
    for at in range(len(bank)):
        if time.monotonic() - began > seconds:
            return
        for level, (name, colorizer) in itertools.product(levels, colorizers.items()):
            (photo,) = evaluation_batches(
                bank.take([at]), size=size, batch_size=1, device="cpu", hint_seed=0, hint_sampler=hints[level]
            )
            start = time.perf_counter()
            ab = colorizer(photo.batch.condition)["ab"]
            took = time.perf_counter() - start
            score = float(psnr.per_image(to_uint8(join_lab(photo.batch.lightness, ab)), photo.rgb))
            yield {"model": name, "level": level, "psnr": score, "seconds": took}


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    scores, took = defaultdict(list), defaultdict(list)
    for row in rows:
        scores[row["level"], row["model"]].append(row["psnr"])
        took[row["level"], row["model"]].append(row["seconds"])
    found = []
    for level in sorted({level for level, _ in scores}, key=list(LEVELS).index):
        table = {model: np.array([values]) for (at, model), values in scores.items() if at == level}
        family = Family(table, fixed=list(table))
        for model in table:
            less = family.compare(model, AGAINST)
            found.append(
                {
                    "model": model,
                    "sweep": level[0],
                    "level": f"{level[1]:g}",
                    "photos": table[model].size,
                    "psnr": f"{table[model].mean():.3f}",
                    "less_huang2005": f"{less.difference:.3f}",
                    "low": f"{less.low:.3f}",
                    "high": f"{less.high:.3f}",
                    "seconds": f"{statistics.median(took[level, model]):.4f}",
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", default="photos")
    parser.add_argument("--called", default="the embedded test photos", help="what the header calls the photos")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--counts", type=int, nargs="*", default=list(COUNTS))
    parser.add_argument("--sweeps", nargs="*", default=["points6", "points2", "pixels"])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    suite = msgspec.structs.replace(load_suite("quick"), size=arguments.size, load_size=None)
    if arguments.data != "photos":
        suite = msgspec.structs.replace(suite, test_data=arguments.data)
    photos = open_photos(msgspec.structs.replace(suite, test_limit=arguments.photos))
    levels = [
        (sweep, level)
        for sweep, level in LEVELS
        if sweep in arguments.sweeps and (sweep == "pixels" or level in arguments.counts)
    ]
    rows = list(measure(photos.test, arguments.size, levels, arguments.seconds))
    header = (
        f"# {datetime.date.today()}: {arguments.called} at {arguments.size} px, cut from the middle; "
        "8-bit RGB, PSNR in dB, mean over photos\n"
        "# hints by the photo's name, seed 0; points6: 6x6 patches, gaussian places; points2: 2x2 patches, anywhere; "
        "pixels: the share of pixels\n"
        f"# less_huang2005: paired difference, low and high its 95 % interval over photos; seconds: median a photo, "
        f"one thread, CPU, torch {torch.__version__}\n"
    )
    arguments.out.write_text(header + csv_text(COLUMNS, summary(rows)), encoding="utf-8")


if __name__ == "__main__":
    main()
