"""Weights that are given instead of trained: a file, or a published one by name, and the options they need.

The table is ``weights:`` in registry.yaml and in the user's registry files. A file is known by its SHA-256, whatever
it is called; its tensors are in our layout, or in that of the network's public original.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.core.colorizer import Colorizer
from zoo.core.download import fetch
from zoo.core.errors import BadInput, UnknownName, ZooError
from zoo.core.files import sha256_of
from zoo.core.registry import current
from zoo.core.spec import GivenWeights, ModelRow, ModelSpec, WeightsRow, part_ref
from zoo.core.state_dict import Layout, differences, layout_of, read_state

PUBLISHED = "published"
"""What ``--weights`` takes for "the published file of this model"."""

_CLAIM = re.compile(r"-([0-9a-f]{8,64})(?=\.)")
"""Files that torch.hub can check carry the first digits of their hash in their name."""


def given_weights(model: str, weights: str | Path, asked: Mapping[str, Any] | None = None) -> GivenWeights:
    """The file that is meant by ``weights`` for ``model``, downloaded if need be.

    Args:
        model: a registered model.
        weights: a file's path, ``published``, or the name of a row of the table ``weights``.
        asked: options that the caller sets; they win over the table's.

    Raises:
        UnknownName, AmbiguousName: no such model.
        BadInput: no such file, a file that is not what its name says, another model's, or none published.
        Unavailable: it is to be downloaded and cannot be.
    """
    asked = dict(asked or {})
    current().entry("models", model)  # an unknown name is said first
    name, path = _named(model, weights)
    if path is None:
        row = current().weights[name]
        path = fetch(row.url, row.sha256, f"The file of {name!r}", "get it elsewhere and give its path", again=True)
    digest = weights_sha256(path)
    known = {name: row for name, row in current().weights.items() if digest.startswith(row.sha256)}
    if not known:
        _check_claim(path, digest, model)
    said = f"weights from {path.name}, sha256 {digest[:12]}"
    for name, row in known.items():
        if _same_network(model, row.model):
            options = {key: value for key, value in row.options.items() if key not in asked}
            other = {key: value for key, value in row.options.items() if key in asked and asked[key] != value}
            notes = [f"{said}, published as {name!r}{_shown(' with ', options)}"]
            if other:
                notes.append(f"set otherwise than {name!r} needs, which has {_shown('', other)}")
            return GivenWeights(str(path.resolve()), digest, name, options, tuple(notes))
    for name, row in known.items():
        raise BadInput(
            f"{path} holds the published weights {name!r} of {row.model!r}, not of {model!r}; name that model."
        )
    return GivenWeights(str(path.resolve()), digest, notes=(said,))


def weights_sha256(path: Path) -> str:
    """The file's SHA-256.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise BadInput(
            f"--weights {path} cannot be read: {error.strerror or error}; give a file, or {PUBLISHED!r}."
        ) from None


def unknown_file_note(model: str, asked: Mapping[str, Any]) -> str:
    """What to say of a file in a published layout that the table does not know; empty where that may not matter."""
    rows = {name: row for name, row in _rows_of(model).items() if row.options.keys() - asked.keys()}
    if not rows:
        return ""
    needs = ", ".join(f"{name!r} has {_shown('', row.options)}" for name, row in rows.items())
    return f"not a file of the table of published weights: the options are the model's own, while {needs}"


def _named(model: str, weights: str | Path) -> tuple[str, Path | None]:
    """The row that ``weights`` names, or the file."""
    text = str(weights)
    if text == PUBLISHED:
        names = list(_rows_of(model))
        if not names:
            having = ", ".join(sorted({row.model for row in current().weights.values()}))
            raise BadInput(f"No weights are published for {model!r} (there are for {having}); give a file.")
        if len(names) > 1:
            raise BadInput(f"Several weights are published for {model!r}; write one of {', '.join(names)}.")
        return names[0], None
    if text in current().weights and not Path(text).is_file():
        return text, None
    return "", Path(text).expanduser()


def _rows_of(model: str) -> dict[str, WeightsRow]:
    rows = current().weights
    own = {name: row for name, row in rows.items() if row.model == model}
    return own or {name: row for name, row in rows.items() if _same_network(model, row.model)}


def _same_network(model: str, other: str) -> bool:
    """Whether two models are one, or rows of one class with the same presets."""
    if model == other:
        return True
    try:
        one, two = current().entry("models", model), current().entry("models", other)
    except UnknownName:
        return False
    rows = [entry.row for entry in (one, two) if isinstance(entry.row, ModelRow)]
    if len(rows) < 2 or rows[0].network is None or rows[1].network is None:
        return False
    targets = {current().entry("networks", part_ref(row.network, model).name).target for row in rows}
    return len(targets) == 1 and rows[0].options == rows[1].options


def _check_claim(path: Path, digest: str, model: str) -> None:
    """A file that bears a published file's hash in its name must have it."""
    for claim in _CLAIM.findall(path.name):
        for name, row in current().weights.items():
            if row.sha256.startswith(claim) or claim.startswith(row.sha256):
                saved_anew = f"rename it and set its options yourself ({_shown('--set ', row.options)})"
                raise BadInput(
                    f"{path} is named like the published weights {name!r}, but its SHA-256 begins with {digest[:8]}, "
                    f"not {claim}: it is damaged or was saved anew; write --weights {name} to download it, or "
                    f"{saved_anew if row.options else 'rename it'}."
                )


def _shown(lead: str, options: Mapping[str, Any]) -> str:
    shown = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in options.items()]
    return lead + ", ".join(shown) if shown else ""


def load_given(colorizer: Colorizer, weights: GivenWeights, spec: ModelSpec) -> tuple[str, ...]:
    """Load a network's weights from a file in our layout or in that of its public original.

    A network that can take its original's state dict has a static ``from_published(state, *, hint_gain, …)``: the
    original reads the hints as they are, ours multiplied by the colorizer's gain. Options of the network that it
    names besides are passed on. With a static ``published_shapes()`` (name → shape) wrapped checkpoints of the
    original are unwrapped too. Of pickles only tensors are read, no code is run.

    Args:
        weights: from :func:`zoo.core.given_weights.given_weights`; the file's digest must still be the one found then.
        spec: what the colorizer was assembled from.

    Returns:
        Notes: where the weights are from, what was unwrapped, and what is not sure.

    Raises:
        BadInput: not a file of tensors, the tensors of another network, or another file by now.
    """
    path = weights.file
    if weights_sha256(path) != weights.sha256:
        raise BadInput(f"{path} is another file by now than the one begun with; run it again.")
    network = colorizer.network
    options = spec.parts["network"].options if "network" in spec.parts else {}
    own = layout_of(network, "the zoo's own layout")
    layouts = [own]
    convert = getattr(network, "from_published", None)
    shapes = getattr(network, "published_shapes", None)
    if convert is not None and shapes is not None:
        layouts.append(Layout(shapes(), name="its original's layout"))
    # A network that says only how to convert, not what: any state dict, and its converter judges.
    read = read_state(path, layouts if convert is None or shapes is not None else (), what=repr(colorizer.name))
    state, notes = read.tensors, [*weights.notes, *read.notes]
    if convert is not None and (read.layout is not own if read.layout else state.keys() != own.shapes.keys()):
        named = inspect.signature(convert).parameters
        taken = {key: value for key, value in options.items() if key in named}
        try:
            state = convert(state, hint_gain=colorizer.hint_gain, **taken)
        except ZooError:
            raise
        except Exception as error:  # a stranger's converter that met what it does not know
            raise BadInput(
                f"{path} is not in the layout of {colorizer.name!r} nor of its original "
                f"({type(error).__name__}: {error}); give its own weights."
            ) from error
        if not weights.published and (note := unknown_file_note(colorizer.name, options)):
            notes.append(note)
    odd = differences(state, own)
    if odd:
        raise BadInput(f"{path} does not fit {colorizer.name!r}: {odd}; set the options it was trained with.")
    network.load_state_dict(state)
    return tuple(notes)
