"""Training in stages: parts of a network frozen, losses exchanged, as the budget is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

import msgspec
from torch import Tensor, nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Loss, TrainingData
from zoo.core.errors import BadInput, did_you_mean
from zoo.parts.objectives.supervised import Supervised


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is trained, and by what, up to a part of the budget.

    Patterns are as of shell file names, over the names of the network's parameters: ``scale3.*``, ``encoder.*``.

    Attributes:
        until: progress in (0, 1] at which the stage ends.
        train: what is trained; None: everything.
        freeze: of that, what is not.
        losses: the recipe's losses that count in this stage, and their weights; None: all, with the recipe's weights.
    """

    until: float = 1.0
    train: tuple[str, ...] | None = None
    freeze: tuple[str, ...] = ()
    losses: dict[str, float] | None = None


_ONE = (Stage(),)


class Staged:
    """The objective ``supervised``, with stages that follow one another.

    Frozen is frozen: a frozen parameter gets no gradient and hence no step nor decay, and a module whose parameters
    are all frozen is in evaluation mode, so that its batch statistics stay and its dropout rests. The stage depends on
    the progress alone; a run that is taken up again goes on where it was.

    Args:
        colorizer: what is trained.
        losses: name → (weight, loss).
        stages: in order, the last until 1.

    Raises:
        BadInput: stages out of order, a pattern that fits no parameter, a stage that trains nothing, or a loss that the
            recipe does not have.
    """

    players = ("colorizer",)

    def __init__(
        self,
        colorizer: Colorizer,
        losses: Mapping[str, tuple[float, Loss]],
        *,
        stages: tuple[Stage, ...] = _ONE,
    ):
        _check_order(stages)
        self.colorizer = colorizer
        self.stages = stages
        self.extras = tuple(name for _, loss in losses.values() for name in getattr(loss, "extras", ()))
        self._plans = [_Plan(colorizer, losses, stage) for stage in stages]
        self._now = self._plans[0]
        self._begun = False

    def prepare(self, data: TrainingData) -> None:
        """Nothing to learn from the data beforehand."""

    def begin_step(self, progress: float) -> None:
        ended = sum(progress >= stage.until for stage in self.stages)
        plan = self._plans[min(ended, len(self._plans) - 1)]
        if plan is not self._now or not self._begun:
            self._now, self._begun = plan, True
            plan.begin()
        plan.keep_frozen()

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        """All: a parameter without a gradient is left alone by the optimizer."""
        return self.colorizer.parameters()

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self._now.objective.loss(player, batch)


class _Plan:
    """A stage, worked out for one network."""

    def __init__(self, colorizer: Colorizer, losses: Mapping[str, tuple[float, Loss]], stage: Stage):
        network = colorizer.learner
        names = [name for name, _ in network.named_parameters()]
        trained = set(names) if stage.train is None else _matching(stage.train, names)
        trained -= _matching(stage.freeze, names)
        if not trained:
            raise BadInput(f"The stage until {stage.until:g} trains no parameter; take a pattern out of 'freeze'.")
        self.network = network
        # What was frozen from the start, such as a pretrained trunk, stays so.
        self.parameters = [(p, name in trained) for name, p in network.named_parameters() if p.requires_grad]
        self.frozen = list(_frozen_modules(network, trained))
        self.objective = Supervised(colorizer, _chosen(losses, stage))

    def begin(self) -> None:
        for parameter, trained in self.parameters:
            parameter.requires_grad_(trained)
        self.network.train()

    def keep_frozen(self) -> None:
        """Before every step: whoever resumes the training puts the whole network into training mode."""
        for module in self.frozen:
            if module.training:
                module.eval()


def _frozen_modules(module: nn.Module, trained: set[str], path: str = "") -> Iterator[nn.Module]:
    """The largest modules that have parameters, none of them trained."""
    names = {path + name for name, _ in module.named_parameters()}
    if names and not names & trained:
        yield module
        return
    for name, child in module.named_children():
        yield from _frozen_modules(child, trained, f"{path}{name}.")


def _check_order(stages: tuple[Stage, ...]) -> None:
    ends = [stage.until for stage in stages]
    if not ends or ends[-1] != 1 or any(b <= a for a, b in zip([0.0, *ends], ends, strict=False)):
        raise BadInput(f"The stages end at {ends} of the budget; give 'until' in rising order, the last 1.")


def _matching(patterns: Iterable[str], names: list[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        matched = {name for name in names if fnmatchcase(name, pattern)}
        if not matched:
            roots = {name.partition(".")[0] + ".*" for name in names}
            raise BadInput(f"No parameter fits the stage's pattern {pattern!r}; {did_you_mean(pattern, roots)}")
        found |= matched
    return found


def _chosen(losses: Mapping[str, tuple[float, Loss]], stage: Stage) -> Mapping[str, tuple[float, Loss]]:
    if stage.losses is None:
        return losses
    for name in stage.losses:
        if name not in losses:
            raise BadInput(f"The stage until {stage.until:g} names the loss {name!r}; {did_you_mean(name, losses)}")
    return {name: (weight, losses[name][1]) for name, weight in stage.losses.items()}
