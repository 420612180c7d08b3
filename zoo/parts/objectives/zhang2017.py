"""First what colours there may be, without hints; then to follow the hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Loss
from zoo.core.errors import BadInput
from zoo.parts.objectives.supervised import Supervised

CLASSIFICATION = 16 / 31
"""Of the budget. The public schedule: a warm-up of 100 passes over 10 of the 1,000 classes and 15 over all of them
by classification, then 10 and 5 passes with hints."""


class Zhang2017(Supervised):
    """The staged training of Zhang et al. 2017 (``richzhang/colorization-pytorch: scripts, models``).

    Both heads learn all the time; the phase decides which of them the trunk learns from, the other one sees
    detached features:

    1. classification, no hints: the trunk learns to tell colours apart. Without it, regression from scratch ends
       in grey (issue 3 of that repository);
    2. regression with the recipe's hints. That the public code then lowers the learning rate by ten, and by ten
       again, is left to the recipe's schedule.

    The public loss is CE + 10 · L1 with L1 summed over a* and b*: ``{rebalanced_ce: {weight: 1, k: 1}, l1: 20}``.

    Args:
        colorizer: its network says by ``trained_by``, ``classification`` or ``regression``, what its trunk learns from.
        losses: name → (weight, loss).
        classification: the part of the budget that the first phase takes.

    Raises:
        BadInput: a network without ``trained_by``, or a part that is not between 0 and 1.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        losses: Mapping[str, tuple[float, Loss]],
        *,
        classification: float = CLASSIFICATION,
    ):
        super().__init__(colorizer, losses)
        if not hasattr(colorizer.learner, "trained_by"):
            raise BadInput(
                f"The objective 'zhang2017' trains a network with two heads, which {colorizer.name} is not; "
                "use the model 'zhang2017' or another recipe."
            )
        if not 0 <= classification <= 1:
            raise BadInput(
                f"The objective 'zhang2017': classification is {classification}; give a part of the budget from 0 to 1."
            )
        self.classification = classification
        self.begin_step(0.0)

    def begin_step(self, progress: float) -> None:
        """Set which head the trunk learns from."""
        phase = "classification" if progress < self.classification else "regression"
        self.colorizer.learner.trained_by = phase  # type: ignore[assignment]

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """As :class:`Supervised`; in the first phase the hints are taken away."""
        if self.colorizer.learner.trained_by == "classification":
            unhinted = torch.zeros_like(batch.hint_ab), torch.zeros_like(batch.hint_mask)
            batch = replace(batch, hint_ab=unhinted[0], hint_mask=unhinted[1])
        return super().loss(player, batch)
