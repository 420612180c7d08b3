"""A distribution over colours for every pixel, instead of one colour."""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import predicts_ab
from zoo.parts.layers.gaussian_mixture import GaussianMixture

_LEAST_LOG_SCALE = math.log(0.01)
"""σ stays above 1.1 units of Lab: a flat region would otherwise be worth an infinite likelihood."""


class MixtureHead(nn.Module):
    """A mixture density network (Bishop 1994; for colour arXiv:1612.01958) as a 1×1 convolution.

    Features (N, C, H, W) to ``ab`` (N, 2, H, W) and what ``mixture_nll`` reads: ``mixture_logits`` (N, M, H, W),
    ``mixture_means`` (N, M, 2, H, W) and ``mixture_scales`` (N, M, H, W); float32. The components start on a circle
    around grey, so that they differ and their mean is grey; upon a propagator around what it spread.

    Args:
        components: M.
        estimate: ``ab`` is the mixture's ``mean`` (least squared error), or its ``mode``: the mean of the most probable
            component (livelier).
        radius: of that circle, in ab; each component starts half as wide. 0.2 are 22 units of Lab.

    Raises:
        BadInput: no component, or a radius that is not above 0.
    """

    start: Tensor

    def __init__(
        self,
        channels: int,
        *,
        components: int = 8,
        estimate: Literal["mean", "mode"] = "mean",
        radius: float = 0.2,
    ):
        super().__init__()
        if components < 1:
            raise BadInput(f"A mixture needs 1 component or more, not {components}.")
        if not radius > 0:
            raise BadInput(f"head 'mixture': radius is {radius}; give a number above 0, such as 0.2.")
        self.components = components
        self.estimate = estimate
        self.project = predicts_ab(nn.Conv2d(channels, 4 * components, 1))
        nn.init.normal_(self.project.weight, std=0.02 / channels**0.5)
        nn.init.zeros_(cast(Tensor, self.project.bias))
        angle = torch.arange(components) * (2 * math.pi / components)
        start = torch.zeros(4 * components)
        if components > 1:
            start[components : 3 * components] = radius * torch.stack((angle.cos(), angle.sin()), dim=1).flatten()
        start[3 * components :] = math.log(radius / 2)
        self.register_buffer("start", start[:, None, None], persistent=False)

    def forward(self, features: Tensor) -> Prediction:
        mixture = self.mixture(features)
        ab = mixture.mean() if self.estimate == "mean" else mixture.mode()
        return {
            "ab": ab,
            "mixture_logits": mixture.logits,
            "mixture_means": mixture.means,
            "mixture_scales": mixture.scales,
        }

    def mixture(self, features: Tensor) -> GaussianMixture:
        """The distribution itself."""
        m = self.components
        logits, means, log_scales = (self.project(features).float() + self.start).split((m, 2 * m, m), dim=1)
        return GaussianMixture(logits, means.unflatten(1, (m, 2)), log_scales.clamp_min(_LEAST_LOG_SCALE).exp())

    def sample(self, features: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """``k`` colorizations of each photo: (N, k, 2, H, W).

        Every pixel is drawn from its own mixture, all pixels of a photo with the same random numbers: independent
        ones would give coloured snow.
        """
        mixture = self.mixture(features)
        n = features.shape[0]
        quantiles = torch.rand(k, n, 1, 1, generator=generator, device=generator.device).to(features.device)
        normals = torch.randn(k, n, 2, 1, 1, generator=generator, device=generator.device).to(features.device)
        return torch.stack([mixture.draw(quantiles[i], normals[i]) for i in range(k)], dim=1)
