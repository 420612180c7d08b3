"""What the choice of seeds adds to the variance of models' means, learnt from all models together.

Two or three seeds tell little about one model's spread, a table of fifty models tells much about the
spread that is usual. So each model's own estimate is *moderated*: drawn towards the common one, by as
much as the models' estimates differ less than chance alone would make them (empirical Bayes; Smyth,
Stat. Appl. Genet. Mol. Biol. 3(1), 2004, section 6.2: prior scale and degrees of freedom by the moments
of log variances).

Seed k gives every model the same batches and the same hints, so what a seed does to all models alike
is no difference between them: it is estimated apart (the additive model ``mean + seed + rest``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

_NOTHING = 1e-12
"""Of a variance, beside the scores' own: the runs of a method without randomness are equal up to rounding."""


@dataclass(frozen=True)
class SeedEffects:
    """Seed variance of ``models`` means.

    Attributes:
        own: (models,) variance of a model's mean by its own seeds, 0 for a method without randomness.
        degrees: (models,) degrees of freedom of ``own``; positive.
        shared: the variance of what one seed adds to every model.
        shared_degrees: its degrees of freedom; positive.
        weights: (models, seeds) the part each seed has in a model's mean; rows of zeros without randomness.
        borrowed: (models,) whether a model has one seed only and ``own`` is what is usual in the table.
        known: whether anything in the table tells of seeds; else ``own`` is 0 throughout.
    """

    own: np.ndarray
    degrees: np.ndarray
    shared: float
    shared_degrees: float
    weights: np.ndarray
    borrowed: np.ndarray
    known: bool


def seed_effects(tables: Sequence[np.ndarray], seeds: Sequence[Sequence[int]], fixed: Sequence[bool]) -> SeedEffects:
    """Estimate the seed level of a table of models.

    Args:
        tables: a model's scores each, (its seeds, images), complete and of the same images.
        seeds: the seeds' numbers; equal numbers were given the same batches.
        fixed: methods without anything random; one whose seeds agree wholly counts as such by itself.
    """
    models, images = len(tables), tables[0].shape[1]
    names = sorted({seed for own in seeds for seed in own})
    random = np.array([not still and not _agree(table) for table, still in zip(tables, fixed, strict=True)])
    runs = np.array([len(table) for table in tables])
    weights = np.zeros((models, len(names)))
    for model in np.flatnonzero(random).tolist():
        weights[model, [names.index(seed) for seed in seeds[model]]] = 1 / runs[model]
    repeated = np.flatnonzero(random & (runs > 1)).tolist()
    none = np.zeros(models)
    if not repeated or images < 2:
        return SeedEffects(none, none + 1, 0.0, 1.0, weights, np.zeros(models, bool), known=False)

    seed_means = np.full((models, len(names)), np.nan)
    for model in repeated:
        seed_means[model, weights[model] > 0] = tables[model].mean(axis=1)
    fit = _Additive.of(seed_means[repeated])
    variance, degrees = moderated(fit.variance, fit.degrees)
    own, freedom = np.zeros(models), np.ones(models)
    own[repeated], freedom[repeated] = variance, degrees
    usual, usual_degrees = moderated(np.append(fit.variance, 0.0), np.append(fit.degrees, 0.0))
    single = random & (runs == 1)
    own[single], freedom[single] = usual[-1], usual_degrees[-1]

    # The seeds of a model also differ because each meets the photos a little differently; that noise
    # is in the photos' level already, and is taken off.
    noise = np.zeros(models)
    noise[repeated] = _own_noise([tables[model] for model in repeated], weights[repeated] > 0)
    noise[single] = noise[repeated].mean()
    own = np.where(random, np.maximum(0.0, own - noise / images) / runs, 0.0)
    return SeedEffects(
        own,
        np.maximum(freedom, 1e-3),
        fit.shared(own[repeated] * runs[repeated]),
        fit.shared_degrees,
        weights,
        single,
        True,
    )


def moderated(variances: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances drawn towards their common scale, and the degrees of freedom they then have.

    ``(d0 s0² + d s²) / (d0 + d)`` with ``d0 + d`` degrees, at most those of all together; a variance of
    no degrees of freedom becomes the scale itself.

    Args:
        variances, degrees: (models,) each.

    Source: Smyth 2004, equations of section 6.2, for unequal degrees of freedom as in limma's ``fitFDist``.
    """
    variances, degrees = np.asarray(variances, float), np.asarray(degrees, float)
    told = degrees > 1e-6
    scale, prior = _prior(variances[told], degrees[told])
    total = degrees[told].sum()
    if np.isinf(prior):
        return np.full(variances.shape, scale), np.full(variances.shape, total)
    drawn = np.where(told, (prior * scale + degrees * np.where(told, variances, 0.0)) / (prior + degrees), scale)
    return drawn, np.minimum(prior + degrees, total)


def _prior(variances: np.ndarray, degrees: np.ndarray) -> tuple[float, float]:
    """The scale s0² and the degrees of freedom d0 of ``s² ~ s0² F(d, d0)``, by the moments of log s²."""
    if len(variances) == 1:
        return float(variances[0]), float(degrees[0])
    floor = 1e-5 * np.median(variances)
    if not floor > 0:
        return float(np.average(variances, weights=degrees)), float("inf")
    logs = np.log(np.maximum(variances, floor)) - digamma(degrees / 2) + np.log(degrees / 2)
    excess = logs.var(ddof=1) - polygamma(1, degrees / 2).mean()
    if excess <= 0:  # no more unequal than chance makes them: one variance, pooled
        return float(np.average(variances, weights=degrees)), float("inf")
    prior = 2 * _inverse_trigamma(excess)
    return float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))), prior


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1/trigamma, which is convex and nearly straight (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = polygamma(1, x)
        step = trigamma * (1 - trigamma / value) / polygamma(2, x)
        x += step
        if -step / x < 1e-10:
            break
    return float(x)


@dataclass(frozen=True)
class _Additive:
    """``model + seed`` fitted to the seeds' means by least squares; what is left is the models' own.

    ``variance`` and ``degrees`` are the models', of one seed's mean. ``spread`` is the variance of the
    seeds' effects, ``spread_by_own`` the part of it that the models' own seed variance explains, for a
    variance of 1.
    """

    variance: np.ndarray
    degrees: np.ndarray
    spread: float
    spread_by_own: float
    shared_degrees: float

    @classmethod
    def of(cls, means: np.ndarray) -> _Additive:
        """(models, seeds), NaN where a model has no such seed; two seeds a model at least."""
        there = ~np.isnan(means)
        runs = there.sum(axis=1)
        centred = np.where(there, means - np.nanmean(means, axis=1, keepdims=True), 0.0)
        # the indicators of a model's seeds, less their mean over its runs
        normal = np.diag(there.sum(axis=0).astype(float)) - (there / runs[:, None]).T @ there.astype(float)
        inverse = np.linalg.pinv(normal, hermitian=True)
        effect = inverse @ centred.sum(axis=0)
        effect -= effect[there.any(axis=0)].mean()
        used = np.zeros(len(means))
        rest = np.zeros_like(means)
        for model, seeds in enumerate(there):
            at = np.flatnonzero(seeds)
            indicator = np.zeros((len(at), means.shape[1]))
            indicator[np.arange(len(at)), at] = 1
            indicator[:, at] -= 1 / len(at)
            used[model] = np.trace(indicator @ inverse @ indicator.T)
            rest[model, at] = centred[model, at] - indicator @ effect
        degrees = runs - 1 - used
        if degrees.sum() < 0.5:  # one model, or none that share a seed: nothing to tell the two apart by
            degrees = runs - 1.0
            return cls(np.square(centred).sum(axis=1) / degrees, degrees, 0.0, 0.0, 1.0)
        degrees[degrees < 1e-6] = 0.0
        squares = np.square(rest).sum(axis=1)
        variance = np.divide(squares, degrees, out=np.zeros(len(means)), where=degrees > 0)
        count = int(there.any(axis=0).sum())
        return cls(variance, degrees, float(effect.var(ddof=1)), float(np.trace(inverse) / (count - 1)), count - 1.0)

    def shared(self, own: np.ndarray) -> float:
        """The variance of the seeds' effects beyond what the models' own spread (models,) puts into them."""
        return max(0.0, self.spread - self.spread_by_own * float(own.mean()))


def _own_noise(tables: Sequence[np.ndarray], there: np.ndarray) -> np.ndarray:
    """(models,) the variance of what is neither the seed's nor the photo's, without what models share of it."""
    images = tables[0].shape[1]
    rest = np.zeros((len(tables), there.shape[1], images))
    for model, table in enumerate(tables):
        rest[model, there[model]] = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    holders = there.sum(axis=0)
    common = rest.sum(axis=0) / np.maximum(holders, 1)[:, None]
    own = np.where(there[:, :, None], rest - common, 0.0)
    factor = np.where(holders > 1, holders / np.maximum(holders - 1, 1), 0.0)
    squares = (np.square(own).sum(axis=2) * factor).sum(axis=1)
    alone = (np.square(rest).sum(axis=2) * (holders == 1)).sum(axis=1)
    variances: np.ndarray = (squares + alone) / ((there.sum(axis=1) - 1) * (images - 1))
    return variances


def _agree(table: np.ndarray) -> bool:
    """Whether seeds, two at least, gave the same scores."""
    return len(table) > 1 and float(np.ptp(table, axis=0).max()) <= _NOTHING * max(1.0, float(np.abs(table).max()))
