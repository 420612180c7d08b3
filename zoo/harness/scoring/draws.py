"""Several answers to one photo: how far a sampler's colorizations lie apart, and how good the best is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import torch
from torch import Tensor

from zoo.core.color import rgb_to_lab
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Metric
from zoo.harness.data.evaluation import Evaluation
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.harness.metrics.exact import exact_float32
from zoo.harness.scoring.scores import as_pictures

K = 8
"""Draws a photo, as many as Deshpande et al. 2017 (arXiv:1612.01958) show."""


class DrawScores(msgspec.Struct):
    """Per metric and photo the mean over the draws and the best of them; per photo how far the draws lie apart."""

    mean: dict[str, list[float]]
    best: dict[str, list[float]]
    diversity: list[float]


@torch.no_grad()
def score_draws(
    colorizer: Colorizer,
    photos: Iterable[Evaluation],
    metrics: Sequence[Metric],
    generator: torch.Generator,
    *,
    k: int = K,
) -> DrawScores:
    """Score ``k`` draws of every photo, each rounded to uint8 like any prediction.

    Diversity is the mean CIEDE2000 between one draw and the next. The draws are independent, so that is an
    unbiased estimate of the mean over all pairs.

    Raises:
        Diverged: a draw that is not finite.
    """
    colorizer.eval()
    scores = DrawScores({m.name: [] for m in metrics}, {m.name: [] for m in metrics}, [])
    with torch.random.fork_rng(devices=[]):
        for evaluation in photos:
            batch = evaluation.batch
            draws = colorizer.sample(batch.condition, k, generator, batch.extras)
            pictures = [as_pictures(batch, ab) for ab in draws.unbind(1)]
            for metric in metrics:
                each = torch.stack(
                    [metric.per_image(picture.clone(), evaluation.rgb.clone()).double() for picture in pictures]
                )
                best = each.amax(0) if metric.higher_is_better else each.amin(0)
                scores.mean[metric.name] += each.mean(0).cpu().tolist()
                scores.best[metric.name] += best.cpu().tolist()
            scores.diversity += _apart(pictures).cpu().tolist()
    return scores


def _apart(pictures: Sequence[Tensor]) -> Tensor:
    """(N,) mean CIEDE2000 between successive pictures, uint8 (N, 3, H, W) each."""
    with exact_float32(pictures[0].device):
        lab = [rgb_to_lab(picture) for picture in pictures]
        return torch.stack([ciede2000(*pair).flatten(1).mean(1) for pair in pairwise(lab)]).mean(0)
