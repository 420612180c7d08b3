"""Which features occur together, wherever they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.feature_trunk import FeatureTrunk, level_weights
from zoo.parts.weights.imagenet import trunk_ingredients


def gram(features: Tensor) -> Tensor:
    """(N, C, H, W) → (N, C, C): Σ_k F_ik F_jk / M over the M = H · W positions."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


class Style(nn.Module):
    """Σ_l w_l · 1 / (4 C²) · Σ_ij (G_ij − A_ij)², G and A the Gram matrices divided by M; batch mean.

    That is Gatys et al. 2015 (arXiv:1508.06576, eqs. 4 and 5): 1 / (4 C² M²) on undivided matrices.
    Johnson et al. 2016 (arXiv:1603.08155) compare relu1_2, relu2_2, relu3_3 and relu4_3, levels 0 to 3
    of ``vgg16``; levels 0 to 3 are the default.

    Args:
        trunk, trunk_file: see :class:`~zoo.parts.losses.feature_trunk.FeatureTrunk`, whose errors apply.
        levels: of the trunk.
        weights: one a level; ``None``: equal, of sum 1.
    """

    def __init__(
        self,
        trunk: str = "efficientnet_lite0",
        levels: Sequence[int] = (0, 1, 2, 3),
        weights: Sequence[float] | None = None,
        trunk_file: str | None = None,
    ) -> None:
        super().__init__()
        self.weights = level_weights(levels, weights, "style")
        self.trunk = FeatureTrunk(trunk, levels, trunk_file)

    @staticmethod
    def ingredients(*, trunk: str, trunk_file: str | None, **_: object) -> dict[str, str]:
        """Whose weights the trunk has."""
        return trunk_ingredients(trunk, trunk_file)

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        maps = self.trunk.compare(prediction, batch)
        with torch.autocast(batch.ab.device.type, enabled=False):
            terms = [w * (gram(f) - gram(a)).square().mean() / 4 for w, (f, a) in zip(self.weights, maps, strict=True)]
        return sum(terms[1:], terms[0])
