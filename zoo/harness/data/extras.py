"""What some models ask for beyond the condition: a small table from name to tensor.

A model names them in ``extras``; the harness puts them into ``Batch.extras`` under these names.

==============  ==================  ======================================================================
name            shape               values
==============  ==================  ======================================================================
``truth_ab``    (N, 2, H, W)        the true ab
``rgb``         (N, 3, H, W)        the photo, uint8
``label``       (N,)                class, int64; −1 where the source knows none
``histogram``   (N, 2, H/4, W/4)    the true ab averaged over 4×4 pixels, sizes rounded up: what the
                                    global hints of Zhang 2017 (arXiv:1705.02999, 3.2) quantise
``saturation``  (N, 1)              mean HSV saturation in [0, 1] (same source)
``reference``   (N, 3, H, W)        the nearest other training photo in RGB, uint8 (``reference.py``)
==============  ==================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.errors import UnknownName, did_you_mean
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.crop import centre
from zoo.harness.data.reference import nearest


class View(NamedTuple):
    """The photos of a batch: places in the bank (N,), uint8 rgb (N, 3, H, W), ab (N, 2, H, W)."""

    indices: Tensor
    rgb: Tensor
    ab: Tensor


class Banks(NamedTuple):
    """What a provider may prepare itself from: the photos in use, and those for training."""

    photos: PhotoBank
    training: PhotoBank
    device: torch.device


Extra = Callable[[View], Tensor]


def _label(banks: Banks) -> Extra:
    labels = torch.tensor(banks.photos.labels or [-1] * len(banks.photos), device=banks.device)
    return lambda view: labels[view.indices]


def _saturation(view: View) -> Tensor:
    rgb = view.rgb.float()
    highest, lowest = rgb.amax(1), rgb.amin(1)
    return ((highest - lowest) / highest.clamp_min(1)).mean((1, 2))[:, None]


def _reference(banks: Banks) -> Extra:
    pixels = banks.training.tensor()
    same = banks.photos.fingerprint == banks.training.fingerprint
    found = nearest(banks.photos.tensor(), pixels, device=banks.device, others_only=same)
    # Only the photos that are somebody's nearest need to lie on the device.
    used, place = found.unique(return_inverse=True)
    chosen, place = pixels[used.cpu()].to(banks.device), place.to(banks.device)
    return lambda view: centre(chosen, place[view.indices], view.rgb.shape[-1])


PROVIDERS: dict[str, Callable[[Banks], Extra]] = {
    "truth_ab": lambda banks: lambda view: view.ab,
    "rgb": lambda banks: lambda view: view.rgb,
    "label": _label,
    "histogram": lambda banks: lambda view: F.avg_pool2d(view.ab, 4, ceil_mode=True),
    "saturation": lambda banks: _saturation,
    "reference": _reference,
}


def open_extras(
    names: Iterable[str], photos: PhotoBank, *, training: PhotoBank, device: torch.device | str
) -> dict[str, Extra]:
    """Providers for the photos of one bank, prepared once.

    Args:
        photos: the bank the batches are cut from.
        training: the bank references are taken from.
        device: where the batches' tensors will be when providers see them (for
            ``evaluation_batches`` that is the CPU).

    Raises:
        UnknownName: with the nearest names.
    """
    banks = Banks(photos, training, torch.device(device))
    opened: dict[str, Extra] = {}
    for name in names:
        if name not in PROVIDERS:
            raise UnknownName(f"Unknown extra {name!r}; {did_you_mean(name, PROVIDERS)}")
        opened[name] = PROVIDERS[name](banks)
    return opened


def compute(extras: Mapping[str, Extra], view: View) -> dict[str, Tensor]:
    """Every extra of one batch."""
    return {name: extra(view) for name, extra in extras.items()}
