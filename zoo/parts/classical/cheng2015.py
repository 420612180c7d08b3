"""Deep colorization before convolutions: hand-made features and a shallow network for each kind of photo."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.classical.clustering import adaptive_clusters
from zoo.parts.classical.joint_bilateral import joint_bilateral
from zoo.parts.classical.pixel_features import (
    GREY_FEATURES,
    HINT_FEATURES,
    grey_features,
    hint_features,
    photo_descriptor,
)


class Cheng2015(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W), pixel by pixel. Any H, W ≥ 1.

    Cheng, Yang, Sheng: Deep Colorization, ICCV 2015, arXiv:1605.00075. A pixel is described by its 7×7 patch
    (49), a DAISY of 4 places × 8 directions (32) and its context (47). Photos are clustered by a global
    descriptor, with a network of fully connected layers for each cluster, whose hidden layers have half as many
    neurons as there are features. In evaluation a joint bilateral filter on the lightness smooths the colours.

    Ours are: for the 47 semantic labels, which need a segmentation network, the lightness and gradients over
    windows up to 65 pixels and the place in the photo; a GIST-like descriptor; and that a photo near two clusters
    is coloured by both networks, weighed by its distances, instead of by the nearer alone. The networks of all
    clusters run at once, as grouped 1×1 convolutions.

    :meth:`fit` finds the clusters; before it all networks have equal weight.

    Args:
        width: neurons of a hidden layer.
        hidden_layers: of each network.
        clusters: of photos, each with a network of its own.
        hints: whether the features have 15 more for the hints, which the paper does not have.
        reach: of the bilateral filter, in pixels; 0 for none.
        spread: of the bilateral filter, in lightness from −1 to 1.

    Raises:
        BadInput: a width, a number of layers or of clusters below 1.
    """

    stride = 1
    centres: Tensor
    softness: Tensor

    def __init__(
        self,
        *,
        width: int = 64,
        hidden_layers: int = 3,
        clusters: int = 4,
        hints: bool = True,
        reach: int = 3,
        spread: float = 0.2,
    ):
        super().__init__()
        if min(width, hidden_layers, clusters) < 1:
            raise BadInput(
                f"cheng2015: width={width}, hidden_layers={hidden_layers}, clusters={clusters}; each is at least 1."
            )
        self.clusters, self.hints, self.reach, self.spread = clusters, hints, reach, spread
        layers: list[nn.Module] = []
        channels, groups = GREY_FEATURES + (HINT_FEATURES if hints else 0), 1
        for _ in range(hidden_layers):
            layers += [nn.Conv2d(channels, clusters * width, 1, groups=groups), nn.ReLU(inplace=True)]
            channels, groups = clusters * width, clusters
        last = nn.Conv2d(channels, clusters * 2, 1, groups=groups)
        self.networks = nn.Sequential(*layers, last)
        for layer in self.networks:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        nn.init.normal_(last.weight, std=1e-3)  # it starts grey
        self.register_buffer("centres", torch.zeros(clusters, 128))
        self.register_buffer("softness", torch.ones(()))

    @torch.no_grad()
    def fit(self, data: Iterable[Batch]) -> None:
        """One pass over the training photos: the clusters, and how soft the choice between them is.

        Raises:
            BadInput: there are none.
        """
        found = [photo_descriptor(batch.lightness).cpu() for batch in data]
        if not found:
            raise BadInput("cheng2015 has no training photo to make clusters of; give a data source with some.")
        vectors = torch.cat(found)
        centres, labels = adaptive_clusters(vectors, self.clusters)
        self.centres.copy_(centres)
        within = ((vectors - centres[labels]) ** 2).sum(1).mean()
        self.softness.copy_((2 * within / vectors.shape[1] ** 0.5).clamp_min(1e-4))

    def forward(self, condition: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast(condition.device.type, enabled=False):
            described = self._describe(condition.float())
            share = self.membership(condition[:, :1].float())
        n, _, height, width = condition.shape
        colours = self.networks(described).view(n, self.clusters, 2, height, width)
        ab = (colours.float() * share.view(n, self.clusters, 1, 1, 1)).sum(1)
        if self.training:
            return ab
        return joint_bilateral(ab, condition[:, :1].float(), reach=self.reach, spread=self.spread)

    def membership(self, lightness: Tensor) -> Tensor:
        """How much of each photo is each cluster's: (N, 1, H, W) to (N, clusters), summing to 1."""
        away = torch.cdist(photo_descriptor(lightness), self.centres).square()
        return (-away / self.softness).softmax(1)

    def _describe(self, condition: Tensor) -> Tensor:
        grey = grey_features(condition[:, :1])
        return torch.cat((grey, hint_features(condition[:, 1:])), dim=1) if self.hints else grey
