"""Scoring a colorizer: its photos colorized, rounded to uint8, and measured one by one.

Of a sampler several answers are drawn: how far they lie apart, and how good the best is. A sweep gives more and more
of the saved hints. Adherence is whether the colour at a hinted pixel stays what the user said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.color import join_lab, rgb_to_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Metric
from zoo.core.errors import BadInput, ContractError, Diverged, Stopped, Unavailable, bounded
from zoo.harness.data.batches import Evaluation
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.harness.metrics.exact import exact_float32, mean_of_all
from zoo.harness.plan.saved_hints import SavedHints
from zoo.harness.plan.suite import HintSweep
from zoo.harness.results.run_record import HintLevel
from zoo.harness.results.store import SweepScore


def hint_error(prediction: Tensor, batch: Batch) -> Tensor:
    """Mean CIEDE2000 over the hinted pixels only, to the colours that were given there.

    A patch's hint is one colour, the mean of what it covers: who keeps it is not to blame for what it hides.

    Args:
        prediction: (N, 3, H, W) uint8.
        batch: the photos' lightness, on which a hint's ab is seen, and the hints.

    Returns:
        (N,) float32; 0 where every hint is kept, NaN where an image has no hint.
    """
    given = to_uint8(join_lab(batch.lightness, batch.hint_ab))
    with exact_float32(given.device):
        difference = ciede2000(rgb_to_lab(prediction), rgb_to_lab(given))
    hinted = batch.hint_mask[:, 0] > 0
    return (difference * hinted).flatten(1).sum(dim=1) / hinted.flatten(1).sum(dim=1)


class Scores(msgspec.Struct):
    """Per metric a score an image; and the pictures of the first few, for the sample sheet."""

    per_image: dict[str, list[float]]
    pictures: list[tuple[Evaluation, Tensor]]


def make_metrics(
    names: Sequence[str], *, device: torch.device, lpips_trunk: str = ""
) -> tuple[list[Metric], list[str]]:
    """The metrics that can be had here; a note for each that cannot, then one for each that is of another kind.

    Raises:
        BadInput: a name that is another column's.
        ContractError: a metric that calls itself otherwise than it is registered.
    """
    metrics: list[Metric] = []
    notes: list[str] = []
    marks: list[str] = []
    for name in names:
        options: dict[str, Any] = {"trunk": lpips_trunk} if name == "lpips" and lpips_trunk else {}
        try:
            metric = make("metrics", name, **options)
        except Unavailable as error:
            notes.append(bounded(str(error) if str(error).startswith(f"{name}:") else f"{name}: {error}"))
            continue
        # By a trunk of the user's own, lpips is a column of its own.
        if not options and metric.name != name.partition("@")[0]:
            called = bounded(repr(metric.name))
            raise ContractError(f"The metric {name!r} calls itself {called}; its name must be the registered one.")
        if isinstance(metric, nn.Module):
            metric.to(device)
        metrics.append(metric)
        if options and metric.name != name:
            marks.append(
                f"{metric.name}: {name} by {Path(lpips_trunk).name}, which is not torchvision's file; "
                "it compares with no other row's"
            )
    return metrics, [*notes, *marks]


def check_trunk(trunk: Path | None, metrics: Sequence[str]) -> None:
    """A trunk that is given must be there, and be of use.

    Raises:
        BadInput: no such file, or none of ``metrics`` reads it.
    """
    if trunk is None:
        return
    if not trunk.is_file():
        raise BadInput(f"--lpips-trunk {trunk} does not exist.")
    if "lpips" not in metrics:
        raise BadInput(f"--lpips-trunk is for the metric lpips, and these are {', '.join(metrics)}; leave it out.")


def colorized(colorizer: nn.Module, batch: Batch) -> Tensor:
    """The prediction as the rulers see it: the photo's own L, predicted ab, uint8 (N, 3, H, W).

    Raises:
        Diverged: a predicted value is not finite. Rounded to uint8 it would pass for a colour, and get a score.
    """
    return as_pictures(batch, colorizer(batch.condition, batch.extras)["ab"])


def as_pictures(batch: Batch, ab: Tensor) -> Tensor:
    """Predicted ab (N, 2, H, W) on the photos' own L, as uint8 (N, 3, H, W).

    Raises:
        Diverged: a value of ``ab`` is not finite.
    """
    if not torch.isfinite(ab).all():
        share = 1 - torch.isfinite(ab).float().mean().item()
        raise Diverged(f"The prediction is not finite: {share:.0%} of its values are NaN or infinite.")
    return to_uint8(join_lab(batch.lightness, ab))


@torch.no_grad()
def score_colorizer(
    colorizer: nn.Module,
    photos: Iterable[Evaluation],
    metrics: Sequence[Metric],
    *,
    keep: int = 0,
    adherence: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Scores:
    """Score every test photo.

    Args:
        photos: the hinted test photos with their truth, in a fixed order.
        keep: of how many photos at least the pictures are handed back.
        adherence: score ``hint_error`` besides, the error at the hinted pixels.
        stop: asked between two batches.

    Raises:
        Stopped: ``stop()`` said so.
        Diverged: a prediction that is not finite.
    """
    colorizer.eval()
    per_image: dict[str, list[float]] = {metric.name: [] for metric in metrics}
    if adherence:
        per_image["hint_error"] = []
    pictures: list[tuple[Evaluation, Tensor]] = []
    kept = 0
    # A colorizer that draws random numbers must not shift the training that goes on afterwards.
    with torch.random.fork_rng(devices=[]):
        for evaluation in photos:
            if stop():
                raise Stopped("stopped; the same command goes on from its checkpoint")
            batch = evaluation.batch
            ab = colorizer(batch.condition, batch.extras)["ab"]
            prediction = as_pictures(evaluation.scored, ab)
            for metric in metrics:
                # Copies: a ruler that writes into what it measures must not change what the next one sees.
                scores = metric.per_image(prediction.clone(), evaluation.rgb.clone())
                per_image[metric.name] += scores.double().cpu().tolist()
            if adherence:
                error = hint_error(prediction, evaluation.scored)
                per_image["hint_error"] += error.double().cpu().tolist()
            if kept < keep:
                pictures.append((evaluation, as_pictures(batch, ab)))  # as it is seen: of a print, on the print
                kept += len(evaluation.names)
    return Scores(per_image, pictures)


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
            pictures = [as_pictures(evaluation.scored, ab) for ab in draws.unbind(1)]
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

    Where it answers the fullest level as it does no hints at all, it does not read them, and that answer is every
    level's: a slow automatic method is not asked the same question twenty times.

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
        without = [
            _answer(colorizer, each, torch.zeros_like(each.batch.hint_ab), torch.zeros_like(each.batch.hint_mask))
            for each in batches
        ]
        fullest = _fullest(colorizer, batches, without, sweeps, size)
        blind = not fullest
        for name, (sweep, hints) in sweeps.items():
            for layer, level in enumerate(sweep.levels):
                if stop():
                    raise Stopped("stopped; the same command goes on from its checkpoint")
                first, last = (0, int(level)) if sweep.counts else (layer, layer + 1)
                planes = hints.planes(first, last, size)
                for at, (batch, answer) in enumerate(zip(batches, without, strict=True)):
                    ab, mask = _of(batch, planes)
                    if (name, last, at) in fullest:
                        answer = fullest[name, last, at]
                    elif not blind and bool(mask.any()):
                        answer = _answer(colorizer, batch, ab, mask)
                    found += _score_level(answer, batch, (ab, mask), psnr, name, level)
    return found


def _of(photos: Evaluation, planes: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Those of the hints that are the batch's."""
    these = slice(photos.indices.start, photos.indices.stop)
    ab, mask = (plane[these].to(photos.rgb.device) for plane in planes)
    return ab, mask


def _answer(colorizer: nn.Module, photos: Evaluation, ab: Tensor, mask: Tensor) -> Tensor:
    hinted = dataclasses.replace(photos.batch, hint_ab=ab, hint_mask=mask)
    return as_pictures(photos.scored, colorizer(hinted.condition, hinted.extras)["ab"])


def _fullest(
    colorizer: nn.Module,
    batches: Sequence[Evaluation],
    without: Sequence[Tensor],
    sweeps: Mapping[str, tuple[HintSweep, SavedHints]],
    size: int,
) -> dict[tuple[str, int, int], Tensor]:
    """Answers at the fullest level of a sweep, until one differs from that without hints; empty where none does.

    By the sweep's name, the number of its layers and the batch's: what has been asked need not be asked again.
    """
    for name, (sweep, hints) in sweeps.items():
        layers = hints.ends.shape[1]
        planes = hints.planes(0 if sweep.counts else layers - 1, layers, size)
        found: dict[tuple[str, int, int], Tensor] = {}
        for at, (batch, answer) in enumerate(zip(batches, without, strict=True)):
            found[name, layers, at] = _answer(colorizer, batch, *_of(batch, planes))
            if not torch.equal(answer, found[name, layers, at]):
                return found
    return {}


def _score_level(
    prediction: Tensor, photos: Evaluation, hints: tuple[Tensor, Tensor], psnr: Metric, name: str, level: float
) -> list[SweepScore]:
    quality = psnr.per_image(prediction, photos.rgb).double().cpu().tolist()
    adherence = [float("nan")] * len(photos.names)
    if level > 0:
        hinted = dataclasses.replace(photos.scored, hint_ab=hints[0], hint_mask=hints[1])
        adherence = hint_error(prediction, hinted).double().cpu().tolist()
    return [SweepScore(name, level, *row) for row in zip(photos.names, quality, adherence, strict=True)]


def level_means(scores: Sequence[SweepScore]) -> list[HintLevel]:
    """One a level."""
    groups: dict[tuple[str, float], list[SweepScore]] = {}
    for score in scores:
        groups.setdefault((score.sweep, score.level), []).append(score)
    found = []
    for (sweep, level), group in groups.items():
        psnr = mean_of_all("psnr", [score.psnr for score in group]).value
        error = mean_of_all("hint_error", [score.hint_error for score in group]).value
        rounded = (None if mean is None else round(mean, 6) for mean in (psnr, error))
        found.append(HintLevel(sweep, level, len(group), *rounded))
    return found
