"""State dicts as people have them: read without ever running code that a pickle may hold, unwrapped as training scripts
wrap them, and compared with what is wanted.
"""

from __future__ import annotations

import argparse
import pickle
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from zoo.core.errors import BadInput

COUNTER = "num_batches_tracked"
"""BatchNorm's counter of steps, which files older than PyTorch 0.4.1 lack and nothing here reads."""

_WRAPPING_SEGMENTS = ("_orig_mod", "module")
"""What ``torch.compile`` and ``DataParallel`` put into names, at the front or in the middle."""
_DEPTH = 4
_LISTED = 100


class Layout(NamedTuple):
    """What a state dict must hold.

    Args:
        shapes: name → shape.
        more: whether it may hold other tensors besides, as a classifier does of which the trunk is wanted.
        name: what messages call it.
    """

    shapes: Mapping[str, Sequence[int]]
    more: bool = False
    name: str = ""


class Unwrapped(NamedTuple):
    """A state dict, which of the layouts it has (None: none was asked for), and what was taken off."""

    tensors: dict[str, Tensor]
    layout: Layout | None
    notes: tuple[str, ...]


class _Candidate(NamedTuple):
    """A state dict inside a file under one reading of its names."""

    at: tuple[str, ...]
    dropped: tuple[str, ...]
    prefix: str
    tensors: dict[str, Tensor]
    left: int
    layout: Layout | None = None

    @property
    def averaged(self) -> bool:
        """Whether these are averages over training (EMA), by their place's name."""
        return any("ema" in part.lower().split("_") for part in (*self.at, *self.prefix.split(".")))

    def notes(self) -> tuple[str, ...]:
        found = []
        if self.at:
            found.append(f"unwrapped from {' / '.join(map(repr, self.at))}")
        if self.dropped:
            found.append(f"{' and '.join(repr(part + '.') for part in self.dropped)} taken off its names")
        if self.prefix:
            rest = f", {self.left} other tensors left" if self.left else ""
            found.append(f"{self.prefix!r} taken off its names{rest}")
        return tuple(found)


def layout_of(module: nn.Module, name: str = "") -> Layout:
    """The layout of a module's own state dict."""
    return Layout({key: tuple(value.shape) for key, value in module.state_dict().items()}, name=name)


def unwrap(content: Any, layouts: Sequence[Layout], where: str, what: str = "") -> Unwrapped:
    """The one state dict in ``content`` that has one of the layouts.

    It may lie in nested mappings (``{"state_dict": …}``, ``{"params": …}``, ``{"model": {"params_ema": …}}``), and its
    names may begin with a wrapper's (``module.``, ``_orig_mod.``, Lightning's ``net.``). Where averaged weights
    (EMA) fit beside others, those are taken, as timm and BasicSR do.

    Args:
        content: what the file held.
        where: the file, for messages.
        what: whose weights they should be, for messages.

    Raises:
        BadInput: no named tensors, none that fit (with what is missing, unexpected and of another shape), or several
            that fit and differ.
    """
    mappings = list(_mappings(content))
    if not mappings:
        raise BadInput(f"{where} holds something else than a state dict of named tensors; give a state dict.")
    if not layouts:
        most = max(len(tensors) for _, tensors in mappings)  # a lone tensor beside them is a loss or a counter
        return _taken([_plain(at, tensors) for at, tensors in mappings if 2 * len(tensors) > most], where)
    readings = [
        reading._replace(layout=layout)
        for at, tensors in mappings
        for layout in layouts
        for reading in _readings(at, tensors, layout)
    ]
    fitting = [reading for reading in readings if not _misfit(reading)]
    if fitting:
        return _taken(fitting, where)
    nearest = min(readings, key=_misfit)
    assert nearest.layout is not None
    of = " ".join(filter(None, (what or "the model", nearest.layout.name and f"({nearest.layout.name})")))
    inside = f" in {' / '.join(map(repr, nearest.at))}" if nearest.at else ""
    raise BadInput(
        f"{where} does not fit {of}: of the {len(nearest.tensors)} tensors{inside} and the "
        f"{len(nearest.layout.shapes)} wanted, {differences(nearest.tensors, nearest.layout)}; "
        "give its own weights, and set the options that these were trained with."
    )


def differences(state: Mapping[str, Tensor], layout: Layout) -> str:
    """What is missing, unexpected and of another shape, all of it; empty where ``state`` has the layout."""
    missing, unexpected, reshaped = _sorted_out(state, layout)
    parts = []
    if missing:
        parts.append(f"{names(missing)} missing")
    if unexpected:
        parts.append(f"it has no {names(unexpected)}")
    wrong = [f"{key} has shape {tuple(state[key].shape)}, not {tuple(layout.shapes[key])}" for key in reshaped]
    return "; ".join([*parts, *wrong])


def names(keys: Sequence[str]) -> str:
    """All of the names; where they are hundreds, by module with their number."""
    if len(keys) <= _LISTED:
        return ", ".join(keys)
    return ", ".join(
        f"{module}.* ({count})" if count > 1 else module
        for module, count in Counter(key.partition(".")[0] for key in keys).items()
    )


def _sorted_out(state: Mapping[str, Tensor], layout: Layout) -> tuple[list[str], list[str], list[str]]:
    missing = [key for key in layout.shapes if key not in state and key.rpartition(".")[2] != COUNTER]
    unexpected = [] if layout.more else [key for key in state if key not in layout.shapes]
    reshaped = [key for key, shape in layout.shapes.items() if key in state and tuple(state[key].shape) != tuple(shape)]
    return missing, unexpected, reshaped


def _misfit(candidate: _Candidate) -> int:
    assert candidate.layout is not None
    return sum(map(len, _sorted_out(candidate.tensors, candidate.layout)))


def _mappings(content: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Every mapping of names that holds tensors, with its place; a training state's numbers and texts are left."""
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        return
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield at, tensors
    if len(at) < _DEPTH:
        for key, value in content.items():
            yield from _mappings(value, (*at, key))


def _readings(at: tuple[str, ...], tensors: dict[str, Tensor], layout: Layout) -> Iterator[_Candidate]:
    """The names as they are, without wrappers' segments, and each without the prefixes that make them wanted ones."""
    for count in range(len(_WRAPPING_SEGMENTS) + 1):
        dropped, renamed = _without(tensors, _WRAPPING_SEGMENTS[:count])
        if count and (not dropped or len(renamed) < len(tensors)):
            continue
        for prefix in ("", *_prefixes(renamed, layout)):
            inside = {key[len(prefix) :]: value for key, value in renamed.items() if key.startswith(prefix)}
            yield _Candidate(at, dropped, prefix, inside, len(renamed) - len(inside))


def _prefixes(keys: Iterable[str], layout: Layout) -> list[str]:
    """What stands before wanted names, where at least half of these are there."""
    found: Counter[str] = Counter()
    for key in keys:
        start = key.find(".") + 1
        while start:
            if key[start:] in layout.shapes:
                found[key[:start]] += 1
            start = key.find(".", start) + 1
    return [prefix for prefix, count in found.items() if 2 * count >= len(layout.shapes)]


def _without(tensors: dict[str, Tensor], segments: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """The tensors with those segments taken out of their names, and which of them were there."""
    split = {key: key.split(".") for key in tensors}
    there = tuple(part for part in segments if any(part in parts for parts in split.values()))
    return there, {".".join(p for p in split[key] if p not in there): value for key, value in tensors.items()}


def _plain(at: tuple[str, ...], tensors: dict[str, Tensor]) -> _Candidate:
    """Where no layout is known: without the wrappers' segments that all names begin with."""
    dropped: list[str] = []
    while True:
        first = {key.partition(".")[0] for key in tensors}
        if len(first) != 1 or not first <= {*_WRAPPING_SEGMENTS}:
            return _Candidate(at, tuple(dropped), "", tensors, 0)
        dropped += first
        tensors = {key.partition(".")[2]: value for key, value in tensors.items()}


def _taken(candidates: list[_Candidate], where: str) -> Unwrapped:
    """The only candidate, the only averaged one, or the first of several that hold the same."""
    averaged = [candidate for candidate in candidates if candidate.averaged]
    chosen = averaged or candidates
    first = chosen[0]
    for other in chosen[1:]:
        if not _same(first.tensors, other.tensors):
            inside = " and ".join(dict.fromkeys(_inside(candidate) for candidate in chosen))
            raise BadInput(f"{where} holds several state dicts ({inside}); save the one that is meant alone.")
    return Unwrapped(first.tensors, first.layout, first.notes())


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        value is other[key] or value.equal(other[key]) for key, value in one.items()
    )


def _inside(candidate: _Candidate) -> str:
    return " / ".join(map(repr, (*candidate.at, candidate.prefix) if candidate.prefix else candidate.at)) or "its top"


_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    SafetensorError,
)
_OF_OTHERS = {b"\x89HDF": "an HDF5 file, as Keras writes them", b"BZh": "compressed", b"\x1f\x8b": "compressed"}
"""What people take for weights, by a file's first bytes."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, whatever it is of; see :func:`read_state`."""
    return read_state(path).tensors


def read_state(path: Path, layouts: Sequence[Layout] = (), *, what: str = "") -> Unwrapped:
    """The state dict in a file: ``.safetensors``, or torch's own format, of which only tensors and plain data are read.

    The one reader of files that come from elsewhere. Checkpoints of the common shapes are unwrapped, see
    :func:`zoo.core.state_dict.unwrap`.

    Args:
        layouts: what is looked for; without any, whatever state dict is in it.
        what: whose weights they should be, for messages.

    Raises:
        BadInput: missing, cut short, holding anything but named tensors, or the tensors of something else.
    """
    return unwrap(_content(path), layouts, str(path), what)


def _content(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if path.suffix == ".safetensors" or start[8:9] == b"{":
            return load_file(path)
        # A Namespace is what training scripts put beside their tensors: it holds attributes and nothing that runs.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on pickles of other protocols that it reads all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        # torch's own message would advise to switch the safety off.
        reason = (isinstance(error, OSError) and error.strerror) or _what_else(path)
        raise BadInput(
            f"{path} cannot be read as a whole state dict ({reason}); give .safetensors or torch's format."
        ) from None


def _what_else(path: Path) -> str:
    """Why a file that could be opened is no state dict, as far as it can be told without running it."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        for magic, name in _OF_OTHERS.items():
            if start.startswith(magic):
                return f"it is {name}"
        classes = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except _DAMAGE:
        return "cut short, or more than tensors"
    if classes:
        shown = ", ".join(sorted(ascii(name)[1:-1] for name in classes))
        return f"more than tensors: it holds {shown}, whose code is not run"
    return "cut short, or more than tensors"
