"""The additive attention gate of Attention U-Net (arXiv:1804.03999, section 2.1), in both forms met in the wild."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.skips.concat import Concat
from zoo.parts.skips.sum import Sum


class AttentionGate(nn.Module):
    """The skip, weighted by an attention map α ∈ (0, 1) (N, 1, H, W), merged with the gate.

    Skip (N, S, H, W) and gate (N, G, H, W), one size, to (N, ``channels``, H, W).

    Args:
        form: ``port`` (:class:`SameSizeGate`) or ``grid`` (:class:`GridGate`).
        inner: channels of the sum that ψ reads, as a share of S: ½ in the ports and as the default of the authors'
            layer, 1 in their networks.
        closing: one more 1×1 convolution, batch norm and ReLU on the gated skip, as the authors' networks have.
        merge: ``concat`` (S + G channels come out) or ``sum`` (G channels).

    Raises:
        BadInput: a share that is not positive.
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        form: Literal["port", "grid"] = "port",
        inner: float = 0.5,
        closing: bool = False,
        merge: Literal["concat", "sum"] = "concat",
    ):
        super().__init__()
        if not inner > 0:
            raise BadInput(f"skip 'attention_gate': inner is {inner}; give a share of the skip's channels above 0.")
        self.gate = (SameSizeGate if form == "port" else GridGate)(skip_channels, gate_channels, inner)
        self.closing: nn.Module = nn.Identity()
        if closing:
            self.closing = nn.Sequential(_normalised(skip_channels, skip_channels), nn.ReLU(inplace=True))
        self.merge = (Concat if merge == "concat" else Sum)(skip_channels, gate_channels)
        self.channels = self.merge.channels

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return self.merge(self.closing(self.gate(skip, gate)), gate)


class SameSizeGate(nn.Module):
    """The common 2-D port: everything at the skip's resolution, every projection batch-normalised.

    α = σ(BN(ψ ReLU(BN(W_g g) + BN(W_x x)))), y = α x, with ``share`` · S channels in the sum. The convolutions need no
    bias: a normalisation follows each.
    """

    def __init__(self, skip_channels: int, gate_channels: int, share: float = 0.5):
        super().__init__()
        inner = max(int(share * skip_channels), 1)
        self.theta = _normalised(skip_channels, inner)
        self.phi = _normalised(gate_channels, inner)
        self.psi = _normalised(inner, 1)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return skip * torch.sigmoid(self.psi(F.relu(self.theta(skip) + self.phi(gate))))


class GridGate(nn.Module):
    """The authors' form: the attention map is computed on a grid of half the resolution.

    α = up(σ(ψ ReLU(θ x + resize(φ g)))), y = BN(W (α x)): θ a 2×2 convolution of stride 2 without bias, φ, ψ
    and W 1×1 convolutions, resizing bilinear. The authors' gate comes from the coarser level and is
    enlarged to the grid of θ; here it arrives enlarged twice as far, so it is brought back to that grid. Their
    finest skip is not gated: ``finest_skip`` of the decoder ``unet``.

    ψ reads ``share`` · S channels. A skip of an odd side is continued by its last row or column, so that the grid
    covers all of it.
    """

    def __init__(self, skip_channels: int, gate_channels: int, share: float = 0.5):
        super().__init__()
        inner = max(int(share * skip_channels), 1)
        self.theta = nn.Conv2d(skip_channels, inner, 2, stride=2, bias=False)
        self.phi = nn.Conv2d(gate_channels, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)
        self.output = _normalised(skip_channels, skip_channels)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        height, width = skip.shape[-2:]
        even = F.pad(skip, (0, width % 2, 0, height % 2), mode="replicate") if height % 2 or width % 2 else skip
        theta = self.theta(even)
        # A 1×1 convolution and a bilinear resize commute; resizing first is a quarter of the work.
        phi = self.phi(_resize(gate, theta.shape[-2:]))
        alpha = torch.sigmoid(self.psi(F.relu(theta + phi)))
        return self.output(skip * _resize(alpha, skip.shape[-2:]))


def _normalised(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))


def _resize(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
