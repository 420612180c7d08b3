"""Colour transferred from a reference photo, pixel by pixel, by lightness and texture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.classical.local_features import deviation


class Welsh2002(nn.Module):
    """Global matching: condition (N, 4, H, W) and a reference photo to ab (N, 2, H, W). Any H, W ≥ 1.

    Welsh, Ashikhmin, Mueller: Transferring Color to Greyscale Images, SIGGRAPH 2002. The reference's lightness
    is shifted and scaled to the mean and deviation of the target's; about 200 pixels of it are drawn, one from
    each cell of a grid, at a position that is random in the cell; every target pixel takes the colour of the sample
    that is nearest in lightness and in deviation over 5×5, weighed half and half. CIE Lab stands in for the
    paper's lαβ. The hints are ignored, as the paper has none, and swatches would need a user.

    It reads the extra ``reference``, uint8 (N, 3, h, w). The same photos always give the same samples.

    Args:
        samples: about how many pixels of the reference are drawn.
        window: side of the texture window.
        balance: the weight of lightness; texture has the rest.

    Raises:
        BadInput: no samples, an even window, or a balance outside [0, 1].
    """

    stride = 1
    extras = ("reference",)

    def __init__(self, *, samples: int = 200, window: int = 5, balance: float = 0.5):
        super().__init__()
        if samples < 1 or window < 1 or window % 2 == 0 or not 0 <= balance <= 1:
            raise BadInput(
                f"welsh2002: samples={samples}, window={window}, balance={balance}; "
                "give at least 1 sample, an odd window and a balance in [0, 1]."
            )
        self.samples, self.window, self.balance = samples, window, balance

    @torch.no_grad()
    def forward(self, condition: Tensor, extras: Mapping[str, Tensor]) -> Tensor:
        lightness, colours = split_lab(extras["reference"])
        target = condition[:, :1].float()
        reference = remap(lightness, target)
        height, width = reference.shape[-2:]
        positions = jittered_grid(height, width, self.samples).to(condition.device)
        known = self._look(reference).flatten(2)[..., positions]
        drawn = colours.flatten(2)[..., positions]
        wanted = self._look(target).flatten(2)
        # One photo at a time: a table of all pixels by all samples is the largest thing here.
        matched = [c[:, _nearest(w, k)] for w, k, c in zip(wanted, known, drawn, strict=True)]
        return torch.stack(matched).view(len(matched), 2, *condition.shape[-2:])

    def _look(self, lightness: Tensor) -> Tensor:
        """What pixels are compared by: (N, 1, H, W) to (N, 2, H, W), weighted."""
        texture = deviation(lightness, self.window)
        return torch.cat((self.balance * lightness, (1 - self.balance) * texture), dim=1)


def _nearest(wanted: Tensor, known: Tensor) -> Tensor:
    """For each of P columns of (2, P) the nearest of S columns of (2, S), by the sum of differences: (P,)."""
    return torch.cdist(wanted.T, known.T, p=1).argmin(1)


def remap(lightness: Tensor, target: Tensor) -> Tensor:
    """``lightness`` (N, 1, h, w) with the mean and standard deviation of ``target`` (N, 1, H, W), photo by photo."""
    axes = (2, 3)
    mean, spread = lightness.mean(axes, keepdim=True), lightness.std(axes, keepdim=True, correction=0)
    wanted, width = target.mean(axes, keepdim=True), target.std(axes, keepdim=True, correction=0)
    return (lightness - mean) * (width / spread.clamp_min(1e-6)) + wanted


def jittered_grid(height: int, width: int, samples: int) -> Tensor:
    """Row-major positions of one pixel a cell, on a grid of about ``samples`` cells: int64, always the same draw."""
    rows = min(max(round((samples * height / width) ** 0.5), 1), height)
    columns = min(max(round(samples / rows), 1), width)
    jitter = torch.rand(2, rows, columns, generator=torch.Generator().manual_seed(0))
    down = ((torch.arange(rows)[:, None] + jitter[0]) * height / rows).long().clamp_max(height - 1)
    across = ((torch.arange(columns) + jitter[1]) * width / columns).long().clamp_max(width - 1)
    return (down * width + across).flatten()
