"""The objective of networks that are fitted in one pass, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Loss
from zoo.parts.objectives.supervised import Supervised


class ClosedForm(Supervised):
    """No players, so no steps: :meth:`prepare` hands the training photos to ``network.fit``, if there is one.

    Args:
        colorizer: around the network.
        losses: unused.
    """

    players = ()

    def __init__(self, colorizer: Colorizer, losses: Mapping[str, tuple[float, Loss]]):
        self.colorizer = colorizer

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        return ()

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        raise ValueError(f"closed_form has no players, so no loss for {player!r}.")
