"""sRGB ↔ CIE Lab in torch: D65, 2° observer, L* in 0…100, always float32.

Equal to scikit-image's ``rgb2lab`` / ``lab2rgb`` to 1e-4 over the sRGB cube (a test holds it).
Constants: IEC 61966-2-1 (transfer curve, matrix) and CIE 15 (Lab); the white point is
scikit-image's (0.95047, 1, 1.08883), so that the two agree on neutral greys. Ours, since losses need its gradient
on the device where the photos lie, and scikit-image's works on numpy arrays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

AB_SCALE = 110.0
"""a* and b* are divided by this to become the ``ab`` tensor (Zhang et al. 2017)."""

_WHITE = (0.95047, 1.0, 1.08883)
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_EPSILON, _KAPPA_SLOPE, _KAPPA_OFFSET = 0.008856, 7.787, 16.0 / 116.0


# The white point is folded in, in float64, so that XYZ comes out relative to it.
_TO_RELATIVE = np.array(_RGB_TO_XYZ) / np.array(_WHITE)[:, None]
_FORWARD = _TO_RELATIVE.tolist()
_INVERSE = np.linalg.inv(_TO_RELATIVE).tolist()


def _apply(matrix: list[list[float]], image: Tensor) -> Tensor:
    """A 3×3 matrix on the channels. Written out: a matrix product may run in TF32 on a GPU."""
    x, y, z = image.unbind(1)
    return torch.stack([a * x + b * y + c * z for a, b, c in matrix], dim=1)


def srgb_to_linear(rgb: Tensor) -> Tensor:
    """The sRGB transfer curve undone, element-wise; [0, 1] → [0, 1]."""
    return torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055).clamp_min(0).pow(2.4), rgb / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """The sRGB transfer curve, element-wise; [0, 1] → [0, 1]."""
    curve = 1.055 * linear.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, 12.92 * linear)


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # cached: a tensor made under inference mode could not be used in training
def _byte_to_linear(device: torch.device) -> Tensor:
    return srgb_to_linear(torch.arange(256, dtype=torch.float64) / 255).float().to(device)


def _linear_to_lab(linear: Tensor) -> Tensor:
    xyz = _apply(_FORWARD, linear)
    f = torch.where(
        xyz > _EPSILON,
        xyz.clamp_min(_EPSILON).pow(1 / 3),
        _KAPPA_SLOPE * xyz + _KAPPA_OFFSET,
    )
    fx, fy, fz = f.unbind(1)
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), dim=1)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB to Lab.

    Args:
        rgb: (N, 3, H, W), float in [0, 1], or uint8 in 0…255 (faster: a table of 256 entries).

    Returns:
        (N, 3, H, W) float32: L* in 0…100, a* and b* about -110…110.
    """
    with torch.autocast(rgb.device.type, enabled=False):
        if rgb.dtype == torch.uint8:
            return _linear_to_lab(_byte_to_linear(rgb.device)[rgb.int()])
        return _linear_to_lab(srgb_to_linear(rgb.float()))


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Lab to sRGB, clipped to the gamut.

    Args:
        lab: (N, 3, H, W), L* in 0…100.

    Returns:
        (N, 3, H, W) float32 in [0, 1].
    """
    with torch.autocast(lab.device.type, enabled=False):
        lightness, a, b = lab.float().unbind(1)
        fy = (lightness + 16) / 116
        # A chroma far outside the gamut can ask for a negative Z; scikit-image clips it, so do we.
        f = torch.stack((fy + a / 500, fy, (fy - b / 200).clamp_min(0)), dim=1)
        xyz = torch.where(f > 0.2068966, f.pow(3), (f - _KAPPA_OFFSET) / _KAPPA_SLOPE)
        return linear_to_srgb(_apply(_INVERSE, xyz)).clamp(0, 1)


def split_lab(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """sRGB as :func:`rgb_to_lab` takes it → ``lightness`` (N, 1, H, W) and ``ab`` (N, 2, H, W)."""
    lab = rgb_to_lab(rgb)
    return lab[:, :1] / 50 - 1, lab[:, 1:] / AB_SCALE


def join_lab(lightness: Tensor, ab: Tensor) -> Tensor:
    """The inverse of :func:`split_lab`: sRGB (N, 3, H, W) float32 in [0, 1], clipped."""
    return lab_to_rgb(torch.cat(((lightness.float() + 1) * 50, ab.float() * AB_SCALE), dim=1))


def to_uint8(rgb: Tensor) -> Tensor:
    """[0, 1] → uint8, clipped and rounded (truncating takes half a level off, and moves the PSNR by some 0.05 dB)."""
    return rgb.clamp(0, 1).mul(255).round().to(torch.uint8)


def ab_histogram(ab: Tensor) -> Tensor:
    """ab (N, 2, H, W) averaged over every 4×4 pixels, sizes rounded up: what the global hints of Zhang et al. 2017
    (arXiv:1705.02999, section 3.2) quantise."""
    return F.avg_pool2d(ab, 4, ceil_mode=True)


def mean_saturation(rgb: Tensor) -> Tensor:
    """The mean HSV saturation (same source) of uint8 photos (N, 3, H, W): (N, 1) in [0, 1]."""
    colours = rgb.float()
    highest, lowest = colours.amax(1), colours.amin(1)
    return ((highest - lowest) / highest.clamp_min(1)).mean((1, 2))[:, None]
