"""Distance between the features of two photos in a classifier."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.feature_trunk import FeatureTrunk, level_weights
from zoo.parts.weights.imagenet import trunk_ingredients


class Perceptual(nn.Module):
    """Σ_l w_l · ½ mean (F_l − P_l)², F and P the features of the predicted and of the true colours.

    Gatys et al. 2015 (arXiv:1508.06576, eq. 1): ½ Σ (F − P)², squared; here divided by the number of
    elements as by Johnson et al. 2016 (arXiv:1603.08155, eq. 2), so that the photo's size does not
    change the weight. Johnson's level is relu2_2, level 1 of ``vgg16``; level 1 is the default.

    Args:
        trunk, trunk_file: see :class:`~zoo.parts.losses.feature_trunk.FeatureTrunk`, whose errors apply.
        levels: of the trunk.
        weights: one a level; ``None``: equal, of sum 1.
    """

    def __init__(
        self,
        trunk: str = "efficientnet_lite0",
        levels: Sequence[int] = (1,),
        weights: Sequence[float] | None = None,
        trunk_file: str | None = None,
    ) -> None:
        super().__init__()
        self.weights = level_weights(levels, weights, "perceptual")
        self.trunk = FeatureTrunk(trunk, levels, trunk_file)

    @staticmethod
    def ingredients(*, trunk: str, trunk_file: str | None, **_: object) -> dict[str, str]:
        """Whose weights the trunk has."""
        return trunk_ingredients(trunk, trunk_file)

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        maps = self.trunk.compare(prediction, batch)
        terms = [w * (f - p).square().mean() / 2 for w, (f, p) in zip(self.weights, maps, strict=True)]
        return sum(terms[1:], terms[0])
