"""Supervised training in which rare colours count more, by how rare they are in the training photos."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Loss, TrainingData
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import prior_weights, soft_neighbours
from zoo.parts.objectives.supervised import Supervised

STRIDE = 4
"""Every so many pixels one is counted: what the loss sees of networks that predict at a quarter of the size."""


class Rebalanced(Supervised):
    """The class weights of Zhang et al. 2016 (arXiv:1603.08511, section 2.2, eq. 4), then a weighted sum of losses.

    :meth:`prepare` takes the distribution of colours from the training photos themselves: a prior from elsewhere
    favours the wrong colours. It is the mean of their soft encoding, which is the paper's histogram smoothed by a
    Gaussian of σ = 5. The weights go into the buffer ``class_weights`` of every module of the colorizer that has one
    beside its ``bins``, so they are in the checkpoint.

    Args:
        colorizer: what is trained.
        losses: name → (weight, loss); ``rebalanced_ce`` is the one that reads the weights.
        mix: λ, how much of the uniform distribution is mixed into the prior: 1 counts all colours alike.

    Raises:
        BadInput: a colorizer without bins, or ``mix`` outside (0, 1].
    """

    def __init__(self, colorizer: Colorizer, losses: Mapping[str, tuple[float, Loss]], *, mix: float = 0.5):
        super().__init__(colorizer, losses)
        if not 0 < mix <= 1:
            raise BadInput(f"The objective 'rebalanced': mix is {mix}; give a number above 0, at most 1.")
        self.mix = mix
        choosing = {"bins", "class_weights"}
        self.quantized = [m for m in colorizer.modules() if choosing <= dict(m.named_buffers(recurse=False)).keys()]
        if not self.quantized:
            raise BadInput(
                f"The objective 'rebalanced' needs a colorizer that chooses among bins, and {colorizer.name} does not; "
                "give it the head 'quantized' or choose another recipe."
            )

    @torch.no_grad()
    def prepare(self, data: TrainingData) -> None:
        """One pass over the training photos.

        Raises:
            BadInput: there is no training photo.
        """
        counts = [torch.zeros(len(bins), dtype=torch.float64, device=bins.device) for bins in self._bins()]
        for batch in data:
            ab = batch.ab[..., ::STRIDE, ::STRIDE] * AB_SCALE
            for bins, count in zip(self._bins(), counts, strict=True):
                weights, index = soft_neighbours(ab, bins)
                count.index_add_(0, index.flatten(), weights.flatten().double())
        for module, count in zip(self.quantized, counts, strict=True):
            if not count.any():
                raise BadInput("The objective 'rebalanced' has no training photo to count the colours of.")
            module.get_buffer("class_weights").copy_(prior_weights(count, self.mix))

    def _bins(self) -> list[Tensor]:
        return [module.get_buffer("bins") for module in self.quantized]
