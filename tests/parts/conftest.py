"""Real photos as conditions, and scores by scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from zoo.core.color import join_lab, split_lab, to_uint8


class Hinted(NamedTuple):
    """Photos (N, 3, S, S) uint8, their ab, and their condition with a share of the pixels hinted."""

    rgb: Tensor
    ab: Tensor
    condition: Tensor

    def psnr(self, ab: Tensor) -> float:
        """The mean over the photos, colours ``ab`` under the photos' own lightness."""
        found = to_uint8(join_lab(self.condition[:, :1], ab)).numpy()
        return float(np.mean([peak_signal_noise_ratio(a, b) for a, b in zip(self.rgb.numpy(), found, strict=True)]))


@pytest.fixture(scope="session")
def hinted(photos: list[np.ndarray]) -> Callable[[int, float], Hinted]:
    """The eight photos, every ``step``-th pixel of them, with hints of a density."""

    def make(step: int, density: float) -> Hinted:
        rgb = torch.stack([torch.from_numpy(photo.copy()).permute(2, 0, 1) for photo in photos])[..., ::step, ::step]
        lightness, ab = split_lab(rgb)
        mask = (torch.rand(lightness.shape, generator=torch.Generator().manual_seed(3)) < density).float()
        return Hinted(rgb, ab, torch.cat((lightness, ab * mask, mask), dim=1))

    return make
