"""Hints spread before a network sees them: the network adds what spreading alone does not know."""

from __future__ import annotations

from collections.abc import Container, Mapping

import torch
from torch import Tensor, nn

from zoo.core.colorizer import Sampler, Upon, enlarged, refiner_of
from zoo.core.contracts import Prediction
from zoo.core.spec import ColorizerOptions

AT_ZERO = "predicts_ab"
"""The attribute by which a layer says that its output is ab: a residual begins with it at zero."""

STARTED_AT_ZERO = "starts_at_zero"
"""The attribute by which a module says that what it gives begins at zero. Then the layer that makes ab of it keeps its
weights: with both at zero no gradient would ever reach either."""


class Propagated(Upon):
    """A propagator, and upon it a network or nothing.

    ``forward``: condition (N, 4, H, W), H and W multiples of ``stride``, to a prediction. The network is given
    lightness, the propagator's ab · gain and its confidence in place of the hints and their mask (with
    ``reads="both"`` after the whole condition); its ab, every ``ab_…`` that it predicts on the way, and the colours
    of a mixture (``mixture_means``, N × M × 2 × h × w) are added to the propagator's, and a refiner goes on from there.
    ``confidence`` (N, 1, H, W) is in the prediction for who wants it.

    Args:
        propagator: condition → ab (N, 2, H, W), or ab and confidence (N, 1, H, W) in [0, 1], or a prediction with
            them, whose other maps go into ours; without a confidence it is 1 in a photo with hints.
        network: as for :class:`~zoo.core.colorizer.Colorizer`; None leaves the propagator's ab as it is.
        told: how they are joined.
        anchor: a propagator. Of what the network adds, the part that it spreads from the hints is taken off again, so
            that nothing is added there: P(hints) + t - P(t at the hints), regression kriging. In the mean square that
            is no worse than P(hints) alone where t is the mean of the truth, and P the same linear spreading.
    """

    def __init__(
        self,
        propagator: nn.Module,
        network: nn.Module | None,
        told: ColorizerOptions,
        anchor: nn.Module | None = None,
    ):
        super().__init__()
        self.propagator = propagator
        self.anchor = anchor
        self.network = network
        self.told = told
        if network is None:
            self.stride = getattr(propagator, "stride", 1)
        elif hasattr(network, "stride"):
            self.stride = network.stride
        if network is not None and told.residual:
            started = any(getattr(module, STARTED_AT_ZERO, False) for module in network.modules())
            for layer in network.modules():
                if getattr(layer, AT_ZERO, False):
                    _zero(layer, spared=("weight",) if started else ())

    @property
    def extras(self) -> tuple[str, ...]:
        return tuple(getattr(self.network, "extras", ()))

    def forward(self, condition: Tensor, extras: Mapping[str, Tensor] | None = None) -> Prediction:
        found = self.propagated(condition)
        spread, confidence = found["ab"], found["confidence"]
        prediction = dict(found)
        if self.network is not None:
            seen = self._seen(condition, spread, confidence)
            output = self.network(seen) if extras is None else self.network(seen, extras)
            prediction = dict(output) if isinstance(output, Mapping) else {"ab": output}
            for name in [name for name in prediction if name == "ab" or name.startswith("ab_")]:
                ab = enlarged(prediction[name], condition)
                moved = self._moved(ab, spread, condition)
                prediction[name] = ab + moved
                means = prediction.get("mixture_means") if name == "ab" else None
                if means is not None and means.ndim == 5:  # codes of a photo are no colours
                    prediction["mixture_means"] = means + enlarged(moved, means[:, 0])[:, None]
            if refiner := refiner_of(self.network):
                prediction = refiner.refine(prediction, condition)
        prediction["ab"] = self._keeping(enlarged(prediction["ab"], condition), condition)
        return {**found, **prediction, "confidence": confidence}

    @property
    def can_sample(self) -> bool:
        """Whether the network has more than one answer."""
        return bool(getattr(self.network, "can_sample", isinstance(self.network, Sampler)))

    def sample(self, condition: Tensor, k: int, generator: torch.Generator, *extras: Mapping[str, Tensor]) -> Tensor:
        """``k`` draws of the network, each upon the one thing that was spread: ab (N, k, 2, H, W)."""
        found = self.propagated(condition)
        spread = found["ab"]
        seen = self._seen(condition, spread, found["confidence"])
        drawn: Tensor = self.network.sample(seen, k, generator, *extras)  # type: ignore[union-attr, operator]
        each = [enlarged(ab, condition) for ab in drawn.unbind(1)]
        answers = [ab + self._moved(ab, spread, condition) for ab in each]
        return torch.stack([self._keeping(ab, condition) for ab in answers], dim=1)

    def seen(self, condition: Tensor) -> Tensor:
        """What the network is given: (N, 4, H, W), or with ``reads="both"`` (N, 7, H, W)."""
        found = self.propagated(condition)
        return self._seen(condition, found["ab"], found["confidence"])

    def _seen(self, condition: Tensor, spread: Tensor, confidence: Tensor) -> Tensor:
        lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        gain = self.told.hint_gain
        given = (hint_ab * gain, mask) if self.told.reads == "both" else ()
        return torch.cat((lightness, *given, spread * gain, confidence), dim=1)

    def _moved(self, ab: Tensor, spread: Tensor, condition: Tensor) -> Tensor:
        """By what the network's ab is moved to be the whole's."""
        if not self.told.residual:
            return torch.zeros_like(ab)
        if self.anchor is None:
            return spread
        lightness, _, mask = condition.split((1, 2, 1), dim=1)
        return spread - self.propagated(torch.cat((lightness, ab * mask, mask), dim=1), self.anchor)["ab"]

    def _keeping(self, ab: Tensor, condition: Tensor) -> Tensor:
        """The hints where they are, if they are to be kept."""
        return torch.where(condition[:, 3:] > 0, condition[:, 1:3], ab) if self.told.keep_hints else ab

    def propagated(self, condition: Tensor, by: nn.Module | None = None) -> Prediction:
        """What the propagator, or another one, gives: ab, confidence, and what else it has for losses."""
        found = (by or self.propagator)(condition)
        if isinstance(found, Tensor):
            found = {"ab": found}
        if not isinstance(found, Mapping):
            return dict(zip(("ab", "confidence"), found, strict=True))
        hinted = (condition[:, 3:] > 0).flatten(1).any(1).to(condition.dtype)
        return {"confidence": hinted[:, None, None, None].expand_as(condition[:, :1]), **found}


@torch.no_grad()
def _zero(layer: nn.Module, spared: Container[str]) -> None:
    for name, parameter in layer.named_parameters(recurse=False):
        if name not in spared:
            parameter.zero_()
