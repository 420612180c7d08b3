"""Mixtures of isotropic Gaussians, per photo or per pixel: likelihoods, estimates and draws."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor


class GaussianMixture(NamedTuple):
    """p(x) = Σ_m π_m N(x; μ_m, σ_m² I), M components over C dimensions; ``…`` is () or (H, W).

    logits: (N, M, …), π = softmax over M;  means: (N, M, C, …);  scales: σ, (N, M, …), above 0.
    """

    logits: Tensor
    means: Tensor
    scales: Tensor

    def mean(self) -> Tensor:
        """Σ π μ: (N, C, …), the estimate of the least squared error."""
        return (torch.softmax(self.logits, dim=1).unsqueeze(2) * self.means).sum(1)

    def mode(self) -> Tensor:
        """The mean of the component with the largest π: (N, C, …)."""
        return self.pick(self.logits.argmax(1))

    def pick(self, component: Tensor) -> Tensor:
        """The means of the given components: (N, …) int64 to (N, C, …)."""
        return _gather(self.means, component)

    def draw(self, quantile: Tensor, normal: Tensor) -> Tensor:
        """A sample: the component by the inverse distribution function of π, then μ + σ · normal.

        Args:
            quantile: uniform in [0, 1), broadcast to (N, …). One number for a whole photo gives every pixel its own
                distribution all the same, and neighbours the same choice.
            normal: N(0, 1), broadcast to (N, C, …).
        """
        # Not cumsum, which has no deterministic form on a GPU.
        cumulated = torch.stack(list(accumulate(torch.softmax(self.logits, dim=1).unbind(1))), dim=1)
        component = (quantile.unsqueeze(1) >= cumulated).sum(1).clamp_max(self.logits.shape[1] - 1)
        scale = self.scales.gather(1, component.unsqueeze(1))
        return self.pick(component) + scale * normal

    def negative_log_likelihood(self, x: Tensor) -> Tensor:
        """−log p(x): x (N, C, …) to (N, …)."""
        dimensions = self.means.shape[2]
        log_normal = -self._exponents(x) - dimensions * (self.scales.log() + 0.5 * math.log(2 * math.pi))
        return -torch.logsumexp(torch.log_softmax(self.logits, dim=1) + log_normal, dim=1)

    def nearest_component_loss(self, x: Tensor) -> Tensor:
        """−log π_m + |x − μ_m|² / (2σ_m²) for the component m whose second term is least: (N, …).

        The loss of Deshpande et al. 2017 (arXiv:1612.01958, section 4): minimising over the components keeps them
        apart, where the full likelihood of 64 dimensions trains only one.
        """
        exponent, component = self._exponents(x).min(dim=1)
        log_pi = torch.log_softmax(self.logits, dim=1).gather(1, component.unsqueeze(1)).squeeze(1)
        return exponent - log_pi

    def _exponents(self, x: Tensor) -> Tensor:
        """|x − μ_m|² / (2σ_m²): (N, M, …)."""
        return (x.unsqueeze(1) - self.means).square().sum(2) / (2 * self.scales.square())


def _gather(means: Tensor, component: Tensor) -> Tensor:
    """(N, M, C, …) and (N, …) to (N, C, …)."""
    index = component.unsqueeze(1).unsqueeze(1).expand(-1, 1, *means.shape[2:])
    return means.gather(1, index).squeeze(1)
