"""Checkpoints of public originals: their keys and shapes, checked and brought to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from zoo.core.errors import BadInput
from zoo.core.state_dict import Layout, differences


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
    found = differences(state, Layout(shapes))
    if found:
        raise BadInput(f"These weights are not {where}'s: {found}; give its published state dict.")
    return {key: state[key] if key in state else torch.zeros((), dtype=torch.long) for key in shapes}
