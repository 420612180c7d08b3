"""Adaptive average pooling for exported graphs: what torch and ONNX make of it holds for one size of photo."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

POOLING = (torch.ops.aten.adaptive_avg_pool2d.default, torch.ops.aten._adaptive_avg_pool2d.default)


def pooled_at_any_size(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The program with :func:`pooled` in the place of every adaptive average pooling."""
    # What stands under torch.no_grad or an autocast of its own is a graph within the graph.
    graphs = [module.graph for module in program.graph_module.modules() if isinstance(module, torch.fx.GraphModule)]
    if not any(node.target in POOLING for graph in graphs for node in graph.nodes):
        return program
    return program.run_decompositions(dict.fromkeys(POOLING, pooled))


def pooled(image: Tensor, size: Sequence[int]) -> Tensor:
    """(…, H, W) to (…, h, w) as ``F.adaptive_avg_pool2d``; a product of matrices, whose sides a graph leaves open."""
    if all(isinstance(bins, int) and bins == 1 for bins in size):
        return image.mean((-2, -1), keepdim=True)
    down, across = (_shares(bins, side, image) for bins, side in zip(size, image.shape[-2:], strict=True))
    return down @ image @ across.mT


def _shares(bins: int, side: int, like: Tensor) -> Tensor:
    """(bins, side): the share of each row in each bin; bin i is from ⌊i · side / bins⌋ to ⌈(i + 1) · side / bins⌉."""
    bin_, row = torch.arange(bins, device=like.device)[:, None], torch.arange(side, device=like.device)
    count = torch.full((), bins, device=like.device)  # ONNX divides by tensors only
    first = torch.div(bin_ * side, count, rounding_mode="floor")
    end = torch.div((bin_ + 1) * side + bins - 1, count, rounding_mode="floor")
    inside = (row >= first) & (row < end)
    return inside.to(like.dtype) / (end - first).to(like.dtype)
