"""``torchvision:NAME``: torchvision's collections of colour photos, downloaded where that is allowed."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from zoo.core.errors import BadInput, Unavailable, UnknownName, did_you_mean
from zoo.core.photo import to_rgb
from zoo.harness.data.build import TEST_SHARE, cache_folder

_TRAIN_TEST = ({"split": "train"}, {"split": "test"})
_TRAIN_VAL = ({"split": "train"}, {"split": "val"})
_TRAINVAL_TEST = ({"split": "trainval"}, {"split": "test"})
_UNSPLIT: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

COLLECTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CIFAR10": ({"train": True}, {"train": False}),
    "CIFAR100": ({"train": True}, {"train": False}),
    "Caltech101": _UNSPLIT,
    "Caltech256": _UNSPLIT,
    "CelebA": _TRAIN_TEST,
    "Country211": _TRAIN_TEST,
    "DTD": _TRAIN_TEST,
    "EuroSAT": _UNSPLIT,
    "FGVCAircraft": _TRAINVAL_TEST,
    # Noise, for trying things out: the offset is the seed of the first picture.
    "FakeData": ({"random_offset": 0}, {"random_offset": 1_000_000}),
    "Flowers102": _TRAIN_TEST,
    "Food101": _TRAIN_TEST,
    "GTSRB": _TRAIN_TEST,
    "ImageNet": _TRAIN_VAL,
    "Imagenette": _TRAIN_VAL,
    "OxfordIIITPet": _TRAINVAL_TEST,
    "PCAM": _TRAIN_TEST,
    "Places365": ({"split": "train-standard", "small": True}, {"split": "val", "small": True}),
    "STL10": _TRAIN_TEST,
    "SUN397": _UNSPLIT,
    "SVHN": _TRAIN_TEST,
    "StanfordCars": _TRAIN_TEST,
    "VOCDetection": ({"image_set": "train"}, {"image_set": "val"}),
}
"""What makes the train and the test split of each. ``_UNSPLIT`` ones are split by a hash of the index."""


class TorchvisionDataset:
    """One split of a torchvision collection.

    Args:
        split: ``train`` or ``test``.
        argument: the class's name in ``torchvision.datasets``, one of :data:`COLLECTIONS`.
        options: more arguments of that class (``FakeData``: ``size=20``).

    Raises:
        UnknownName: no such collection; the message has the nearest names.
        Unavailable: it is not on this machine and cannot be downloaded.
    """

    def __init__(self, split: str, *, argument: str, **options: Any):
        if split not in ("train", "test"):
            raise BadInput(f"Unknown split {split!r}; use train or test.")
        if argument not in COLLECTIONS:
            raise UnknownName(f"Unknown torchvision collection {argument!r}; {did_you_mean(argument, COLLECTIONS)}")
        self.name, self.split = argument, split
        chosen = COLLECTIONS[argument][split == "test"] | options
        self._options = chosen
        self._images = _open(argument, chosen)
        # torchvision promises nothing about threads, and some of its readers share one file.
        self._one_at_a_time = threading.Lock()
        self._index: Sequence[int] = range(len(self._images))
        if COLLECTIONS[argument] is _UNSPLIT:
            self._index = [i for i in self._index if _in_test(argument, i) == (split == "test")]
        self.names = [f"{argument}/{split}/{i:06d}" for i in self._index]
        self.labels = _labels(self._images, self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: int) -> np.ndarray:
        """Photo ``index`` as uint8 (H, W, 3). Raises BadInput when it cannot be read."""
        try:
            with self._one_at_a_time:
                image = self._images[self._index[index]][0]
            if isinstance(image, Image.Image):
                return to_rgb(image)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadInput(f"{self.names[index]}: cannot be read as a photo ({error}); download it again.") from error
        raise BadInput(f"{self.names[index]}: is a {type(image).__name__}, not a photo; choose another set.")

    def fingerprint(self) -> str:
        """SHA-256 over the choice, the length, and the first and last photo.

        The rest is left to torchvision, which checks its downloads' checksums.
        """
        total = hashlib.sha256(f"{self.name} {sorted(self._options.items())} {len(self)}".encode())
        for index in {0, len(self) - 1}:
            total.update(self[index].tobytes())
        return total.hexdigest()


def _open(name: str, options: dict[str, Any]) -> Any:
    import torchvision.datasets  # seconds to import, and only here

    collection = getattr(torchvision.datasets, name)
    accepted = inspect.signature(collection).parameters
    if "root" in accepted:
        options = options | {"root": str(cache_folder("torchvision", name))}
    if "download" in accepted:
        options = options | {"download": True}
    try:
        return collection(**options)
    except TypeError as error:
        raise BadInput(f"torchvision:{name}: wrong option ({error}).") from error
    except (OSError, RuntimeError, ModuleNotFoundError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise Unavailable(
            f"torchvision:{name}: is not on this machine and cannot be downloaded ({reason}); "
            f"put it into {options.get('root', 'its folder')} or use another source."
        ) from error


def _in_test(name: str, index: int) -> bool:
    return hashlib.sha256(f"{name}/{index}".encode()).digest()[0] < TEST_SHARE * 256


def _labels(images: Any, index: Sequence[int]) -> list[int] | None:
    """The class numbers, under whichever name the collection keeps them; None where it does not."""
    for attribute in ("targets", "labels", "_labels", "y"):
        found = getattr(images, attribute, None)
        if found is None or len(found) != len(images):
            continue
        numbers = np.asarray(found)
        if numbers.ndim == 1 and np.issubdtype(numbers.dtype, np.integer):
            return [int(numbers[i]) for i in index]
    return None
