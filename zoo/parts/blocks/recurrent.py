"""The recurrent convolution: one convolution, applied again and again to its own output."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.blocks.conv_unit import ConvUnit


class Recurrent(nn.Module):
    """(N, in, H, W) to (N, out, H, W), any size; x₀ = f(x), then ``steps`` times x_t = f(x + x_{t−1}).

    f is one 3×3 convolution, batch norm and ReLU, with the same weights and the same statistics at every
    application: ``steps = 2`` applies it three times (arXiv:1802.06955, section III and Fig. 4). As x and
    x_t are added, they need equal channels: where in ≠ out a 1×1 convolution goes before.

    Args:
        steps: the paper's t, the additions after the first application.

    Raises:
        BadInput: fewer than one step.
    """

    def __init__(self, in_channels: int, out_channels: int, *, steps: int = 2):
        super().__init__()
        if steps < 1:
            raise BadInput(f"A recurrent block with steps={steps} does not recur; give 1 or more.")
        self.steps = steps
        self.project = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        self.unit = ConvUnit(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        state = self.unit(x)
        for _ in range(self.steps):
            state = self.unit(x + state)
        return state
