"""Fixtures shared by all tests: real photographs, small and few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PHOTOS = Path(__file__).parent.parent / "zoo" / "harness" / "data" / "photos"


@pytest.fixture(scope="session")
def photo_paths() -> list[Path]:
    """Eight real test photos, 256×256 JPEG, in a fixed order."""
    return sorted((PHOTOS / "test").glob("*.jpg"))[::5][:8]


@pytest.fixture(scope="session")
def photos(photo_paths: list[Path]) -> list[np.ndarray]:
    """The same photos as uint8 (256, 256, 3) RGB arrays."""
    return [np.array(Image.open(path).convert("RGB")) for path in photo_paths]
