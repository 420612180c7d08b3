"""Pooling and sampling that give the same bits again: on a GPU torch has no deterministic form of their gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class DeterministicForms(TorchFunctionMode):
    """While it is entered, adaptive average pooling, and bilinear sampling with the nearest pixel beyond the edge, are
    done by :func:`adaptive_avg_pool2d` and :func:`grid_sample` of this module.

    On CUDA the gradients of torch's own are summed by atomic additions, in any order, and are refused under
    ``torch.use_deterministic_algorithms``. A mode, so that it reaches what is within timm,
    segmentation-models-pytorch and plugins too. Other sampling is left to torch, which refuses its gradient.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in (F.adaptive_avg_pool2d, torch._C._nn.adaptive_avg_pool2d):
            return adaptive_avg_pool2d(*args, **(kwargs or {}))
        if function is F.grid_sample:
            given = inspect.signature(F.grid_sample).bind(*args, **(kwargs or {}))
            given.apply_defaults()
            input, grid, mode, padding_mode, align_corners = given.arguments.values()
            if (mode, padding_mode) == ("bilinear", "border") and input.ndim == 4:
                return grid_sample(input, grid, align_corners=bool(align_corners))
        return function(*args, **(kwargs or {}))


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """:func:`torch.nn.functional.adaptive_avg_pool2d` as two matrix products, which have a fixed order.

    Args:
        input: (…, H, W).
        output_size: of the result, one side or (H', W'); None keeps a side.

    Returns:
        (…, H', W') in the input's type.
    """
    sides = (output_size, output_size) if isinstance(output_size, int) else output_size
    rows, columns = (
        _averages(length, length if side is None else side, input.device)
        for length, side in zip(input.shape[-2:], sides, strict=True)
    )
    with torch.autocast(input.device.type, enabled=False):
        return (rows @ input.float() @ columns.T).to(input.dtype)


def _averages(length: int, bins: int, device: torch.device) -> Tensor:
    """(bins, length): row i averages the positions from ⌊i·length/bins⌋ to before ⌈(i+1)·length/bins⌉."""
    bin_ = torch.arange(bins, device=device)[:, None]
    position = torch.arange(length, device=device)
    inside = (position >= bin_ * length // bins) & (position < -(-(bin_ + 1) * length // bins))
    return inside / inside.sum(1, keepdim=True)


def grid_sample(input: Tensor, grid: Tensor, *, align_corners: bool) -> Tensor:
    """:func:`torch.nn.functional.grid_sample`, bilinear and with the nearest pixel beyond the edge, by gathering.

    Gathering has a gradient of a fixed order under ``torch.use_deterministic_algorithms``.

    Args:
        input: (N, C, H, W).
        grid: (N, H', W', 2), (across, down).
        align_corners: −1 and 1 are the middle of the first and last pixel, else their outer edges.

    Returns:
        (N, C, H', W').
    """
    height, width = input.shape[-2:]
    extent = grid.new_tensor([width, height])
    position = (grid + 1) / 2 * (extent - 1) if align_corners else ((grid + 1) * extent - 1) / 2
    position = position.clamp(min=torch.zeros_like(extent), max=extent - 1)
    corner = position.detach().floor()
    share = position - corner
    flat = input.flatten(2)
    total = torch.zeros((), device=input.device, dtype=input.dtype)
    for down in (0, 1):
        for across in (0, 1):
            column = (corner[..., 0] + across).clamp(max=width - 1)
            row = (corner[..., 1] + down).clamp(max=height - 1)
            index = (row * width + column).long().flatten(1)[:, None].expand(-1, input.shape[1], -1)
            x, y = share[..., 0], share[..., 1]
            weight = (x if across else 1 - x) * (y if down else 1 - y)
            total = total + flat.gather(2, index).unflatten(2, grid.shape[1:3]) * weight[:, None]
    return total
