"""The test path: every photo once, in order, with hints that are the same for every model.

The colours and hints are computed on the CPU and then moved: a hint must not depend on the
device, the batch size or the other photos, or two models would be asked different questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.core.color import split_lab
from zoo.core.contracts import Batch, HintSampler
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.crop import centre, check_size
from zoo.harness.data.extras import Extra, View, compute


class Evaluation(NamedTuple):
    """A batch of test photos.

    ``rgb`` is the truth to score against: uint8 (N, 3, H, W), on the device of the batch.
    ``indices`` and ``names`` say which photos of the bank they are.
    """

    batch: Batch
    rgb: Tensor
    indices: range
    names: tuple[str, ...]


def evaluation_batches(
    bank: PhotoBank,
    *,
    size: int,
    batch_size: int,
    device: torch.device | str,
    hint_seed: int,
    hint_sampler: HintSampler,
    extras: Mapping[str, Extra] | None = None,
) -> Iterator[Evaluation]:
    """The bank's photos in its order, cut from the middle, not augmented. The last batch may be short.

    Args:
        hint_seed: with a photo's name it decides that photo's hints, and nothing else does.
        extras: providers opened for the CPU.

    Raises:
        BadInput: ``size`` is larger than the bank's photos.
    """
    check_size(size, bank.side)
    pixels = bank.tensor()
    for start in range(0, len(bank), batch_size):
        indices = range(start, min(start + batch_size, len(bank)))
        names = bank.names[indices.start : indices.stop]
        position = torch.arange(indices.start, indices.stop)
        rgb = centre(pixels, position, size)
        lightness, ab = split_lab(rgb)
        hint_ab, hint_mask = hints_by_name(ab, names, hint_seed, hint_sampler)
        extra = compute(extras or {}, View(indices=position, rgb=rgb, ab=ab))
        batch = Batch(
            lightness.to(device),
            ab.to(device),
            hint_ab.to(device),
            hint_mask.to(device),
            {name: value.to(device) for name, value in extra.items()},
        )
        yield Evaluation(batch, rgb.to(device), indices, names)


def hints_by_name(ab: Tensor, names: tuple[str, ...], seed: int, sampler: HintSampler) -> tuple[Tensor, Tensor]:
    """Hints drawn photo by photo, each from a generator seeded by ``seed`` and the photo's name.

    Args:
        ab: (N, 2, H, W), on the CPU.

    Returns:
        ``hint_ab`` (N, 2, H, W) and ``hint_mask`` (N, 1, H, W).
    """
    drawn = []
    for colours, name in zip(ab, names, strict=True):
        drawn.append(sampler(colours[None].clone(), photo_generator(name, seed)))
    return torch.cat([ab for ab, _ in drawn]), torch.cat([mask for _, mask in drawn])


def photo_generator(name: str, seed: int) -> torch.Generator:
    """The generator of one photo's hints, on the CPU."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
