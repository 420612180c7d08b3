"""Colour as a choice among bins that neighbours of like lightness make alike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.heads.quantized import QuantizedHead
from zoo.parts.layers.ab_bins import GAMUT_BINS


class CRFHead(nn.Module):
    """The head ``quantized``, its distribution refined by a convolutional CRF that is trained along.

    Source: Teichmann, Cipolla 2018 (arXiv:1805.04777): the mean field of Krähenbühl, Koltun 2012 (arXiv:1210.5644) on a
    window. Features (N, C, H, W) to what ``quantized`` gives; ``refine`` refines its ``logits`` and takes the ``ab`` of
    them, the lightness averaged to their size.

    Args:
        bins, temperature, pool: as of ``quantized``. The public ConvCRF, too, works at a quarter of the size.
        window: side of the square of pixels, at the logits' size, that a pixel listens to; odd.
        sweeps: of the mean field.

    Raises:
        BadInput: as ``quantized``; a window that is even or below 3, or fewer than one sweep.
    """

    residual = False

    def __init__(
        self,
        channels: int,
        *,
        bins: int = GAMUT_BINS,
        temperature: float = 0.38,
        pool: int = 4,
        window: int = 7,
        sweeps: int = 5,
    ):
        super().__init__()
        self.unary = QuantizedHead(channels, bins=bins, temperature=temperature, pool=pool)
        self.field = MeanField(window=window, sweeps=sweeps)

    def forward(self, features: Tensor) -> Prediction:
        return self.unary(features)

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        height, width = prediction["logits"].shape[-2:]
        lightness = F.adaptive_avg_pool2d(condition[:, :1].float(), (height, width))
        logits = self.field(prediction["logits"].float(), (lightness + 1) * 50)
        return {**prediction, "ab": self.unary.quantized.colour(logits, self.unary.temperature), "logits": logits}


class MeanField(nn.Module):
    """Krähenbühl, Koltun 2012 (arXiv:1210.5644), algorithm 1, on a window, with the Potts model and its two kernels.

    Logits of the unary (N, Q, h, w) and L* (N, 1, h, w) to the refined logits (N, Q, h, w). Of two pixels i ≠ j in one
    window the kernel (eq. 3) is

        w₁ exp(−|p_i − p_j|² / 2θ_α² − (L_i − L_j)² / 2θ_β²) + w₂ exp(−|p_i − p_j|² / 2θ_γ²),

    p in pixels of the map. What the Potts model takes from every other label is, but for a constant, what it gives to
    the own one: Q_i(l) ∝ exp(unary_i(l) + Σ_j k_ij Q_j(l)). The five numbers are learned, as logarithms.

    Raises:
        BadInput: a window that is even or below 3, or fewer than one sweep.
    """

    def __init__(self, *, window: int = 7, sweeps: int = 5):
        super().__init__()
        if window < 3 or window % 2 == 0 or sweeps < 1:
            raise BadInput(f"A CRF of window {window} and {sweeps} sweeps; give an odd window from 3, 1 sweep or more.")
        self.reach = window // 2
        self.sweeps = sweeps
        # θ_β and θ_γ as in the paper (11 of 255 grey levels, 1), θ_α wide enough to let lightness decide in a window.
        # The weights are small: a fresh network's distribution says little, and strong ones would only blur it.
        self.weights = nn.Parameter(torch.tensor([0.2, 0.1]).log())
        self.scales = nn.Parameter(torch.tensor([float(window), 100 * 11 / 255, 1.0]).log())

    def forward(self, unary: Tensor, lightness: Tensor) -> Tensor:
        # Row by row, (N, h, Q, w): what a row hears from the one so many rows below is a product of matrices.
        kernels = [self._kernel(lightness[:, 0], rows) for rows in range(-self.reach, self.reach + 1)]
        unary = unary.transpose(1, 2)
        logits = unary
        for _ in range(self.sweeps):
            around = F.pad(torch.softmax(logits, dim=2), (0, 0, 0, 0, self.reach, self.reach))
            rows = (around[:, top : top + unary.shape[1]] for top in range(len(kernels)))
            logits = unary + sum(row @ kernel for row, kernel in zip(rows, kernels, strict=True))
        return logits.transpose(1, 2)

    def _kernel(self, lightness: Tensor, rows: int) -> Tensor:
        """(N, h, w, w): from each column of the row that many rows below to each column of the row itself.

        Beyond the photo there is no probability, so that what stands here of it does not matter.
        """
        height, width = lightness.shape[1:]
        there = F.pad(lightness, (0, 0, self.reach, self.reach))[:, self.reach + rows :][:, :height]
        unlike = (there[:, :, :, None] - lightness[:, :, None]).square()
        column = torch.arange(width, device=lightness.device)
        columns = (column[:, None] - column).abs()
        listens = (columns <= self.reach) & ((columns > 0) | (rows != 0))
        away = columns.square() + rows**2
        appearance, smoothness = self.weights.exp()
        place, light, near = (-2 * self.scales).exp() / 2
        kernel = appearance * torch.exp(-away * place - unlike * light) + smoothness * torch.exp(-away * near)
        return kernel * listens
