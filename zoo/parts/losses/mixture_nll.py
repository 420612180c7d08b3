"""How probable the true colours are under a predicted mixture."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.gaussian_mixture import GaussianMixture


class MixtureNLL:
    """The mean over pixels of −log Σ_m π_m N(ab*; μ_m, σ_m² I) (Bishop 1994, mixture density networks, eq. 22).

    Reads ``prediction["mixture_logits"]`` (N, M, h, w), ``["mixture_means"]`` (N, M, 2, h, w) and
    ``["mixture_scales"]`` (N, M, h, w), of any size, to which the truth is resized.

    Args:
        components: ``all``, or ``nearest``: only the component nearest to the truth learns
            (arXiv:1612.01958, section 4).

    Raises:
        BadInput: the colorizer predicts no mixture of colours.
    """

    def __init__(self, components: Literal["all", "nearest"] = "all") -> None:
        if components not in ("all", "nearest"):
            raise BadInput(f"loss 'mixture_nll': components is '{components}'; give 'all' or 'nearest'.")
        self.components = components

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        logits, means = prediction.get("mixture_logits"), prediction.get("mixture_means")
        if logits is None or means is None or means.ndim != 5 or "mixture_scales" not in prediction:
            raise BadInput(
                "loss 'mixture_nll' needs a head that predicts a mixture of colours for every pixel; "
                "choose the head 'mixture' or take the loss out of the recipe."
            )
        mixture = GaussianMixture(logits.float(), means.float(), prediction["mixture_scales"].float())
        ab = batch.ab
        if ab.shape[-2:] != logits.shape[-2:]:
            ab = F.interpolate(ab, logits.shape[-2:], mode="bilinear", antialias=True)
        if self.components == "nearest":
            return mixture.nearest_component_loss(ab).mean()
        return mixture.negative_log_likelihood(ab).mean()
