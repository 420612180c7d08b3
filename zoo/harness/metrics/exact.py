"""What is equal for all metrics: plain float32, whatever the training around has switched on, and means of all photos.

A mean over the photos that happen to have a value would be compared with means over all: a metric that is
NaN on the hard half of the photos would win. So there is a mean of all of them, or none and a note that says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32, no gradients inside.

    In bf16 the SSIM of a pair that scores .9608 reads .996; TF32 keeps ten bits of mantissa, which
    moves colours and perceptual distances in the third or fourth decimal.
    """
    matmul_precision = torch.get_float32_matmul_precision()
    deterministic = torch.backends.cudnn.deterministic
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, deterministic=deterministic, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(matmul_precision)


OVER_SOME = frozenset({"hint_error"})
"""Measured by definition on some photos only: those that were given hints."""


class Mean(NamedTuple):
    """``value`` is None, and ``note`` says why, where a photo has no finite value."""

    value: float | None
    note: str


def mean_of_all(metric: str, values: Sequence[float | None]) -> Mean:
    """The mean over all photos.

    Args:
        metric: the metric's name; the note begins with it and a colon.
        values: one a photo; None, NaN and infinities are no values. A metric of :data:`OVER_SOME` has its mean
            over the photos that have one.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if known and (len(known) == len(values) or metric in OVER_SOME):
        return Mean(sum(known) / len(known), "")
    if metric in OVER_SOME:
        return Mean(None, "")
    if not values:
        return Mean(None, f"{metric}: no mean, there is no photo")
    missing = len(values) - len(known)
    verb = "has" if missing == 1 else "have"
    return Mean(None, f"{metric}: no mean, {missing} of {len(values)} photos {verb} no value")


def means_of(per_photo: Mapping[str, Sequence[float | None]]) -> tuple[dict[str, float | None], list[str]]:
    """The mean of every metric, and the notes of those that have none."""
    means = {metric: mean_of_all(metric, values) for metric, values in per_photo.items()}
    return {metric: mean.value for metric, mean in means.items()}, [mean.note for mean in means.values() if mean.note]
