"""Shift-tolerant LPIPS (Ghildyal & Liu, "Shift-tolerant Perceptual Similarity Metric", arXiv:2207.13686).

An AlexNet whose every subsampling is a reflection-padded blur (Zhang 2019, arXiv:1904.11486) and
whose first convolution has stride 1, so that a shift nobody sees costs nothing. Its weights are
part of the PyPI package ``stlpips-pytorch``: unlike LPIPS it needs no download. The package's
files are read, the package itself (which imports a notebook shell) is not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.core.errors import Unavailable
from zoo.core.ingredients import of_distribution
from zoo.harness.metrics.exact import exact_float32

SMALLEST = 21
"""Below this side the third blur has nothing to reflect."""
_IMAGES_AT_ONCE = 16
"""The first map is full size with 64 channels: 17 MB for one image of 256×256."""

# (weight prefix in the file, in channels, out channels, kernel, padding) of the five convolutions.
_CONVOLUTIONS = (
    ("net.slice1.0", 3, 64, 11, 2),
    ("net.slice2.5", 64, 192, 5, 2),
    ("net.slice3.9", 192, 384, 3, 1),
    ("net.slice4.11", 384, 256, 3, 1),
    ("net.slice5.13", 256, 256, 3, 1),
)


class BlurPool(nn.Module):
    """Every second pixel of the image blurred by [1, 2, 1]² / 16, reflected by two pixels all round."""

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(line, line), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.get_buffer("kernel").expand(channels, 1, 3, 3)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=channels)


class ShiftTolerantDistance(nn.Module):
    """The trunk, and one non-negative weight a channel for each of its five feature maps."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, width, size, padding=padding) for _, channels, width, size, padding in _CONVOLUTIONS
        )
        self.linear = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for _, _, width, _, _ in _CONVOLUTIONS)
        self.blur = BlurPool()
        self.register_buffer("shift", torch.zeros(1, 3, 1, 1))
        self.register_buffer("scale", torch.ones(1, 3, 1, 1))

    def features(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [-1, 1] → the five rectified maps, at 1/2, 1/4, 1/8, 1/8, 1/8."""
        first, second, third, fourth, fifth = self.convolutions
        x = (x - self.get_buffer("shift")) / self.get_buffer("scale")
        maps = [F.relu(self.blur(first(x)))]
        for convolution in (second, third):
            pooled = F.max_pool2d(maps[-1], kernel_size=3, stride=1)
            maps.append(F.relu(convolution(self.blur(pooled))))
        for convolution in (fourth, fifth):
            maps.append(F.relu(convolution(maps[-1])))
        return maps

    def units(self, pictures: Tensor) -> list[Tensor]:
        """uint8 (N, 3, H, W) → the five maps, each feature vector of length 1."""
        maps = self.features(pictures.float() / 127.5 - 1)
        return [each / (torch.linalg.vector_norm(each, dim=1, keepdim=True) + 1e-10) for each in maps]

    def forward(self, x: Sequence[Tensor], y: Sequence[Tensor]) -> Tensor:
        """The :meth:`units` of two pictures → (N,): weighted squared differences."""
        distance = x[0].new_zeros(len(x[0]))
        for of_x, of_y, linear in zip(x, y, self.linear, strict=True):
            distance = distance + linear((of_x - of_y).square()).mean(dim=(1, 2, 3))
        return distance


def _weights_file() -> Path:
    """Where the installed package keeps its AlexNet, found without importing it."""
    package = importlib.util.find_spec("stlpips_pytorch")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        file = Path(folder, "weights", "vST0.0", "alex_shift_tolerant.pth")
        if file.is_file():
            return file
    raise Unavailable(
        "st_lpips: its weights are in the package stlpips-pytorch; install it with `pip install stlpips-pytorch`."
    )


@lru_cache(maxsize=1)
def _pretrained() -> ShiftTolerantDistance:
    stored = torch.load(_weights_file(), map_location="cpu", weights_only=True)
    state = {"shift": stored["scaling_layer.shift"], "scale": stored["scaling_layer.scale"]}
    for index, (prefix, *_) in enumerate(_CONVOLUTIONS):
        state[f"convolutions.{index}.weight"] = stored[f"{prefix}.weight"]
        state[f"convolutions.{index}.bias"] = stored[f"{prefix}.bias"]
        state[f"linear.{index}.weight"] = stored[f"lin{index}.model.1.weight"]
    with torch.random.fork_rng(devices=[]):
        net = ShiftTolerantDistance()
    net.load_state_dict(state)
    return net.requires_grad_(False).eval()


class STLPIPS:
    """ST-LPIPS, AlexNet: 0 for identical images, about .4 for a photo against its grey version.

    It is not LPIPS, and the two numbers do not compare. Images with a side under 21 px score NaN.

    Raises:
        Unavailable: ``stlpips-pytorch`` is not installed.
    """

    name = "st_lpips"
    higher_is_better = False
    version = "alex-vST0.0"

    @staticmethod
    def ingredients() -> dict[str, str]:
        """The package that ships the weights."""
        return {"stlpips-pytorch": of_distribution("stlpips-pytorch")}

    def __init__(self) -> None:
        self._net = _pretrained()
        self._last: tuple[Tensor, list[list[Tensor]]] | None = None

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32."""
        device = target.device
        if min(target.shape[-2:]) < SMALLEST:
            return torch.full((len(target),), torch.nan, device=device)
        net = self._net.to(device)
        with exact_float32(device):
            pairs = zip(prediction.split(_IMAGES_AT_ONCE), self._of_target(net, target), strict=True)
            return torch.cat([net(net.units(x), of_target) for x, of_target in pairs])

    def _of_target(self, net: ShiftTolerantDistance, target: Tensor) -> list[list[Tensor]]:
        """Its maps, those of the last call where it is the same: a sampler's draws are all measured against it."""
        if self._last is None or self._last[0].device != target.device or not torch.equal(self._last[0], target):
            self._last = None  # before the next ones are made: of large photos they are hundreds of MB
            self._last = target.clone(), [net.units(each) for each in target.split(_IMAGES_AT_ONCE)]
        return self._last[1]
