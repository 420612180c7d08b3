"""What a handful of seeds and a set of photos can say of one mean: its interval.

A score is ``mean + seed effect + photo effect + rest``: every seed of a model is scored on the
same photos, so both effects are crossed. The question asked is about the *population* of seeds and
photos, and the two levels are treated as their numbers allow:

* Photos are many. They are resampled, and the skew of their scores shapes the interval.
* Seeds are few. Three values cannot be resampled (that interval covers 76-95 % instead of 95), so
  the seed level of the bootstrap is drawn from a normal distribution of its estimated variance, and
  the whole is widened from the normal to Student's quantile with the degrees of freedom of
  :func:`degrees_of_freedom`.

A table of models knows more of its seeds than one of them does: :mod:`zoo.harness.results.ranks`.
``benchmarks/statistics/coverage.py`` measures how often the intervals cover a known truth.
Everything here is deterministic: the random draws depend on the number of photos only.
Not ``scipy.stats.bootstrap``: it resamples one level, and here two are crossed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtrit

RESAMPLES = 10_000
CONFIDENCE = 0.95
_DRAWS_SEED = 20030313
_CACHED_WEIGHTS = 25_000_000


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval (NaN where one photo leaves nothing to estimate it from).

    ``seeds`` is 1 where the interval speaks of that one seed's model only.
    """

    mean: float
    low: float
    high: float
    seeds: int
    images: int


@dataclass(frozen=True)
class Comparison:
    """``first - second``, its confidence interval, and the two-sided p-value of no difference."""

    difference: float
    low: float
    high: float
    p_value: float


def written(low: float, high: float, decimals: int) -> tuple[float, float]:
    """The ends of an interval of a difference, as they are written: one that does not hold 0 is not rounded onto it.

    What is told from 0 would else be read as tied.
    """
    least = 10.0**-decimals
    if low > 0:
        return max(low, least), max(high, least)
    return (min(low, -least), min(high, -least)) if high < 0 else (low, high)


def interval(scores: np.ndarray, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES) -> Interval:
    """The mean score of a model over seeds and photos, with a hierarchical bootstrap interval.

    Args:
        scores: (seeds, images), the same images in every row; images with a NaN are left out.

    Raises:
        ValueError: not two-dimensional, or no image left.
    """
    scores = _complete(scores)
    mean = float(scores.mean())
    low, high = bounds(scores.mean(axis=0), *_seed_level(scores), confidence, resamples)
    return Interval(mean, mean + low, mean + high, *scores.shape)


def photo_variance(per_image: np.ndarray) -> float:
    """Of the mean of (images,), by the choice of photos; NaN for one photo."""
    return float(per_image.var(ddof=1)) / len(per_image) if len(per_image) > 1 else float("nan")


def degrees_of_freedom(per_image: np.ndarray, seeds: float, degrees: float) -> float:
    """Of the sum of both levels' variances: ``1/ν = Σ (V_k / V) / ν_k``.

    Satterthwaite's formula squares the shares. With two degrees of freedom beside hundreds it is too
    trusting (92 % where 95 are claimed, three seeds); Cochran's weighting of the quantiles is too
    wary (97.2 %). The plain share lies between the two: 94-96.5 % with three seeds or more,
    90-96.5 % with two.

    Args:
        per_image: (images,) the mean over seeds, or a difference of two.
        seeds, degrees: what the choice of seeds adds to the variance of the mean, and its degrees of freedom.
    """
    photos = photo_variance(per_image)
    total = photos + seeds
    if not total > 0:
        return float(len(per_image) - 1)
    return total / (photos / (len(per_image) - 1) + seeds / degrees)


def bounds(
    per_image: np.ndarray, seeds: float, degrees: float, confidence: float, resamples: int
) -> tuple[float, float]:
    """How far below and above the mean the interval reaches; NaN for one photo.

    Args:
        per_image, seeds, degrees: as for :func:`degrees_of_freedom`.
    """
    images = len(per_image)
    if images == 1:
        return float("nan"), float("nan")
    centred = per_image - per_image.mean()
    # A resample of n photos spreads by (n - 1)/n of what a new set of n photos would.
    draws = _resampled_means(centred, resamples) * np.sqrt(images / (images - 1))
    draws += np.sqrt(seeds) * _normal_draws(resamples)
    tail = (1 - confidence) / 2
    widened = stdtrit(degrees_of_freedom(per_image, seeds, degrees), tail) / ndtri(tail)
    low, high = np.quantile(draws, (tail, 1 - tail)) * widened
    return float(low), float(high)


def _complete(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2:
        raise ValueError(f"scores must be (seeds, images), not {scores.shape}")
    scores = scores[:, ~np.isnan(scores).any(axis=0)]
    if scores.size == 0:
        raise ValueError("there is no image that every seed has a score for")
    return scores


def _seed_level(scores: np.ndarray) -> tuple[float, float]:
    """σ²_seed / seeds by the analysis of variance, and its degrees of freedom.

    Seed means also differ because each seed meets the photos a little differently; that noise is in
    the photo level already and is taken off.
    """
    seeds, images = scores.shape
    if seeds == 1 or images == 1:
        return 0.0, 1.0
    of_seeds = scores.mean(axis=1, keepdims=True)
    rest = scores - of_seeds - scores.mean(axis=0) + scores.mean()
    noise = np.square(rest).sum() / ((seeds - 1) * (images - 1) * images * seeds)
    return max(0.0, float(of_seeds.var(ddof=1) / seeds - noise)), seeds - 1.0


@lru_cache(maxsize=4)
def _normal_draws(resamples: int) -> np.ndarray:
    return np.random.default_rng((_DRAWS_SEED, 0)).standard_normal(resamples)


def _resampled_means(values: np.ndarray, resamples: int) -> np.ndarray:
    """(images,) → (resamples,): means of as many photos drawn with replacement."""
    fits = len(values) * resamples <= _CACHED_WEIGHTS
    counts = _kept_counts(len(values), resamples) if fits else _counts(len(values), resamples)
    return np.concatenate([block @ values for block in counts]) / len(values)


@lru_cache(maxsize=4)
def _kept_counts(images: int, resamples: int) -> tuple[np.ndarray, ...]:
    """One set of draws for all models and metrics of a suite."""
    return tuple(_counts(images, resamples))


def _counts(images: int, resamples: int, block: int = 500) -> Iterator[np.ndarray]:
    """How often each photo is drawn, in blocks of rows: float32 (≤ block, images)."""
    rng = np.random.default_rng((_DRAWS_SEED, images))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(images, size=(rows, images)) + np.arange(rows)[:, None] * images
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float32)
