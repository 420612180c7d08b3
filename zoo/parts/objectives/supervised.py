"""The plain objective: a weighted sum of losses against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Loss, TrainingData
from zoo.core.errors import BadInput


class Supervised:
    """Σ weight · loss(prediction, batch), minimised by the colorizer, the only player.

    Args:
        colorizer: what is trained.
        losses: name → (weight, loss).

    Raises:
        BadInput: no losses.
    """

    players: tuple[str, ...] = ("colorizer",)

    def __init__(self, colorizer: Colorizer, losses: Mapping[str, tuple[float, Loss]]):
        if not losses:
            raise BadInput("The objective 'supervised' has no losses to minimise; give the recipe some, such as l1: 1.")
        self.colorizer = colorizer
        self.losses = dict(losses)

    def prepare(self, data: TrainingData) -> None:
        """Hand the training photos to ``network.fit``, where there is one (cluster centres, say)."""
        fit = getattr(self.colorizer.learner, "fit", None)
        if fit is not None:
            fit(data)

    def begin_step(self, progress: float) -> None:
        """Every step is like any other."""

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        return self.colorizer.parameters()

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The weighted sum, and each loss by name, unweighted and detached."""
        prediction = self.colorizer(batch.condition, batch.extras)
        values = {name: loss(prediction, batch) for name, (_, loss) in self.losses.items()}
        total = torch.stack([weight * values[name] for name, (weight, _) in self.losses.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}
