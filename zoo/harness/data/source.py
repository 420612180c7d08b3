"""A source string → a data set: ``photos``, ``folder:PATH``, ``torchvision:NAME``, or a plugin's name."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput, BrokenPlugin, UnknownName, ZooError
from zoo.core.registry import current
from zoo.harness.data.build import for_validation


def open_source(text: str, split: str, **options: Any) -> Dataset:
    """The split of the source that ``text`` names: ``NAME`` or ``NAME:ARGUMENT``.

    What follows the first colon is handed to the registered class as ``argument``.

    Raises:
        UnknownName: nothing is registered under the name; the message has the nearest ones.
        BadInput: an argument is missing or not wanted, or the source itself cannot be used.
        BrokenPlugin: a plugin's data set fails with an error of its own.
    """
    name, colon, argument = text.partition(":")
    try:
        dataset_class = current().load("datasets", name)
    except UnknownName as error:
        if _is_folder(text):
            raise BadInput(f"{text!r} is a folder, not a source; write 'folder:{text}'.") from error
        raise
    if colon:
        options["argument"] = argument
    _check_options(dataset_class, text, name, split, options)
    try:
        dataset: Dataset = dataset_class(split, **options)
        return dataset
    except ZooError:
        raise
    except Exception as error:
        raise BrokenPlugin(f"The source {text!r} cannot be opened: {type(error).__name__}: {error}") from error


def canonical(text: str) -> str:
    """The source as a record keeps it: what ``text`` means here, wherever it is read again.

    A data set whose argument is a place names it with a static method ``canonical(argument) -> str``; a folder's is
    its absolute path. A source that cannot be opened at all is left as it is: opening it says why.
    """
    name, colon, argument = text.partition(":")
    if not colon:
        return text
    try:
        canonical_argument = getattr(current().load("datasets", name), "canonical", None)
    except ZooError:
        return text
    return f"{name}:{canonical_argument(argument)}" if canonical_argument is not None else text


def open_tests(data: str) -> Dataset:
    """All test photos of ``data``: nothing is held out for a training.

    Raises:
        ZooError: as :func:`open_source`.
    """
    return _open_whole(data, "test")


class Splits(NamedTuple):
    """The photos to train on, those to look at on the way and to choose by, and those to test with."""

    train: Dataset
    validation: Dataset
    test: Dataset


def open_splits(data: str, test_data: str | None) -> Splits:
    """The training and validation photos of ``data``, and the test photos of ``test_data``, or of ``data`` too.

    Where the test photos come from another source, neither has to hold anything out for the other. A data set whose
    class does not name a split ``validation`` in ``splits`` is never asked for one: a part of its training photos is
    kept for it (:func:`divided`).

    Raises:
        ZooError: as :func:`open_source`.
    """
    opened = open_source if test_data is None or test_data == data else _open_whole
    training = opened(data, "train")
    if "validation" in getattr(training, "splits", ()):
        validation = opened(data, "validation")
    else:
        training, validation = divided(training)
    return Splits(training, validation, opened(test_data or data, "test"))


class Portion:
    """The photos of ``whole`` at ``indices``, with whatever else ``whole`` says of them."""

    def __init__(self, whole: Dataset, indices: Sequence[int]):
        self._whole: Any = whole
        self._indices = list(indices)
        names = getattr(whole, "names", None) or range(len(whole))
        self.names = [str(names[i]) for i in self._indices]
        self.labels, self.originals = (self._chosen(getattr(whole, each, None)) for each in ("labels", "originals"))
        self.notes = tuple(getattr(whole, "notes", ()))

    def _chosen(self, values: Sequence[Any] | None) -> list[Any] | None:
        return [values[i] for i in self._indices] if values else None

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> np.ndarray:
        """Photo ``index`` as uint8 (H, W, 3). Raises what the data set does."""
        photo: np.ndarray = self._whole[self._indices[index]]
        return photo

    def __getattr__(self, name: str) -> Callable[[int], Any]:
        """``photo`` and ``pixels`` of the data set, if it has them."""
        if name not in ("photo", "pixels"):
            raise AttributeError(name)
        method = getattr(self._whole, name)
        return lambda index: method(self._indices[index])

    def fingerprint(self) -> str:
        """SHA-256 over the data set's kind and its fingerprint, and which photos of it these are."""
        kind = type(self._whole)
        identity = f"{kind.__module__}:{kind.__qualname__} {self._whole.fingerprint()} {self._indices}"
        return hashlib.sha256(identity.encode()).hexdigest()


def divided(training: Dataset) -> tuple[Portion, Portion]:
    """To train on, and for validation: about a tenth, chosen by the photos' names; of very few photos none."""
    names = list(map(str, getattr(training, "names", None) or range(len(training))))
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    kept = for_validation(digests)
    sides = [[i for i, digest in enumerate(digests) if (digest in kept) == validates] for validates in (False, True)]
    return Portion(training, sides[0]), Portion(training, sides[1])


def _open_whole(text: str, split: str) -> Dataset:
    name = text.partition(":")[0]
    try:
        takes_whole = "whole" in inspect.signature(current().load("datasets", name)).parameters
    except ZooError:
        takes_whole = False  # open_source says what is wrong with it
    return open_source(text, split, whole=True) if takes_whole else open_source(text, split)


def _is_folder(text: str) -> bool:
    try:
        return Path(text).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False  # too long for a path, or the home of nobody


def _check_options(dataset_class: Any, text: str, name: str, split: str, options: dict[str, Any]) -> None:
    try:
        inspect.signature(dataset_class).bind(split, **options)
    except TypeError as error:
        if str(error) == "missing a required argument: 'argument'":
            raise BadInput(f"The source {text!r} needs an argument; write '{name}:ARGUMENT'.") from error
        if "argument" in options and "'argument'" in str(error):
            raise BadInput(f"The source {name!r} takes no argument; write {name!r} alone.") from error
        raise BadInput(f"The source {text!r} cannot be opened so ({error}).") from error
