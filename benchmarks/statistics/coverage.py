"""How often the 95 % intervals of zoo.harness.results.statistics cover a known truth.

    python benchmarks/statistics/coverage.py [--draws 1000]

Scores are simulated as ``truth + seed effect + photo effect + rest``. The photo effect is as skewed
as wished (a centred gamma distribution), in decibels like PSNR: a standard deviation of 4 between
photos, 0.5 for the rest. With one seed the truth is that seed's own mean over all photos.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np

from zoo.harness.results.ranks import Family
from zoo.harness.results.statistics import interval

PHOTO_SD, REST_SD = 4.0, 0.5
SEED_SDS = (0.0, 0.1, 0.3, 1.0)

Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal_photos(rng: np.random.Generator, images: int) -> np.ndarray:
    return rng.normal(scale=PHOTO_SD, size=images)


def skewed_photos(rng: np.random.Generator, images: int) -> np.ndarray:
    """A gamma distribution of skewness 1, centred."""
    return (rng.gamma(4.0, size=images) - 4.0) / 2.0 * PHOTO_SD


def scores(rng: np.random.Generator, seeds: int, photos: np.ndarray, seed_sd: float) -> tuple[np.ndarray, float]:
    """(seeds, images) about a truth of 0, and the mean that one seed's model has over all photos."""
    seed_effect = rng.normal(scale=seed_sd, size=(seeds, 1)) if seed_sd else np.zeros((seeds, 1))
    rest = rng.normal(scale=REST_SD, size=(seeds, len(photos)))
    return seed_effect + photos + rest, float(seed_effect[0, 0])


def coverage(seeds: int, images: int, seed_sd: float, photos: Draw, draws: int, seed: int = 0) -> float:
    """The share of ``draws`` intervals that hold the truth."""
    rng = np.random.default_rng((seed, seeds, images, round(1000 * seed_sd)))
    held = 0
    for _ in range(draws):
        table, own = scores(rng, seeds, photos(rng, images), seed_sd)
        found = interval(table)
        held += found.low <= (own if seeds == 1 else 0.0) <= found.high
    return held / draws


def false_alarms(seeds: int, images: int, seed_sd: float, draws: int, seed: int = 0) -> float:
    """The share of comparisons of two equal models with p < 0.05."""
    rng = np.random.default_rng((seed, seeds, images, round(1000 * seed_sd)))
    alarms = 0
    for _ in range(draws):
        photos = normal_photos(rng, images)
        first, own = scores(rng, seeds, photos, seed_sd)
        second, other = scores(rng, seeds, photos, seed_sd)
        if seeds == 1:
            first, second = first - own, second - other
        alarms += Family({"first": first, "second": second}).compare("first", "second").p_value < 0.05
    return alarms / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print(f"{draws} draws a cell; coverage of the 95 % interval (normal photos, skewed photos), false alarms at 5 %")
    print("seeds  images  seed sd  normal  skewed  alarms")
    for seeds, images, seed_sd in product((1, 3, 5), (40, 200, 965), SEED_SDS):
        covered = [coverage(seeds, images, seed_sd, photos, draws) for photos in (normal_photos, skewed_photos)]
        alarms = false_alarms(seeds, images, seed_sd, draws)
        print(
            f"{seeds:5d}  {images:6d}  {seed_sd:7.1f}  {covered[0]:6.1%}  {covered[1]:6.1%}  {alarms:6.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
