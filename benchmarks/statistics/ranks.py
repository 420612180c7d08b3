r"""How often the rank sets of zoo.harness.results.ranks hold the true ranks, and how wide they are.

    python benchmarks/statistics/ranks.py RESULTS [--draws 1000] [--seeds 3] [--photos 41] [--case null] \
        [--models unet,fpn] [--spread 2] [--seed-sd 0.03]

A truth is made from the variance components of published runs (a results folder in which every model has
the same seeds): each model's mean, drawn towards their common mean by as much as it is error; what photos
do to all models and to each (resampled from the photos there are); seed effects that models share and
their own; and the rest. Tables are drawn from it and ranked. Cases:

* ``as-found``: the models' own seed variances moderated, as the zoo estimates them;
* ``unequal``: their seed variances as unequal as the raw estimates are;
* ``null``: all trained models equal, the hardest case: a row is right only if it is told from none of its equals.

``--spread`` multiplies the differences between the trained models' true means: how far apart they would have to be for
places of a wished width. ``resolved`` is half the width of a trained row's interval to the best, the median: a
difference that is told. ``--seed-sd`` is the deviation of a model's mean by its seed, which one seed does not say.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.core.spec import UNTRAINED
from zoo.harness.results.ranks import Family
from zoo.harness.results.seed_effects import seed_effects


@dataclass(frozen=True)
class Truth:
    """``means`` (models,); ``photos`` (models, photos to draw from), centred; standard deviations of the rest."""

    models: list[str]
    random: np.ndarray
    means: np.ndarray
    photos: np.ndarray
    own_seed: np.ndarray
    shared_seed: float
    shared_noise: float
    own_noise: np.ndarray

    def draw(self, rng: np.random.Generator, seeds: int, photos: int) -> np.ndarray:
        """(models, seeds, photos)."""
        pool = self.photos.shape[1]
        photo = self.photos[:, rng.integers(pool, size=photos)] * np.sqrt(pool / (pool - 1))
        models = len(self.models)
        noise = self.shared_noise * rng.standard_normal((seeds, photos))
        noise = noise + self.own_noise[:, None, None] * rng.standard_normal((models, seeds, photos))
        seed = self.own_seed[:, None] * rng.standard_normal((models, seeds)) + self.shared_seed * rng.standard_normal(
            seeds
        )
        moving = self.random[:, None, None] * (seed[:, :, None] + noise)
        return self.means[:, None, None] + photo[:, None, :] + moving


def read_scores(results: Path, metric: str) -> dict[str, np.ndarray]:
    """model → (seeds, images)."""
    tables: dict[str, list[list[float]]] = defaultdict(list)
    for path in sorted(results.glob("runs/*/seed*/scores.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            tables[path.parts[-3]].append([float(row[metric]) for row in csv.DictReader(file)])
    return {model: np.array(table) for model, table in tables.items()}


def placed(results: Path) -> set[str]:
    """The models that have a place in the leaderboard: not those that are told the truth or have no colours."""
    with (results / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
        return {row["model"] for row in csv.DictReader(file) if row["rank"]}


def untrained(results: Path) -> set[str]:
    """The models that have nothing to learn: one seed alone would not tell them from the others."""
    records = results.glob("runs/*/seed*/run.json")
    return {path.parts[-3] for path in records if json.loads(path.read_text("utf-8"))["recipe"] == UNTRAINED}


def truth(scores: dict[str, np.ndarray], fixed: Collection[str] = ()) -> Truth:
    table = np.stack(list(scores.values()))
    _, seeds, images = table.shape
    effects = seed_effects(list(table), [range(seeds)] * len(table), [model in fixed for model in scores])
    random = effects.weights.any(axis=1)
    mean = table.mean(axis=(1, 2))
    of_photos = table.mean(axis=1) - mean[:, None]

    rest = table - table.mean(axis=1, keepdims=True)
    rest -= rest.mean(axis=2, keepdims=True)
    common = rest[random].mean(axis=0)
    freedom = max((seeds - 1) * (images - 1), 1)  # one seed has no rest
    own = np.zeros(len(table))
    own[random] = np.square(rest[random] - common).sum(axis=(1, 2)) / freedom * random.sum() / (random.sum() - 1)
    shared = max(0.0, np.square(common).sum() / freedom - own[random].mean() / random.sum())

    # The photos' effects hold a part of the noise, the means a part of both: shrink them to what is theirs.
    typical = of_photos[random].mean(axis=0)
    interaction = of_photos - typical
    variance = interaction.var(axis=1, ddof=1)
    kept = np.sqrt(np.clip(1 - own / seeds / np.where(variance > 0, variance, 1), 0.05, 1))
    error = (effects.own + variance / images)[random].mean()
    spread = max(1e-4, mean[random].var(ddof=1) - error)
    pulled = mean.copy()
    pulled[random] = mean[random].mean() + np.sqrt(spread / (spread + error)) * (mean[random] - mean[random].mean())
    return Truth(
        models=list(scores),
        random=random,
        means=pulled,
        photos=typical + interaction * kept[:, None],
        own_seed=np.sqrt(effects.own * seeds),
        shared_seed=float(np.sqrt(effects.shared)),
        shared_noise=float(np.sqrt(shared)),
        own_noise=np.sqrt(own),
    )


def unequal(found: Truth, scores: dict[str, np.ndarray]) -> Truth:
    table = np.stack(list(scores.values()))
    raw = table.mean(axis=2).var(axis=1, ddof=1) - found.own_noise**2 / table.shape[2]
    return replace(found, own_seed=np.sqrt(np.maximum(raw, 1e-4)) * found.random)


def equal(found: Truth) -> Truth:
    means = found.means.copy()
    means[found.random] = means[found.random].mean()
    return replace(found, means=means)


def spread_out(found: Truth, factor: float) -> Truth:
    trained = found.means[found.random]
    means = found.means.copy()
    means[found.random] = np.median(trained) + factor * (trained - np.median(trained))
    return replace(found, means=means)


def middle_half(found: Truth) -> float:
    """How far apart the true means of the middle half of the trained models are."""
    low, high = np.percentile(found.means[found.random], (25, 75))
    return float(high - low)


def measure(found: Truth, *, seeds: int, photos: int, draws: int, bootstraps: int, seed: int = 0) -> dict[str, float]:
    """Over the draws: every row right, the rows' share right, the worst row; of trained models the median width, and
    the median difference to the best that is told."""
    rng = np.random.default_rng((seed, seeds, photos))
    above = (found.means[None] > found.means[:, None] + 1e-9).sum(axis=1)
    below = (found.means[None] < found.means[:, None] - 1e-9).sum(axis=1)
    best, worst = 1 + above, len(found.means) - below  # equal means share their places
    held, widths, resolved = [], [], []
    for _ in range(draws):
        table = found.draw(rng, seeds, photos)
        family = Family(dict(zip(found.models, table, strict=True)), bootstraps=bootstraps)
        places = family.standings().values()
        lo, hi = (np.array([getattr(place, key) for place in places]) for key in ("rank_lo", "rank_hi"))
        held.append((lo <= best) & (worst <= hi))
        widths.append(np.median((hi - lo + 1)[found.random]))
        reach = np.array([place.to_best.high - place.to_best.low for place in places]) / 2
        resolved.append(np.median(reach[found.random]))
    right = np.array(held)
    return {
        "every row": float(right.all(axis=1).mean()),
        "a row": float(right.mean()),
        "worst row": float(right.mean(axis=0).min()),
        "median width": float(np.mean(widths)),
        "resolved": float(np.mean(resolved)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--metric", default="psnr")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=41)
    parser.add_argument("--bootstraps", type=int, default=499)
    parser.add_argument("--models", help="of these rows only, separated by commas")
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--seed-sd", type=float)
    parser.add_argument("--case", choices=("as-found", "unequal", "null"), default="as-found")
    given = parser.parse_args()
    ranked = placed(given.results)
    scores = {name: table for name, table in read_scores(given.results, given.metric).items() if name in ranked}
    if given.models:
        scores = {name: scores[name] for name in given.models.split(",")}
    found = truth(scores, untrained(given.results))
    if given.case != "as-found":
        found = equal(found) if given.case == "null" else unequal(found, scores)
    if given.seed_sd is not None:
        found = replace(found, own_seed=found.random * given.seed_sd)
    found = spread_out(found, given.spread)
    told = measure(found, seeds=given.seeds, photos=given.photos, draws=given.draws, bootstraps=given.bootstraps)
    shares = ", ".join(f"{name} {told[name]:.1%}" for name in ("every row", "a row", "worst row"))
    print(
        f"{given.case}, {given.seeds} seeds × {given.photos} photos, {given.draws} draws: right in {shares}; "
        f"median width of trained models {told['median width']:.1f} of {len(found.models)}, "
        f"whose middle half spans {middle_half(found):.3f}; resolved {told['resolved']:.3f}"
    )


if __name__ == "__main__":
    main()
