"""Total variation: a price on chroma that is not smooth."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.core.contracts import Batch, Prediction


def forward_differences(x: Tensor) -> tuple[Tensor, Tensor]:
    """Along x and along y, both of the shape of ``x`` (…, H, W); 0 in the last column, last row."""
    return (
        torch.diff(x, dim=-1, append=x[..., -1:]),
        torch.diff(x, dim=-2, append=x[..., -1:, :]),
    )


class TV:
    """mean (\\|∂x ab\\| + \\|∂y ab\\|) of the prediction alone; a regulariser beside another loss.

    Source: Rudin, Osher & Fatemi 1992, in the anisotropic form; in training Johnson et al. 2016
    (arXiv:1603.08155, section 3.2).
    """

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        dx, dy = forward_differences(prediction["ab"].float())
        return dx.abs().mean() + dy.abs().mean()
