"""A loss on the intermediate predictions of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput, did_you_mean
from zoo.core.kinds import Names

_PREFIX = "ab_"


class Auxiliary(nn.Module):
    """Σ weight · loss, each with another of the prediction's maps in the place of ``ab``.

    Such maps are (N, 2, ≥ H, ≥ W), at the photo's resolution, under keys that begin with ``ab_``; what reaches beyond
    the photo, where it was padded, is cut off. Examples are ``icnet`` (arXiv:1704.08545, section 3.4) and
    ``eigen_multiscale``.

    Args:
        weights: key → weight; None: every such key the prediction has, with weight 1.
        loss: the registered loss, by name or as ``{name: ..., **options}``.

    Raises:
        BadInput: the prediction does not have such a map.
    """

    def __init__(
        self,
        weights: dict[str, float] | None = None,
        loss: Annotated[str | dict[str, Any], Names("losses")] = "l1",
    ):
        super().__init__()
        self.weights = weights
        self.inner = make("losses", loss)
        self.extras = tuple(getattr(self.inner, "extras", ()))

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        weights = self.weights or {key: 1.0 for key in prediction if key.startswith(_PREFIX)}
        if not weights:
            raise BadInput(
                "loss 'auxiliary' needs a colorizer that predicts intermediate maps, such as 'icnet'; "
                "take the loss out of the recipe or choose such a model."
            )
        terms = [weight * self._of(key, prediction, batch) for key, weight in weights.items()]
        return torch.stack(terms).sum()

    def _of(self, key: str, prediction: Mapping[str, Tensor], batch: Batch) -> Tensor:
        if key not in prediction:
            raise BadInput(f"loss 'auxiliary': the colorizer predicts no {key!r}; {did_you_mean(key, prediction)}")
        height, width = batch.ab.shape[-2:]
        return self.inner({**prediction, "ab": prediction[key][..., :height, :width]}, batch)
