"""A source string → a data set: ``photos``, ``folder:PATH``, ``torchvision:NAME``, or a plugin's name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput, BrokenPlugin, UnknownName, ZooError
from zoo.core.registry import current


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


def open_pair(data: str, test_data: str | None) -> tuple[Dataset, Dataset]:
    """The training photos of ``data``, and the test photos of ``test_data``, or of ``data`` too.

    Where the two come from different sources, neither has to hold anything out for the other.

    Raises:
        ZooError: as :func:`open_source`.
    """
    if test_data is None or test_data == data:
        return open_source(data, "train"), open_source(data, "test")
    return _open_whole(data, "train"), _open_whole(test_data, "test")


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
