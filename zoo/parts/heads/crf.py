"""Colour as a choice among bins that neighbours of like lightness make alike."""

from __future__ import annotations

from collections.abc import Iterator

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
    window. Features (N, C, H, W) and the condition to what ``quantized`` gives, whose ``logits`` are refined ones. The
    lightness is averaged to their size.

    Args:
        bins, temperature, pool: as of ``quantized``. The public ConvCRF, too, works at a quarter of the size.
        window: side of the square of pixels, at the logits' size, that a pixel listens to; odd.
        sweeps: of the mean field.

    Raises:
        BadInput: as ``quantized``; a window that is even or below 3, or fewer than one sweep.
    """

    guided = True

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

    def forward(self, features: Tensor, condition: Tensor) -> Prediction:
        prediction = self.unary(features)
        lightness = F.adaptive_avg_pool2d(condition[:, :1].float(), prediction["logits"].shape[-2:])
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
        kernel = [self._kernel(lightness, down, across) for down, across in self._offsets()]
        logits = unary
        for _ in range(self.sweeps):
            around = self._framed(torch.softmax(logits, dim=1))
            neighbours = (self._moved(around, down, across) for down, across in self._offsets())
            logits = unary + torch.stack([k * q for k, q in zip(kernel, neighbours, strict=True)]).sum(0)
        return logits

    def _offsets(self) -> Iterator[tuple[int, int]]:
        """Down and across to every other pixel of the window."""
        span = range(-self.reach, self.reach + 1)
        return ((down, across) for down in span for across in span if down or across)

    def _kernel(self, lightness: Tensor, down: int, across: int) -> Tensor:
        """(N, 1, h, w): between each pixel and the one at the offset; what that is beyond the border has no Q."""
        appearance, smoothness = self.weights.exp()
        place, light, near = (-2 * self.scales).exp() / 2
        away = down**2 + across**2
        unlike = (self._moved(self._framed(lightness), down, across) - lightness).square()
        return appearance * torch.exp(-away * place - unlike * light) + smoothness * torch.exp(-away * near)

    def _framed(self, x: Tensor) -> Tensor:
        return F.pad(x, (self.reach,) * 4)

    def _moved(self, framed: Tensor, down: int, across: int) -> Tensor:
        height, width = framed.shape[-2] - 2 * self.reach, framed.shape[-1] - 2 * self.reach
        top, left = self.reach + down, self.reach + across
        return framed[..., top : top + height, left : left + width]
