"""The recurrent residual unit of R2U-Net (RRCNN)."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.parts.blocks.recurrent import Recurrent


class RecurrentResidual(nn.Module):
    """(N, in, H, W) to (N, out, H, W), any size: a 1×1 convolution, two recurrent ones, and their sum.

    x' = W₁ₓ₁ x;  y = x' + R(R(x'))  (arXiv:1802.06955, section III, equation 3 and Fig. 4d).

    Args:
        steps: the paper's t of each :class:`Recurrent`.
    """

    def __init__(self, in_channels: int, out_channels: int, *, steps: int = 2):
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, 1)
        self.recurrent = nn.Sequential(
            Recurrent(out_channels, out_channels, steps=steps),
            Recurrent(out_channels, out_channels, steps=steps),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        return x + self.recurrent(x)
