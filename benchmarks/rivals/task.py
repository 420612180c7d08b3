"""What all contestants have in common: the network, the photos, the batch, the precision, and the questions asked."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn

from zoo.core.assemble import assemble
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import HINT_GAIN
from zoo.core.resolve import resolve
from zoo.harness.data.folder import FOLDER
from zoo.harness.plan.suite import Suite, load_suite, open_photos, scored_photos
from zoo.harness.training import device as devices

BATCH = 16
SUITE = str(Path(__file__).with_name("ten.yaml"))
"""Batch, recipe, hints and test photos of all of them."""
LOADED = {32: 36, 64: 72, 128: 144}
"""Side of the crops, and of the photos that they are cut from."""


class Case(NamedTuple):
    """What is trained: a network by name, at so many pixels, on a device; workers load photos."""

    network: str
    px: int
    device: torch.device
    workers: int = 0
    compile: bool = False

    @property
    def suite(self) -> Suite:
        return msgspec.structs.replace(load_suite(SUITE), size=self.px, load_size=LOADED[self.px])

    @property
    def precision(self) -> str:
        return devices.pick_precision("auto", self.device)


class SmpUnet(nn.Module):
    """segmentation_models_pytorch's U-Net upon a ResNet-18, from nothing."""

    stride = 32

    def __init__(self) -> None:
        super().__init__()
        import segmentation_models_pytorch as smp

        self.unet = smp.Unet("resnet18", encoder_weights=None, in_channels=4, classes=2)

    def forward(self, condition: Tensor) -> Tensor:
        return self.unet(condition)


def colorizer(case: Case) -> Colorizer:
    """The network of everyone, from the same random numbers: ``smp_unet``, or a row of the zoo at the suite's sizes."""
    torch.manual_seed(0)
    if case.network == "smp_unet":
        return Colorizer(SmpUnet(), hint_gain=HINT_GAIN)
    return assemble(resolve(case.network, defaults=case.suite.options))


def files() -> list[Path]:
    """The photos to train on."""
    return sorted((FOLDER / "train").glob("*.jpg"))


class Question(NamedTuple):
    """Photos looked at on the way: condition (N, 4, H, W), lightness (N, 1, H, W), the truth uint8 (N, 3, H, W)."""

    condition: Tensor
    lightness: Tensor
    rgb: Tensor


def questions(case: Case) -> list[Question]:
    """The validation photos with hints that are the same for everyone, in batches on the device."""
    suite = case.suite
    found = scored_photos(suite, open_photos(suite), (), case.device)
    return [Question(each.batch.condition, each.batch.lightness, each.rgb) for each in found]
