"""Hints spread before a network sees them: the network adds what spreading alone does not know."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.colorizer import refiner_of
from zoo.core.contracts import Prediction
from zoo.core.spec import ColorizerOptions

AT_ZERO = "predicts_ab"
"""The attribute by which a layer says that its output is ab: a residual begins with it at zero."""


class Propagated(nn.Module):
    """A propagator, and upon it a network or nothing.

    ``forward``: condition (N, 4, H, W), H and W multiples of ``stride``, to a prediction. The network is given
    lightness, the propagator's ab · gain and its confidence in place of the hints and their mask (with
    ``reads="both"`` after the whole condition); its ab is added to the propagator's, and a refiner goes on
    from there. ``confidence`` (N, 1, H, W) is in the prediction for who wants it.

    Args:
        propagator: condition → ab (N, 2, H, W), or ab and confidence (N, 1, H, W) in [0, 1]; without one it is 1
            in a photo with hints.
        network: as for :class:`~zoo.core.colorizer.Colorizer`; None leaves the propagator's ab as it is.
        told: how they are joined.
    """

    def __init__(self, propagator: nn.Module, network: nn.Module | None, told: ColorizerOptions):
        super().__init__()
        self.propagator = propagator
        self.network = network
        self.told = told
        if network is None:
            self.stride = getattr(propagator, "stride", 1)
        elif hasattr(network, "stride"):
            self.stride = network.stride
        if network is not None and told.residual:
            for layer in network.modules():
                if getattr(layer, AT_ZERO, False):
                    _zero(layer)

    @property
    def extras(self) -> tuple[str, ...]:
        return tuple(getattr(self.network, "extras", ()))

    def forward(self, condition: Tensor, extras: Mapping[str, Tensor] | None = None) -> Prediction:
        lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        spread, confidence = self.spread(condition)
        prediction: Prediction = {"ab": spread}
        if self.network is not None:
            gain = self.told.hint_gain
            seen = torch.cat((lightness, spread * gain, confidence), dim=1)
            if self.told.reads == "both":
                seen = torch.cat((lightness, hint_ab * gain, mask, spread * gain, confidence), dim=1)
            output = self.network(seen) if extras is None else self.network(seen, extras)
            prediction = dict(output) if isinstance(output, Mapping) else {"ab": output}
            ab = enlarged(prediction["ab"], condition)
            prediction["ab"] = spread + ab if self.told.residual else ab
            if refiner := refiner_of(self.network):
                prediction = refiner.refine(prediction, condition)
        if self.told.keep_hints:
            prediction["ab"] = torch.where(mask > 0, hint_ab, prediction["ab"])
        return {**prediction, "confidence": confidence}

    def spread(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The propagator's ab and confidence."""
        found = self.propagator(condition)
        if isinstance(found, Tensor):
            hinted = (condition[:, 3:] > 0).flatten(1).any(1).to(found.dtype)
            return found, hinted[:, None, None, None].expand_as(condition[:, :1])
        ab, confidence = found
        return ab, confidence


def enlarged(image: Tensor, to: Tensor) -> Tensor:
    """(N, C, h, w) bilinearly at the size of ``to``; as it is where it has that size."""
    if image.shape[-2:] == to.shape[-2:]:
        return image
    return F.interpolate(image, to.shape[-2:], mode="bilinear", align_corners=False)


@torch.no_grad()
def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters(recurse=False):
        parameter.zero_()
