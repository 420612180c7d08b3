"""How quality rises with hints: one colorizer, the same photos, more and more of the saved hints."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from zoo.core.contracts import Metric
from zoo.core.errors import Stopped
from zoo.harness.data.batches import Evaluation
from zoo.harness.metrics.exact import mean_of_all
from zoo.harness.plan.saved_hints import SavedHints
from zoo.harness.plan.suite import HintSweep
from zoo.harness.results.run_record import HintLevel
from zoo.harness.results.store import SweepScore
from zoo.harness.scoring.scores import colorized, hint_error

PIXELS_A_BATCH = 2**19
"""128 photos of 64 px, 8 of 256: cheap models are not held up by many small batches."""


@torch.no_grad()
def score_sweeps(
    colorizer: nn.Module,
    photos: Iterable[Evaluation],
    sweeps: dict[str, tuple[HintSweep, SavedHints]],
    psnr: Metric,
    *,
    size: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[SweepScore]:
    """Score a colorizer at every level of every sweep.

    Args:
        photos: the sweeps' photos in their order; the hints they come with are not used.
        sweeps: by name, with the hints that were saved for these photos.
        psnr: the registered metric of that name.
        stop: asked before each level.

    Raises:
        Stopped: ``stop()`` said so.
    """
    colorizer.eval()
    batches = list(photos)
    found: list[SweepScore] = []
    # As in scoring: a colorizer that draws random numbers must not shift anything else.
    with torch.random.fork_rng(devices=[]):
        for name, (sweep, hints) in sweeps.items():
            for place, level in enumerate(sweep.levels):
                if stop():
                    raise Stopped("stopped; the same command goes on from its checkpoint")
                first, last = (0, int(level)) if sweep.counts else (place, place + 1)
                planes = hints.planes(first, last, size)
                for batch in batches:
                    found += _score_level(colorizer, batch, planes, psnr, name, level)
    return found


def _score_level(
    colorizer: nn.Module, photos: Evaluation, planes: tuple[Tensor, Tensor], psnr: Metric, name: str, level: float
) -> list[SweepScore]:
    these = slice(photos.indices.start, photos.indices.stop)
    ab, mask = (plane[these].to(photos.rgb.device) for plane in planes)
    prediction = colorized(colorizer, dataclasses.replace(photos.batch, hint_ab=ab, hint_mask=mask))
    quality = psnr.per_image(prediction, photos.rgb).double().cpu().tolist()
    none_given = float("nan")
    adherence = (
        hint_error(prediction, photos.rgb, mask).double().cpu().tolist()
        if level > 0
        else [none_given] * len(photos.names)
    )
    return [SweepScore(name, level, *row) for row in zip(photos.names, quality, adherence, strict=True)]


def level_means(scores: Sequence[SweepScore]) -> list[HintLevel]:
    """One a level."""
    groups: dict[tuple[str, float], list[SweepScore]] = {}
    for score in scores:
        groups.setdefault((score.sweep, score.level), []).append(score)
    return [
        HintLevel(
            sweep,
            level,
            len(group),
            _mean("psnr", [score.psnr for score in group]),
            _mean("hint_error", [score.hint_error for score in group]),
        )
        for (sweep, level), group in groups.items()
    ]


def _mean(metric: str, values: Sequence[float]) -> float | None:
    mean = mean_of_all(metric, values).value
    return None if mean is None else round(mean, 6)
