"""Max-unpooling: values go back to where a max-pooling found them."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Pyramid
from zoo.core.errors import BadInput


def unpool(x: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) to (N, C, H, W): zero but at ``indices`` (SegNet, arXiv:1511.00561, Fig. 3).

    Equal to ``F.max_unpool2d`` with ``output_size``, for any size; as a scatter it takes every dtype that autocast
    brings, and is deterministic, as non-overlapping windows never share a place.

    Args:
        indices: (N, C, h, w) int64 into H · W, of ``max_pool2d(..., return_indices=True)``.
        size: (H, W) of the map that was pooled.
    """
    n, channels, *_ = x.shape
    height, width = size
    flat = x.new_zeros(n, channels, height * width)
    return flat.scatter(2, indices.flatten(2), x.flatten(2)).view(n, channels, height, width)


def indices_of(pyramid: Pyramid, decoder: str) -> list[Tensor]:
    """One tensor of indices per step of the pyramid, fine to coarse.

    Raises:
        BadInput: the encoder gives none; the message names ``decoder``.
    """
    steps = len(pyramid.maps) - 1
    if len(pyramid.pool_indices) != steps:
        raise BadInput(
            f"The decoder {decoder!r} unpools {steps} times, but its encoder gives {len(pyramid.pool_indices)} pool "
            "indices; use an encoder that pools, with indices: true."
        )
    return pyramid.pool_indices
