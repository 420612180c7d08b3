"""Checkpoints of public originals: their keys and shapes, checked and brought to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from zoo.core.errors import BadInput

_SHOWN = 3
_OPTIONAL = "num_batches_tracked"
"""BatchNorm's counter of steps, which files older than PyTorch 0.4.1 lack and nothing here reads."""


def published_name(key: str, prefixes: Mapping[str, str]) -> str | None:
    """What the original calls our ``key``, given its name for each of our modules; None where it has no such thing."""
    for ours, theirs in prefixes.items():
        if key.startswith(ours + "."):
            return theirs + key[len(ours) :]
    return None


def take_published(state: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]], where: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint, which must have the keys and shapes of ``shapes`` and no others.

    Args:
        state: the original's state dict.
        shapes: what it must hold.
        where: what error messages call the original.

    Raises:
        BadInput: keys that are missing or unknown, or tensors of another shape, with their names.
    """
    missing = [key for key in shapes if key not in state and not key.endswith(_OPTIONAL)]
    if missing:
        raise BadInput(f"These weights are not {where}'s: {_shown(missing)} missing; give its published state dict.")
    unknown = [key for key in state if key not in shapes]
    if unknown:
        raise BadInput(f"These weights are not {where}'s: it has no {_shown(unknown)}; give its published state dict.")
    for key, tensor in state.items():
        if tuple(tensor.shape) != tuple(shapes[key]):
            raise BadInput(
                f"These weights are not {where}'s: {key} has shape {tuple(tensor.shape)}, not {tuple(shapes[key])}; "
                "give its published state dict."
            )
    return {key: state[key] if key in state else torch.zeros((), dtype=torch.long) for key in shapes}


def _shown(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
