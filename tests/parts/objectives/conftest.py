"""What objectives are tried on."""

from __future__ import annotations

import pytest
import torch

from zoo.core.contracts import Batch


@pytest.fixture
def batch() -> Batch:
    """Two photos of noise, without hints."""
    generator = torch.Generator().manual_seed(0)
    ab = torch.rand(2, 2, 32, 32, generator=generator) - 0.5
    lightness = torch.rand(2, 1, 32, 32, generator=generator) * 2 - 1
    return Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))
