"""Deep colorization before convolutions: hand-made features and a shallow network for each kind of photo."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.classical.local_features import box_mean, daisy, gaussian_blur, orientation_planes
from zoo.parts.layers.conv_unit import predicts_ab

PATCH = 7
DIRECTIONS = 8
WINDOWS = (5, 9, 17, 33, 65)
"""Sides of the context windows, in pixels."""

REACHES = (2.0, 4.0, 8.0, 16.0)
"""Standard deviations of the Gaussians that hints are gathered with, in pixels."""

GREY_FEATURES = PATCH**2 + 32 + len(WINDOWS) * (1 + DIRECTIONS) + 2
"""49 + 32 + 47 = 128."""

COLOUR_GAIN = 10.0
"""Hinted colours times this: ab is about a tenth of what the other features are, and would be learnt last."""

HINT_FEATURES = 3 + 3 * len(REACHES)

_ITERATIONS = 51
"""Of k-means."""

_SURPLUS = 4
"""How many times as many clusters k-means starts with as remain."""


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
        self.clusters, self.reads_hints, self.reach, self.spread = clusters, hints, reach, spread
        layers: list[nn.Module] = []
        channels, groups = GREY_FEATURES + (HINT_FEATURES if hints else 0), 1
        for _ in range(hidden_layers):
            layers += [nn.Conv2d(channels, clusters * width, 1, groups=groups), nn.ReLU(inplace=True)]
            channels, groups = clusters * width, clusters
        last = predicts_ab(nn.Conv2d(channels, clusters * 2, 1, groups=groups))
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
            BadInput: there is no training photo.
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
        away = (photo_descriptor(lightness)[:, None] - self.centres).square().sum(2)
        return (-away / self.softness).softmax(1)

    def _describe(self, condition: Tensor) -> Tensor:
        grey = grey_features(condition[:, :1])
        return torch.cat((grey, hint_features(condition[:, 1:])), dim=1) if self.reads_hints else grey


def grey_features(lightness: Tensor) -> Tensor:
    """Patch, DAISY and context of every pixel: (N, 1, H, W) to (N, 128, H, W)."""
    return torch.cat((patch(lightness), daisy(lightness), context(lightness)), dim=1)


def patch(lightness: Tensor) -> Tensor:
    """The 7×7 lightness values around every pixel, the border repeated: (N, 49, H, W)."""
    reach = PATCH // 2
    padded = F.pad(lightness, (reach, reach, reach, reach), mode="replicate")
    n, _, height, width = lightness.shape
    return F.unfold(padded, PATCH).view(n, PATCH**2, height, width)


def context(lightness: Tensor) -> Tensor:
    """What is around: (N, 47, H, W).

    Mean lightness and mean gradient in 8 directions over growing windows, then how far down and how far
    across the photo, each in [−1, 1].
    """
    planes = torch.cat((lightness, orientation_planes(lightness, DIRECTIONS)), dim=1)
    around = [box_mean(planes, window) for window in WINDOWS]
    n, _, height, width = lightness.shape
    down = _from_end_to_end(height, lightness.device).view(1, 1, height, 1).expand(n, 1, height, width)
    across = _from_end_to_end(width, lightness.device).view(1, 1, 1, width).expand(n, 1, height, width)
    return torch.cat((*around, down, across), dim=1)


def _from_end_to_end(side: int, device: torch.device) -> Tensor:
    """−1 … 1 in equal steps; as ``torch.linspace``, whose count is a fixed number in an exported graph."""
    steps = torch.full((), torch.sym_max(side - 1, 1), device=device)  # ONNX divides by tensors only
    return torch.arange(side, device=device) * 2 / steps - 1


def hint_features(hints: Tensor) -> Tensor:
    """The hints at and around every pixel: (N, 3, H, W) of hint_ab and mask to (N, 15, H, W).

    Those of the pixel itself; then for each reach the mean colour of the hints under a Gaussian, and how sure
    it is: the weight of the hints there, against that of one hint a reach away.
    """
    found = [COLOUR_GAIN * hints[:, :2], hints[:, 2:]]
    for reach in REACHES:
        gathered = gaussian_blur(hints, reach, truncate=3.0)
        colour, weight = gathered[:, :2], gathered[:, 2:]
        one_away = 0.6 / (2 * torch.pi * reach**2)
        found += [COLOUR_GAIN * colour / (weight + 0.1 * one_away), weight / (weight + one_away)]
    return torch.cat(found, dim=1)


def photo_descriptor(lightness: Tensor) -> Tensor:
    """One vector a photo, its L2 norm 1: gradient in 8 directions over 4×4 cells, (N, 1, H, W) to (N, 128).

    In the manner of GIST; the same photo at another size has nearly the same.
    """
    cells = F.adaptive_avg_pool2d(orientation_planes(lightness, DIRECTIONS), 4)
    return F.normalize(cells.flatten(1), eps=1e-6)


def adaptive_clusters(vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """``count`` clusters, the smallest merged away (Cheng et al. 2015, section 3.3).

    k-means finds more clusters than are wanted; then the smallest joins the one nearest to it until ``count``
    remain. Nothing is random: k-means starts from points that are far from each other.

    Args:
        vectors: (M, D), M ≥ 1.

    Returns:
        The centres (count, D), repeated where there are fewer vectors than clusters, and (M,) the cluster of
        each vector. On the CPU.
    """
    vectors = vectors.detach().cpu().double()
    centres, labels = k_means(vectors, min(_SURPLUS * count, len(vectors)))
    while len(centres) > count:
        sizes = torch.bincount(labels, minlength=len(centres))
        least = int(sizes.argmin())
        away = ((centres - centres[least]) ** 2).sum(1)
        away[least] = torch.inf
        labels = torch.where(labels == least, away.argmin(), labels)
        labels = labels - (labels > least).long()
        centres = _centres(vectors, labels, centres[torch.arange(len(centres)) != least])
    return centres[torch.arange(count) % len(centres)].float(), labels


def k_means(vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """scipy's k-means from far-apart points: centres (count, D) and the cluster of each vector (M,).

    scipy's other ways to begin are random; a cluster that lost all its vectors stays where it was.
    """
    starts = _far_apart(vectors, count)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # fewer different vectors than clusters
        centres, labels = kmeans2(vectors.numpy(), starts.numpy(), iter=_ITERATIONS, minit="matrix")
    return torch.from_numpy(centres), torch.from_numpy(labels).long()


def _far_apart(vectors: Tensor, count: int) -> Tensor:
    """The vector nearest the mean, then each time the one farthest from all that were taken."""
    taken = [int(((vectors - vectors.mean(0)) ** 2).sum(1).argmin())]
    away = ((vectors - vectors[taken[0]]) ** 2).sum(1)
    while len(taken) < count:
        taken.append(int(away.argmax()))
        away = torch.minimum(away, ((vectors - vectors[taken[-1]]) ** 2).sum(1))
    return vectors[taken]


def _centres(vectors: Tensor, labels: Tensor, before: Tensor) -> Tensor:
    """The mean of each cluster; one that lost all its vectors stays where it was."""
    sums = torch.zeros_like(before).index_add_(0, labels, vectors)
    sizes = torch.bincount(labels, minlength=len(before))[:, None]
    return torch.where(sizes > 0, sums / sizes.clamp_min(1), before)


def joint_bilateral(ab: Tensor, lightness: Tensor, *, reach: int, spread: float) -> Tensor:
    """Every pixel's colour as the mean of those that are near in place and in lightness (Petschnigg et al. 2004).

    Args:
        ab: (N, 2, H, W).
        lightness: the guide, (N, 1, H, W).
        reach: the window is 2 · reach + 1 wide, its Gaussian of half that deviation; 0 filters nothing.
        spread: standard deviation of the Gaussian over differences of the guide.

    Returns:
        (N, 2, H, W).
    """
    if reach == 0:
        return ab
    height, width = ab.shape[-2:]
    maps = F.pad(torch.cat((lightness, ab), dim=1), (reach, reach, reach, reach), mode="replicate")
    total, weight = torch.zeros_like(ab), torch.zeros_like(lightness)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            there = maps[..., y : y + height, x : x + width]
            far = ((y - reach) ** 2 + (x - reach) ** 2) / (2 * (reach / 2) ** 2)
            near = torch.exp(-((there[:, :1] - lightness) ** 2) / (2 * spread**2) - far)
            total, weight = total + near * there[:, 1:], weight + near
    return total / weight
