"""Checkerboard artefacts: chroma energy at the periods that strided upsampling leaves behind.

Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016: a stride-2
upsampling whose kernel does not divide evenly modulates its output with period 2, two in a row
with periods 2 and 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.core.color import rgb_to_lab
from zoo.harness.metrics.exact import exact_float32

HALF_WIDTH = 1 / 32
"""How far from a lattice frequency still counts, in cycles per pixel: image content modulates the grid."""
FLOOR = 0.01
"""Energy added to both sides, in squared a*b* units: below the rounding of uint8."""
SMALLEST = 16


def _on_lattice(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Along one axis: which frequencies lie near a multiple of 1/4, and which near 0."""
    frequency = torch.fft.fftfreq(size, device=device)
    multiple = (frequency * 4).round()
    return (frequency - multiple / 4).abs() <= HALF_WIDTH, multiple == 0


def grid_energy(ab: Tensor) -> Tensor:
    """Mean-square chroma at periods 2 and 4 across, down or both.

    Args:
        ab: (N, 2, H, W), a* and b* in their own units.

    Returns:
        (N,): the energy near the frequencies (i/4, j/4) other than (0, 0), of a Hann-windowed
        image without its mean.
    """
    height, width = ab.shape[-2:]
    rows, still_rows = _on_lattice(height, ab.device)
    columns, still_columns = _on_lattice(width, ab.device)
    grid = rows[:, None] & columns & ~(still_rows[:, None] & still_columns)
    window = torch.outer(torch.hann_window(height, device=ab.device), torch.hann_window(width, device=ab.device))
    # a* + i b*: one transform holds both, and its energy is the sum of theirs (Parseval).
    chroma = torch.complex(ab[:, 0], ab[:, 1])
    spectrum = torch.fft.fft2((chroma - chroma.mean(dim=(1, 2), keepdim=True)) * window)
    energy = spectrum.abs().square() / (height * width * window.square().sum())
    on_grid: Tensor = (energy * grid).sum(dim=(1, 2))
    return on_grid


class Checkerboard:
    """:func:`grid_energy` of the prediction relative to the target's, in dB.

    0 is as much as the photo has, +10 ten times as much; a prediction smoother than its photo is
    negative. NaN for images with a side under 16 px.
    """

    name = "checkerboard"
    higher_is_better = False
    version = "1"

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32 dB, 0 for identical images."""
        if min(target.shape[-2:]) < SMALLEST:
            return torch.full((len(target),), torch.nan, device=target.device)
        with exact_float32(target.device):
            predicted = grid_energy(rgb_to_lab(prediction)[:, 1:])
            true = grid_energy(rgb_to_lab(target)[:, 1:])
        return 10 * torch.log10((predicted + FLOOR) / (true + FLOOR))
