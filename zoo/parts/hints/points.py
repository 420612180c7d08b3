"""Square patches, few and of one colour each: what a user's clicks look like."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.core.errors import BadInput

_NEGLIGIBLE = 1e-6
"""The geometric distribution is cut where fewer photos than this would have more hints."""


class Points:
    """Zhang et al. 2017 (arXiv:1705.02999, section 3.2): simulated clicks.

    Before each hint the simulation stops with probability ``stop``, so a photo may have none. A hint is
    a square patch whose side is uniform in ``sizes``; its corner is N(centre, (range / 4)²) per axis,
    clipped to the range in which the patch lies inside the photo; its colour is the patch's mean.
    Where patches overlap, the later one counts.

    Protocols: training, the defaults; Zhang's evaluation, ``count=10, sizes=6`` and so on; iColoriT
    (arXiv:2207.06831; ``hint_generator.py``), ``count=(0, 128), sizes=2, positions="grid"``.

    Args:
        stop: probability in (0, 1]; not used when ``count`` is given.
        count: hints a photo, or (least, most) drawn uniformly, both included.
        sizes: side of a patch in pixels, or (least, most) likewise; cut to the photo's.
        positions: ``gaussian``; ``uniform``: anywhere; ``grid``: the photo is cut into cells of one size, from its
            top left corner, and some of them are hinted, none twice; a photo has no more hints than cells.
        colour: ``mean`` of the patch, or ``exact``: every pixel keeps its own.

    Raises:
        BadInput: an option outside what is said here.
    """

    def __init__(
        self,
        stop: float = 1 / 8,
        count: int | Sequence[int] | None = None,
        sizes: int | Sequence[int] = (1, 9),
        positions: str = "gaussian",
        colour: str = "mean",
    ) -> None:
        if not 0 < stop <= 1:
            raise BadInput(f"hints 'points': stop is {stop}; give a probability above 0, at most 1.")
        if positions not in ("gaussian", "uniform", "grid"):
            raise BadInput(f"hints 'points': positions is '{positions}'; give 'gaussian', 'uniform' or 'grid'.")
        if colour not in ("mean", "exact"):
            raise BadInput(f"hints 'points': colour is '{colour}'; give 'mean' or 'exact'.")
        self.log_go_on = math.log1p(-stop) if stop < 1 else -math.inf
        self.counts = None if count is None else _interval("count", count, least=0)
        self.sizes = _interval("sizes", sizes, least=1)
        if positions == "grid" and self.sizes[0] != self.sizes[1]:
            raise BadInput(f"hints 'points': sizes is {sizes}; cells of a grid have one size, such as 2.")
        self.positions = positions
        self.colour = colour
        self.most = self.counts[1] if self.counts else math.ceil(math.log(_NEGLIGIBLE) / self.log_go_on)

    def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        n, _, h, w = ab.shape
        if self.most == 0:
            return torch.zeros_like(ab), torch.zeros_like(ab[:, :1])
        device = ab.device
        order = torch.arange(1, self.most + 1, device=device, dtype=torch.int32)
        order = order * (order <= self._draw_count(n, device, generator))  # 0: not given
        size = self._draw_size((n, self.most), min(h, w), device, generator)
        top, left = self._draw_corners(size, h, w, generator)

        # A patch is the pixels of the largest one, (S², N·K), less those outside its own side. Photos
        # are laid end to end, so that one scatter paints them all.
        step = torch.arange(min(self.sizes[1], h, w), device=device)
        down, across = torch.cartesian_prod(step, step).T[:, :, None]
        inside = torch.maximum(down, across) < size.flatten()
        corner = (torch.arange(n, device=device)[:, None] * h + top) * w + left
        pixel = (corner.flatten() + down * w + across) * inside

        latest = torch.zeros(n * h * w, dtype=torch.int32, device=device)
        latest.scatter_reduce_(0, pixel.flatten(), (order.flatten() * inside).flatten(), "amax")
        latest = latest.view(n, 1, h, w)  # 0: no hint here, k: the k-th is on top
        mask = (latest > 0).to(ab.dtype)
        if self.colour == "exact":
            return ab * mask, mask

        colours = ab.transpose(0, 1).flatten(1).index_select(1, pixel.flatten()).view(2, *pixel.shape)
        mean = (colours * inside).sum(1) / size.flatten().square()
        mean = mean.view(2, n, self.most).transpose(0, 1)
        painter = (latest.long() - 1).clamp_min(0).view(n, 1, h * w).expand(n, 2, h * w)
        return mean.gather(2, painter).view_as(ab) * mask, mask

    def _draw_size(
        self, shape: tuple[int, int], longest: int, device: torch.device, generator: torch.Generator
    ) -> Tensor:
        """Sides of the patches, int64."""
        least, most = self.sizes
        return torch.randint(least, most + 1, shape, generator=generator, device=device).clamp_max(longest)

    def _draw_count(self, n: int, device: torch.device, generator: torch.Generator) -> Tensor:
        """(N, 1) hints a photo; geometric by inversion: P(count ≥ k) = (1 − stop)ᵏ."""
        if self.counts:
            return torch.randint(self.counts[0], self.counts[1] + 1, (n, 1), generator=generator, device=device)
        uniform = 1 - torch.rand(n, 1, generator=generator, device=device, dtype=torch.float64)
        return (uniform.log() / self.log_go_on).floor()

    def _draw_corners(self, size: Tensor, h: int, w: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Top and left of each patch, (N, K) int64, in [0, h − size] and [0, w − size]."""
        shape = (2, *size.shape)
        if self.positions == "grid":
            return self._draw_cells(size, h, w, generator)
        room = torch.stack((h - size, w - size))
        if self.positions == "uniform":
            uniform = torch.rand(shape, generator=generator, device=size.device)
            corner = uniform * (room + 1)
        else:
            normal = torch.randn(shape, generator=generator, device=size.device)
            corner = (room + 1) / 2 + normal * (room + 1) / 4
        top, left = corner.long().clamp_min(0).minimum(room)
        return top, left

    def _draw_cells(self, size: Tensor, h: int, w: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """As :meth:`_draw_corners`, on a grid. Of more hints than cells the rest fall on cells that have one."""
        side = min(self.sizes[1], h, w)
        rows, columns = h // side, w // side
        n, hints = size.shape
        drawn = torch.rand(n, rows * columns, generator=generator, device=size.device).argsort(1)
        cell = drawn.repeat(1, -(-hints // drawn.shape[1]))[:, :hints]
        return cell // columns * side, cell % columns * side


def _interval(option: str, value: int | Sequence[int], least: int) -> tuple[int, int]:
    ends = (value, value) if isinstance(value, int) else tuple(value)
    if len(ends) != 2 or not all(isinstance(end, int) for end in ends) or not least <= ends[0] <= ends[1]:
        raise BadInput(f"hints 'points': {option} is {value}; give a whole number from {least}, or two.")
    return ends[0], ends[1]
