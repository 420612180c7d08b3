"""The encoder of the variational auto-encoder over colour fields."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FIELD = 64
"""Colour fields are 64×64."""


class FieldEncoder(nn.Module):
    """A colour field (N, 2, 64, 64) to mean and log-variance (N, Z) of its latent code.

    Deshpande et al. 2017 (arXiv:1612.01958; layers as in its authors' code): 5×5 convolutions of stride 2 to 128, 256
    and 512 channels, 4×4 of stride 2 to 1024, each conv → ReLU → batch norm; dropout 0.3; a linear layer. It is needed
    for training only.

    Args:
        latent: Z.
        width: channels of the first convolution; the others in proportion.
    """

    def __init__(self, *, latent: int = 64, width: int = 128):
        super().__init__()
        widths = [2, width, 2 * width, 4 * width, 8 * width]
        kernels = [5, 5, 5, 4]
        layers: list[nn.Module] = []
        for before, after, kernel in zip(widths, widths[1:], kernels, strict=False):
            convolution = nn.Conv2d(before, after, kernel, stride=2, padding=(kernel - 1) // 2)
            layers += [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(after, eps=1e-4)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3))
        self.project = nn.Linear((FIELD // 16) ** 2 * widths[-1], 2 * latent)

    def forward(self, field: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.project(self.layers(field)).float().chunk(2, dim=1)
        return mean, log_variance


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − log σ² − 1): (N, Z) twice to (N,) (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance).sum(1)
