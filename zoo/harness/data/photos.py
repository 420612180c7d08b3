"""``photos``: the real photographs that come with the package (``photos/CREDITS.csv`` names them)."""

from __future__ import annotations

from pathlib import Path

from zoo.harness.data.folder import Folder

FOLDER = Path(__file__).resolve().parent / "photos"


class Photos(Folder):
    """284 train and 41 test photos of 256×256, split by photo, free licences.

    Args:
        split: ``train``, ``test`` or ``all``.
    """

    def __init__(self, split: str):
        super().__init__(split, argument=FOLDER)
