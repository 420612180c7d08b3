"""A working size's chroma brought up to the photo's own size, led by the photo's full-size lightness.

Each way is prepared once from the small ab and the small lightness, and then asked for some rows at a time: memory
does not grow with the photo, and rows come out the same whichever others are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.color import split_lab
from zoo.core.resolve import build


class Small(NamedTuple):
    """A colorizer's answer at its working size, and the photo it is for.

    Attributes:
        ab: (1, 2, h, w).
        lightness: (1, 1, h, w) in -1…1, of the reduced photo.
        rgb: uint8 (1, 3, H, W), the photo.
    """

    ab: Tensor
    lightness: Tensor
    rgb: Tensor

    def full_lightness(self, top: int, bottom: int) -> Tensor:
        """(1, 1, bottom - top, W) on the ab's device."""
        return split_lab(self.rgb[:, :, top:bottom].to(self.ab.device))[0]


Rows = Callable[[int, int], Tensor]
"""``top``, ``bottom`` → ab (1, 2, bottom - top, W)."""


def bilinear(small: Small) -> Rows:
    """Blind to the photo: colours cross its edges by up to one small pixel."""
    height, width = small.rgb.shape[-2:]
    return lambda top, bottom: interpolated(small.ab, top, bottom, height, width)


SPATIAL, RANGE = 0.4, 0.15
"""Standard deviations of the joint bilateral filter: in small pixels, and in lightness of -1…1."""

_REACH = 2


def joint_bilateral(small: Small) -> Rows:
    """Joint bilateral upsampling (Kopf, Cohen, Lischinski, Uyttendaele 2007, doi:10.1145/1276377.1276497, eq. 3).

    Of the 5×5 small pixels around its place a pixel takes the mean, weighed by how near they are and how like its
    lightness is to theirs.
    """
    (height, width), (h, w) = small.rgb.shape[-2:], small.ab.shape[-2:]

    def rows(top: int, bottom: int) -> Tensor:
        lightness = small.full_lightness(top, bottom)[0, 0]
        y, x = (_places(*each, small.ab.device) for each in ((top, bottom, h / height), (0, width, w / width)))
        total = small.ab.new_zeros(2, *lightness.shape)
        weights = torch.full_like(lightness, 1e-12)
        for down in range(-_REACH, _REACH + 1):
            row = (y.round() + down).clamp(0, h - 1)
            for across in range(-_REACH, _REACH + 1):
                column = (x.round() + across).clamp(0, w - 1)
                at = row.long()[:, None] * w + column.long()
                unlike = (lightness - small.lightness.flatten()[at]).square_().mul_(-0.5 / RANGE**2)
                far = (row - y).square()[:, None] + (column - x).square()
                weight = unlike.sub_(far.mul_(0.5 / SPATIAL**2)).exp_()
                weights += weight
                total += small.ab[0].flatten(1)[:, at] * weight
        # Where no small pixel is like it, the nearest decide: the floor under the weights is theirs.
        near = interpolated(small.ab, top, bottom, height, width)[0]
        return ((total + 1e-6 * near) / (weights + 1e-6))[None]

    return rows


RADIUS, SMOOTHNESS = 1, 2e-2
"""Of the guided filter: its window in small pixels, and its ε in squared lightness of -1…1."""


def guided(small: Small) -> Rows:
    """The fast guided filter (He & Sun, arXiv:1505.00996; He, Sun, Tang 2010, doi:10.1109/TPAMI.2012.213, eqs. 5-8).

    In every window of the small photo ab is fitted by a line over lightness; the lines' means are brought up
    bilinearly and read at the full-size lightness.
    """
    height, width = small.rgb.shape[-2:]
    slope, offset = _lines(small)
    lines = torch.cat((_box(slope), _box(offset)), dim=1).float()

    def rows(top: int, bottom: int) -> Tensor:
        slope, offset = interpolated(lines, top, bottom, height, width).split(2, dim=1)
        return slope * small.full_lightness(top, bottom) + offset

    return rows


def slopes(small: Small) -> Rows:
    """The guided filter's slopes for what is fine, the small ab for the rest.

    The guided filter smooths the small ab itself, whose detail is what a colorizer gave. Here that stays, brought up
    bilinearly, and what the photo's lightness has beyond its own small version is added by the mean slope of the
    windows around each small pixel: ab = ab↑ + a↑ (L - L↑). Where ab does not go with lightness it is ``bilinear``.
    """
    height, width = small.rgb.shape[-2:]
    slope, _ = _lines(small)
    kept = torch.cat((_box(slope).float(), small.ab, small.lightness), dim=1)

    def rows(top: int, bottom: int) -> Tensor:
        slope, ab, lightness = interpolated(kept, top, bottom, height, width).split((2, 2, 1), dim=1)
        return ab + slope * (small.full_lightness(top, bottom) - lightness)

    return rows


def _lines(small: Small) -> tuple[Tensor, Tensor]:
    """The lines ab ≈ slope · lightness + offset of every window: (1, 2, h, w) float64 each (He et al., eqs. 5, 6)."""
    guide, ab = small.lightness.double(), small.ab.double()
    mean, mean_ab = _box(guide), _box(ab)
    variance = _box(guide * guide) - mean * mean
    slope = (_box(guide * ab) - mean * mean_ab) / (variance + SMOOTHNESS)
    return slope, mean_ab - slope * mean


_OVERLAP = 4
"""Small pixels of photo above and below a band: with a hint at every small pixel, colours come from no farther."""

_BAND = 8
"""Small pixels a band is high: always the same bands, whichever rows are asked for."""


def propagated(small: Small) -> Rows:
    """The small ab as hints, each at the middle of its pixel, spread by our own ``pyramid`` over the full size."""
    (height, width), (h, w) = small.rgb.shape[-2:], small.ab.shape[-2:]
    spread = build("pyramid").to(small.ab.device).eval()
    y, x = (_middles(*each, small.ab.device) for each in ((h, height), (w, width)))

    @lru_cache(maxsize=1)  # a band that ends in the rows asked for next
    def band(number: int) -> Tensor:
        first, last = number * _BAND, min((number + 1) * _BAND, h)
        start, end = max(first - _OVERLAP, 0), min(last + _OVERLAP, h)
        top, bottom = _edge(start, h, height), _edge(end, h, height)
        condition = torch.zeros(1, 4, bottom - top, width, device=small.ab.device)
        condition[:, :1] = small.full_lightness(top, bottom)
        at = (y[start:end] - top)[:, None], x
        condition[0, 1:3][:, at[0], at[1]] = small.ab[0, :, start:end]
        condition[0, 3][at] = 1
        ab: Tensor = spread(condition)["ab"]
        return ab[:, :, _edge(first, h, height) - top : _edge(last, h, height) - top]

    def rows(top: int, bottom: int) -> Tensor:
        found = []
        for number in range(-(-h // _BAND)):
            begin, end = (_edge(min(each * _BAND, h), h, height) for each in (number, number + 1))
            if begin < bottom and end > top:
                found.append(band(number)[:, :, max(top - begin, 0) : bottom - begin])
        return torch.cat(found, dim=2)

    return rows


WAYS: dict[str, Callable[[Small], Rows]] = {
    "slopes": slopes,
    "bilinear": bilinear,
    "bilateral": joint_bilateral,
    "guided": guided,
    "propagated": propagated,
}
"""By the names of :data:`zoo.studio.manner.UPSAMPLINGS`."""


def interpolated(image: Tensor, top: int, bottom: int, height: int, width: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of ``F.interpolate(image, (height, width), mode="bilinear")``, and only those."""
    h = image.shape[-2]
    y = _places(top, bottom, h / height, image.device).clamp(0, h - 1)
    upper = y.floor().long()
    lower = (upper + 1).clamp_max(h - 1)
    weight = (y - upper).float()[:, None]
    rows = image[..., upper, :] * (1 - weight) + image[..., lower, :] * weight
    return F.interpolate(rows, (bottom - top, width), mode="bilinear", align_corners=False)


def _places(first: int, last: int, scale: float, device: torch.device) -> Tensor:
    """Where the middles of full-size pixels lie among the small ones, whose middles are whole numbers."""
    return (torch.arange(first, last, device=device, dtype=torch.float64) + 0.5) * scale - 0.5


def _middles(small: int, full: int, device: torch.device) -> Tensor:
    """The full-size pixel in the middle of each small one."""
    return ((torch.arange(small, device=device, dtype=torch.float64) + 0.5) * (full / small)).long().clamp_max(full - 1)


def _edge(small: int, of: int, full: int) -> int:
    return small * full // of


def _box(image: Tensor) -> Tensor:
    """Means over windows of 2 · RADIUS + 1, of what there is of them at the photo's edge."""
    side = 2 * RADIUS + 1
    return F.avg_pool2d(image, side, stride=1, padding=RADIUS, count_include_pad=False)
