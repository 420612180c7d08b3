"""Adaptive average pooling that gives the same bits again: on a GPU torch has no deterministic form of its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class DeterministicPooling(TorchFunctionMode):
    """While it is entered, adaptive average pooling is done by :func:`adaptive_avg_pool2d` of this module.

    On CUDA the gradient of torch's own is summed by atomic additions, in any order, and is refused under
    ``torch.use_deterministic_algorithms``. A mode, so that it reaches the pooling within timm,
    segmentation-models-pytorch and plugins too.
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
    """(bins, length): row i averages the places from ⌊i·length/bins⌋ to before ⌈(i+1)·length/bins⌉."""
    bin_ = torch.arange(bins, device=device)[:, None]
    place = torch.arange(length, device=device)
    inside = (place >= bin_ * length // bins) & (place < -(-(bin_ + 1) * length // bins))
    return inside / inside.sum(1, keepdim=True)
