"""The learned perceptual distance, as a loss."""

from __future__ import annotations

import warnings
from typing import Self

import lpips
import torch
from torch import Tensor, nn

from zoo.core.color import join_lab
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput, did_you_mean
from zoo.core.ingredients import of_distribution
from zoo.parts.weights.imagenet import freeze_with, trunk_ingredients, trunk_state

NETS = {"alex": "alexnet", "squeeze": "squeezenet1_1", "vgg": "vgg16"}
SMALLEST = 32
"""No side of a photo may be smaller: the trunks pool by up to 16 and AlexNet's first window is 11."""

_TINY = 1e-10


class LPIPS(nn.Module):
    """Mean LPIPS v0.1 between predicted and true colours on the true lightness.

    Source: Zhang et al. 2018 (arXiv:1801.03924, eq. 1); the linear layers are those of the ``lpips``
    package, the trunk's weights torchvision's. Equal to the package's own value; only that pixels
    without any active feature, where the package's gradient is not finite, have a gradient here.

    Args:
        net: ``alex``, ``squeeze`` or ``vgg``.
        trunk_file: torchvision's state dict of that trunk; ``None``: downloaded, or found in its cache.

    Raises:
        BadInput: an unknown net, or a file that does not fit; in use, a photo with a side below 32.
        Unavailable: the trunk's weights cannot be had here; random ones are never used.
    """

    @staticmethod
    def ingredients(*, net: str, trunk_file: str | None) -> dict[str, str]:
        """The trunk's weights, and the package whose linear layers are taken."""
        return {**trunk_ingredients(NETS.get(net, net), trunk_file), "lpips": of_distribution("lpips")}

    def __init__(self, net: str = "alex", trunk_file: str | None = None) -> None:
        super().__init__()
        if net not in NETS:
            raise BadInput(f"loss 'lpips': there is no net '{net}'; {did_you_mean(net, NETS)}")
        state = trunk_state(NETS[net], trunk_file)
        # Weights are replaced at once, so leave no trace; the package calls torchvision in an old way.
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            distance = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        # The package's "slice2.3.weight" is torchvision's "features.3.weight".
        sliced = {
            key: state["features." + key.split(".", 1)[1]]
            for key in distance.net.state_dict()
            if "features." + key.split(".", 1)[1] in state
        }
        freeze_with(distance.net, sliced, NETS[net])
        self.distance = distance.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        if min(batch.ab.shape[2:]) < SMALLEST:
            raise BadInput(f"loss 'lpips' needs photos of {SMALLEST} pixels and more; train on larger crops.")
        with torch.no_grad():
            target = self._features(join_lab(batch.lightness, batch.ab))
        predicted = self._features(join_lab(batch.lightness, prediction["ab"]))
        with torch.autocast(batch.ab.device.type, enabled=False):
            terms = [
                linear((p - t).square()).mean()
                for linear, p, t in zip(self.distance.lins, predicted, target, strict=True)
            ]
        return sum(terms[1:], terms[0])

    def _features(self, rgb: Tensor) -> list[Tensor]:
        """Maps of unit length over channels; the tiny term stands inside the root for its gradient."""
        with torch.autocast(rgb.device.type, enabled=False):
            maps = self.distance.net(self.distance.scaling_layer(2 * rgb - 1))
            return [m / (m.square().sum(1, keepdim=True) + _TINY**2).sqrt().add(_TINY) for m in maps]
