from __future__ import annotations

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from zoo.harness.data import fit
from zoo.harness.data.fit import PixelBudget, fitted


class Watched:
    """A data set of photos that say how large they are, and that counts what is decoded at a time."""

    def __init__(self, sizes: list[int]):
        self.sizes, self.now, self.most = sizes, 0, 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.sizes)

    def pixels(self, index: int) -> int:
        return self.sizes[index]

    def __getitem__(self, index: int) -> np.ndarray:
        with self._lock:
            self.now += self.sizes[index]
            self.most = max(self.most, self.now)
        threading.Event().wait(0.01)
        with self._lock:
            self.now -= self.sizes[index]
        return np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize(("sizes", "most"), [([100] * 6, 100), ([60] * 6, 60), ([30, 80, 30, 80, 30, 30], 100)])
def test_no_more_is_decoded_at_a_time_than_the_budget(monkeypatch: pytest.MonkeyPatch, sizes: list[int], most: int):
    monkeypatch.setattr(fit, "PIXELS_IN_FLIGHT", 100)
    photos = Watched(sizes)
    assert len(list(fitted(photos, 16, "crop"))) == 6
    assert photos.most <= most


def test_what_is_above_the_budget_waits_until_it_is_alone():
    budget, inside = PixelBudget(10), []

    def spend(pixels: int) -> None:
        with budget.spent(pixels):
            inside.append(pixels)
            assert len(inside) == 1
            threading.Event().wait(0.01)
            inside.remove(pixels)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(spend, [50, 60, 70, 80]))


def test_a_failure_gives_its_pixels_back():
    budget = PixelBudget(10)
    with pytest.raises(zlib.error), budget.spent(10):
        raise zlib.error
    with budget.spent(10):
        pass


def test_a_folder_says_how_large_its_photos_are(folder: Path):
    from zoo.harness.data.folder import Folder

    (folder / "3.png").write_text("text")
    dataset = Folder("all", argument=folder)
    assert [dataset.pixels(index) for index in range(4)] == [256 * 256] * 3 + [0]
