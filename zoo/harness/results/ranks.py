"""A table of models: where each stands, between which places it might, and how far it is from the best.

All models are scored on the same photos, and seed k gave all of them the same batches; both are paired.
A difference has the variance of its photos and that of the models' seeds
(:mod:`zoo.harness.results.seed_effects`). For each row, its differences to all others are tested together
by a bootstrap of the largest studentised one, step by step down (Romano & Wolf, Econometrica 73, 2005);
the places left to the row are its confidence set in the marginal form of Mogstad, Romano, Shaikh &
Wilhelm (Rev. Econ. Stud. 91, 2024, doi:10.1093/restud/rdad006): right for any one row with the
confidence claimed. The sets are widened to be monotone down the table. What is shown beside the rank, the
interval of the difference to the best, has the same critical value: it holds zero where, and only
where, the row is tied with the best, and that is where its first place is 1.

``benchmarks/statistics/ranks.py`` measures how often the sets hold the true ranks.
Everything here is deterministic: the random draws depend on the numbers of photos and models only.
Ours, since scipy and statsmodels tell pairs apart (Tukey's differences and the like) and give no places.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtr, stdtrit

from zoo.core.process import usable_cores
from zoo.harness.results.seed_effects import SeedEffects, seed_effects
from zoo.harness.results.statistics import (
    CONFIDENCE,
    RESAMPLES,
    Comparison,
    Interval,
    bounds,
    degrees_of_freedom,
    photo_variance,
)

FEW = 10
"""With fewer photos a resample is one photo over and over too often; Student's quantile by Bonferroni then."""

BOOTSTRAPS = 1_999
"""Of the largest studentised difference: its 95th percentile is a draw itself, and repeatable to some 2 %."""

HALVES = 200
_AT_ONCE = 64
"""Draws whose arithmetic is done together."""
_DRAWS_SEED = 20040101


@dataclass(frozen=True)
class Standing:
    """A row's place: by the mean, and the places that cannot be told from it.

    ``to_best`` is the row's mean less that of the first row, in the metric's own unit, with its interval; 0 of no
    width for the first row itself. ``first`` is the probability of being first under other photos and other seeds.
    """

    rank: int
    rank_lo: int
    rank_hi: int
    tied_with_best: bool
    to_best: Comparison
    first: float


class Family:
    """Models scored on the same photos.

    Args:
        scores: model → (seeds, images), the same images in every array, none missing.
        seeds: model → the numbers of its seeds, row by row; 0, 1, … where not said.
        fixed: models with nothing random in them; ones whose seeds agree wholly count as such by themselves.
        higher_is_better: the metric's direction.

    Raises:
        ValueError: no model, different images, a missing score, or not two-dimensional.
    """

    def __init__(
        self,
        scores: Mapping[str, np.ndarray],
        *,
        seeds: Mapping[str, Sequence[int]] | None = None,
        fixed: Collection[str] = (),
        higher_is_better: bool = True,
        confidence: float = CONFIDENCE,
        bootstraps: int = BOOTSTRAPS,
    ):
        self.models = list(scores)
        self.confidence = confidence
        self.bootstraps = bootstraps
        self._sign = 1.0 if higher_is_better else -1.0
        tables = [np.asarray(scores[model], dtype=float) for model in self.models]
        _check(self.models, tables)
        self._index = {model: i for i, model in enumerate(self.models)}
        self._runs = [len(table) for table in tables]
        numbers = [
            (seeds or {}).get(model, range(len(table))) for model, table in zip(self.models, tables, strict=True)
        ]
        self.effects: SeedEffects = seed_effects(tables, numbers, [model in fixed for model in self.models])
        self._photos = np.stack([table.mean(axis=0) for table in tables])

    def interval(self, model: str) -> Interval:
        """The model's mean over seeds and photos, with a bootstrap interval.

        Where nothing in the table tells of seeds, it speaks of that one seed's model only.
        """
        at = self._index[model]
        photos = self._photos[at]
        variance, degrees = self._seed_level(self.effects.weights[at], [at])
        mean = float(photos.mean())
        low, high = bounds(photos, variance, degrees, self.confidence, RESAMPLES)
        return Interval(mean, mean + low, mean + high, self._runs[at], len(photos))

    def compare(self, first: str, second: str, *, confidence: float | None = None) -> Comparison:
        """``first - second``, paired by photo and seed, at the confidence of this one comparison.

        Args:
            confidence: another one than the family's, such as the part of it that each of several comparisons has.
        """
        a, b = self._index[first], self._index[second]
        paired = self._photos[a] - self._photos[b]
        difference = float(paired.mean())
        if a == b:
            return Comparison(0.0, 0.0, 0.0, 1.0)
        variance, degrees = self._seed_level(self.effects.weights[a] - self.effects.weights[b], [a, b])
        low, high = bounds(paired, variance, degrees, confidence or self.confidence, RESAMPLES)
        return Comparison(difference, difference + low, difference + high, _p_value(paired, variance, degrees))

    def standings(self) -> dict[str, Standing]:
        """Every model's place.

        With one photo nothing can be told apart: every place is open to every row, and differences have no interval.
        """
        mean = self._photos.mean(axis=1)
        order = np.argsort(-self._sign * mean, kind="stable")
        models = len(order)
        first = self._first()
        self._draws, self._variance  # noqa: B018  # made once, before several threads ask for them
        with ThreadPoolExecutor(usable_cores()) as pool:
            tests = list(pool.map(self._row, order))
        # [i, j]: the test of the i-th row tells it from the j-th, in the order of the table
        apart = np.stack([rejected[order] for rejected, _ in tests])
        # Monotone down the table, which only adds places: a steady row is not refused a place that a shaky
        # row beneath it is granted.
        tied = _upwards(np.logical_or, ~apart[:, 0])
        lowest = np.where(tied, 1, _upwards(np.minimum, 1 + np.tril(apart).sum(axis=1)))
        highest = np.maximum.accumulate(models - np.triu(apart).sum(axis=1))
        found = {}
        for i, at in enumerate(order):
            to_best = self._to_best(at, order[0], tests[i][1][order[0]])
            if tied[i] and to_best.low * to_best.high > 0:
                to_best = replace(to_best, low=min(to_best.low, 0.0), high=max(to_best.high, 0.0))
            found[self.models[at]] = Standing(
                rank=1 + int((self._sign * mean > self._sign * mean[at]).sum()),
                rank_lo=int(lowest[i]),
                rank_hi=int(highest[i]),
                tied_with_best=bool(tied[i]),
                to_best=to_best,
                first=float(first[at]),
            )
        return {model: found[model] for model in self.models}

    def stability(self) -> float:
        """How alike the orders are that two random halves of the photos give: the mean rank correlation.

        Spearman's ρ over :data:`HALVES` splits; NaN with fewer than two models or four photos.
        """
        models, images = self._photos.shape
        if models < 2 or images < 4:
            return float("nan")
        rng = np.random.default_rng((_DRAWS_SEED, images))
        found = []
        for _ in range(HALVES):
            order = rng.permutation(images)
            halves = [self._photos[:, half].mean(axis=1) for half in (order[: images // 2], order[images // 2 :])]
            found.append(np.corrcoef([_places(half) for half in halves])[0, 1])
        return float(np.mean(found))

    def _seed_level(self, weights: np.ndarray, models: Sequence[int]) -> tuple[float, float]:
        """The seeds' part in the variance of a mean or a difference, and its degrees of freedom."""
        parts = [(self.effects.own[i], self.effects.degrees[i]) for i in models]
        parts.append((self.effects.shared * float(np.square(weights).sum()), self.effects.shared_degrees))
        variance = sum(part for part, _ in parts)
        return variance, (variance / sum(part / degrees for part, degrees in parts) if variance > 0 else 1.0)

    def _to_best(self, at: int, best: int, critical: float) -> Comparison:
        if at == best:
            return Comparison(0.0, 0.0, 0.0, 1.0)
        paired = self._photos[at] - self._photos[best]
        variance, degrees = self._seed_level(self.effects.weights[at] - self.effects.weights[best], [at, best])
        difference = float(paired.mean())
        reach = critical * float(np.sqrt(photo_variance(paired) + variance))
        return Comparison(difference, difference - reach, difference + reach, _p_value(paired, variance, degrees))

    def _row(self, at: int) -> tuple[np.ndarray, np.ndarray]:
        """Which rows differ from this one, and the last critical values; (models,) each."""
        others = np.delete(np.arange(len(self.models)), at)
        images = self._photos.shape[1]
        if not len(others) or images < 2:
            return np.zeros(len(self.models), dtype=bool), np.full(len(self.models), np.nan)
        differences = self._photos[at] - self._photos[others]
        variance = self._variance[at, others] + differences.var(axis=1, ddof=1) / images
        statistic = np.abs(differences.mean(axis=1)) / np.sqrt(np.maximum(variance, 1e-300))
        if images < FEW:
            quantiles = self._students(at, others, differences)
            return np.insert(statistic > quantiles, at, False), np.insert(quantiles, at, np.nan)
        drawn = self._null(at, others, differences)
        ordinal = min(int(np.ceil(self.confidence * (self.bootstraps + 1))) - 1, self.bootstraps - 1)
        rejected = np.zeros(len(others), dtype=bool)
        critical = float("inf")
        while not rejected.all():
            critical = float(np.partition(drawn[:, ~rejected].max(axis=1), ordinal)[ordinal])
            more = ~rejected & (statistic > critical)
            if not more.any():
                break
            rejected |= more
        return np.insert(rejected, at, False), np.full(len(self.models), critical)

    def _null(self, at: int, others: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """(draws, others): the studentised differences under no difference; photos resampled, seeds normal."""
        images = differences.shape[1]
        weights, own, chi, shared, shared_chi = self._draws
        centred = (differences - differences.mean(axis=1, keepdims=True)).astype(np.float32)
        unequal = (self.effects.weights[at] - self.effects.weights[others]).astype(np.float32)
        # in place, in single precision, and in parts that the processor's cache holds: with a thousand models this is
        # the time that a table takes
        drawn: np.ndarray = weights @ centred.T
        variances = weights @ np.square(centred).T
        together, spread = shared @ unequal.T, np.square(unequal).sum(axis=1)
        for start in range(0, self.bootstraps, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            moved, variance = drawn[part], variances[part]
            variance -= np.square(moved)
            np.maximum(variance, 0, out=variance)
            # a resample of n photos spreads by (n - 1)/n of what a new set of n photos would
            variance *= images / (images - 1) ** 2
            variance += chi[part, at, None]
            variance += chi[part][:, others]
            variance += shared_chi[part, None] * spread
            moved *= math.sqrt(images / (images - 1))
            moved += own[part, at, None]
            moved -= own[part][:, others]
            moved += together[part]
            np.abs(moved, out=moved)
            np.sqrt(np.maximum(variance, 1e-30, out=variance), out=variance)
            moved /= variance
        # rows that differ by a constant have no variance, and their draws no meaning but rounding
        drawn[:, self._variance[at, others] + np.square(centred).mean(axis=1) <= 1e-12] = 0.0
        return drawn

    def _students(self, at: int, others: np.ndarray, differences: np.ndarray) -> np.ndarray:
        tail = (1 - self.confidence) / 2 / len(others)
        levels = [
            self._seed_level(self.effects.weights[at] - self.effects.weights[other], [at, other]) for other in others
        ]
        degrees = [degrees_of_freedom(each, *level) for each, level in zip(differences, levels, strict=True)]
        quantiles: np.ndarray = -stdtrit(np.array(degrees), tail)
        return quantiles

    @cached_property
    def _variance(self) -> np.ndarray:
        """(models, models): the seeds' part in the variance of a difference."""
        unequal = np.square(self.effects.weights[:, None] - self.effects.weights[None]).sum(axis=2)
        own = self.effects.own
        variances: np.ndarray = own[:, None] + own[None] + self.effects.shared * unequal
        return variances

    @cached_property
    def _draws(self) -> tuple[np.ndarray, ...]:
        """One set of draws for all rows: photos' weights, seed effects and their estimated variances."""
        models, images = self._photos.shape
        effects = self.effects
        rng = np.random.default_rng((_DRAWS_SEED, images, models))
        weights = (rng.multinomial(images, np.full(images, 1 / images), size=self.bootstraps) / images).astype(
            np.float32
        )
        own = rng.standard_normal((self.bootstraps, models)) * np.sqrt(effects.own)
        chi = effects.own * rng.chisquare(np.tile(effects.degrees, (self.bootstraps, 1))) / effects.degrees
        shared = rng.standard_normal((self.bootstraps, effects.weights.shape[1])) * np.sqrt(effects.shared)
        shared_chi = effects.shared * rng.chisquare(effects.shared_degrees, self.bootstraps) / effects.shared_degrees
        return weights, *(each.astype(np.float32) for each in (own, chi, shared, shared_chi))

    def _first(self) -> np.ndarray:
        """(models,): how often each is first in the draws; ties share."""
        weights, own, _, shared, _ = self._draws
        images = self._photos.shape[1]
        mean = self._photos.mean(axis=1)
        scale = np.sqrt(images / max(images - 1, 1))
        drawn = mean + (weights @ (self._photos - mean[:, None]).T) * scale + own + shared @ self.effects.weights.T
        ahead = self._sign * drawn
        leads = ahead == ahead.max(axis=1, keepdims=True)
        shares: np.ndarray = (leads / leads.sum(axis=1, keepdims=True)).mean(axis=0)
        return shares


def _check(models: Sequence[str], tables: Sequence[np.ndarray]) -> None:
    if not tables:
        raise ValueError("there is no model to rank")
    for model, table in zip(models, tables, strict=True):
        if table.ndim != 2 or not table.size:
            raise ValueError(f"scores must be (seeds, images), not {table.shape} ({model})")
        if table.shape[1] != tables[0].shape[1]:
            raise ValueError(f"scores of different images: {tables[0].shape} ({models[0]}) and {table.shape} ({model})")
        if not np.isfinite(table).all():
            raise ValueError(f"a score of {model} is missing or not finite")


def _p_value(per_image: np.ndarray, seeds: float, degrees: float) -> float:
    """Two-sided, Student's, for the same variance and degrees of freedom as the interval."""
    difference = float(per_image.mean())
    variance = photo_variance(per_image) + seeds
    if np.isnan(variance):
        return float("nan")
    if variance <= 0:
        return 1.0 if difference == 0 else 0.0
    t = abs(difference) / np.sqrt(variance)
    return float(2 * stdtr(degrees_of_freedom(per_image, seeds, degrees), -t))


def _upwards(accumulate: np.ufunc, values: np.ndarray) -> np.ndarray:
    """Accumulated from the last to the first."""
    return accumulate.accumulate(values[::-1])[::-1]


def _places(values: np.ndarray) -> np.ndarray:
    places = np.empty(len(values))
    places[np.argsort(values)] = np.arange(len(values))
    return places
