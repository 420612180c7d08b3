"""A cache folder of its own for every test, so that nothing is found that the test did not make."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def as_png(photos: list[np.ndarray]) -> list[bytes]:
    """The eight test photos as PNG, encoded once for all tests."""
    files = [io.BytesIO() for _ in photos]
    for file, photo in zip(files, photos, strict=True):
        Image.fromarray(photo).save(file, "PNG")
    return [file.getvalue() for file in files]


@pytest.fixture
def folder(tmp_path: Path, as_png: list[bytes]) -> Path:
    """A folder with the eight test photos as PNG."""
    root = tmp_path / "pack"
    root.mkdir()
    for number, content in enumerate(as_png):
        (root / f"{number}.png").write_bytes(content)
    return root


@pytest.fixture
def one_percent() -> Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]:
    """A hint sampler: every pixel with probability 0.01."""

    def sample(ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        n, _, h, w = ab.shape
        mask = (torch.rand((n, 1, h, w), generator=generator, device=ab.device) < 0.01).float()
        return ab * mask, mask

    return sample
