"""Networks that fail on maps of one or a few pixels, mended: a global pooling, and a pooling too often."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def norms_per_sample(network: nn.Module) -> None:
    """Replace, in place, every batch norm behind a global average pooling by one that knows a single sample.

    A map of 1×1 leaves a batch norm only the batch to average over, so training on a batch of one is an error,
    and on a small one noise. A group norm of one group (layer norm over the channels) has the same parameters.
    """
    for sequence in network.modules():
        if isinstance(sequence, nn.Sequential) and any(_is_global(child) for child in sequence):
            for parent in list(sequence.modules()):
                for name, child in list(parent.named_children()):
                    if isinstance(child, nn.BatchNorm2d):
                        setattr(parent, name, nn.GroupNorm(1, child.num_features, eps=child.eps))


def _is_global(module: nn.Module) -> bool:
    return isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1))


class Enlarged(nn.Module):
    """A network that needs maps of ``side`` × ``side`` or more, for smaller ones too.

    (N, C, H, W) to the network's (N, C', H, W). A map that is too small enters with every pixel repeated the
    smallest whole number of times that makes it large enough, and comes out as the mean over the repetitions, so
    pointwise layers and global pooling see what they would have seen. Larger maps are untouched.
    """

    def __init__(self, network: nn.Module, side: int):
        super().__init__()
        self.network = network
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        times = -(-self.side // cast(int, torch.sym_min(height, width)))
        if torch.compiler.is_exporting():  # a graph for maps of any size has no branch for the large ones
            enlarged = F.interpolate(x, (height * times, width * times), mode="nearest")
            return F.adaptive_avg_pool2d(self.network(enlarged), (height, width))
        if times == 1:
            return self.network(x)
        return F.avg_pool2d(self.network(F.interpolate(x, scale_factor=float(times), mode="nearest")), times)
