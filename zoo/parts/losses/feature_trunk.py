"""A frozen ImageNet classifier, cut into the feature maps that perceptual losses compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from zoo.core.color import join_lab
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput, did_you_mean
from zoo.parts.weights.imagenet import SHIPPED, freeze_with, trunk_state

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
TRUNKS = {name: (f"tf_{name}", _HALF) for name in SHIPPED} | {"vgg16": ("vgg16", _IMAGENET)}
"""Name → timm's architecture, and the mean and standard deviation of its input."""

LEVELS = 5


class FeatureTrunk(nn.Module):
    """RGB (N, 3, H, W) in [0, 1] → one map per chosen level, fine to coarse, float32.

    Levels of ``efficientnet_lite*`` have reductions 2, 4, 8, 16, 32 (linear bottlenecks); levels of
    ``vgg16`` have 1, 2, 4, 8, 16 and are relu1_2, relu2_2, relu3_3, relu4_3, relu5_3.
    Always in evaluation mode, without gradients of its own.

    Args:
        name: one of :data:`TRUNKS`.
        levels: which, 0 to 4, ascending.
        file: a local state dict instead of the installed or downloaded one.

    Raises:
        BadInput: an unknown trunk, a level it does not have, or a file that does not fit.
        Unavailable: its weights cannot be had here.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, levels: Sequence[int], file: str | None = None) -> None:
        import timm  # seconds, with torchvision behind it: only where one is built

        super().__init__()
        if name not in TRUNKS:
            raise BadInput(f"there is no trunk '{name}'; {did_you_mean(name, TRUNKS)}")
        levels = tuple(levels)
        if not levels or list(levels) != sorted({*levels} & {*range(LEVELS)}):
            raise BadInput(f"trunk '{name}': levels {levels} must ascend within 0…{LEVELS - 1}.")
        state = trunk_state(name, file)
        architecture, (mean, std) = TRUNKS[name]
        with torch.random.fork_rng(devices=[]):  # weights are replaced at once; leave no trace
            net: Any = timm.create_model(architecture, features_only=True, out_indices=levels)
        if hasattr(net, "blocks"):  # timm runs all stages of an EfficientNet, whichever are asked for
            del net.blocks[net.feature_info[levels[-1]]["stage"] :]
        # timm flattens VGG's one Sequential into modules named features_0, features_1, …
        freeze_with(net, {k.replace("features.", "features_"): v for k, v in state.items()}, name)
        self.net = net
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        with torch.autocast(rgb.device.type, enabled=False):
            return self.net((rgb.float() - self.mean) / self.std)

    def compare(self, prediction: Prediction, batch: Batch) -> list[tuple[Tensor, Tensor]]:
        """Per level, the features of the predicted colours and of the true ones, on the true lightness."""
        with torch.no_grad():
            target = self(join_lab(batch.lightness, batch.ab))
        return list(zip(self(join_lab(batch.lightness, prediction["ab"])), target, strict=True))


def level_weights(levels: Sequence[int], weights: Sequence[float] | None, loss: str) -> tuple[float, ...]:
    """The given weights, or equal ones that sum to 1.

    Raises:
        BadInput: not one weight per level.
    """
    if weights is None:
        return (1 / len(levels),) * len(levels)
    if len(weights) != len(levels):
        raise BadInput(f"loss '{loss}': {len(weights)} weights for {len(levels)} levels; give one a level.")
    return tuple(weights)
