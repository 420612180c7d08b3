"""The training loop: one for every colorizer.

A step is: a batch from the bank, then for each player of the objective its loss, backward, clipping
and its optimizer's step. What the loop keeps is all in :meth:`Training.state_dict`, so that a run
taken up from a checkpoint reaches the same numbers as one that was never stopped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from zoo.core.contracts import Batch, Objective
from zoo.core.errors import Diverged
from zoo.core.spec import RecipeRow
from zoo.harness.training.budget import Budget
from zoo.harness.training.clock import TrainingClock
from zoo.harness.training.device import autocast
from zoo.harness.training.ema import Ema
from zoo.harness.training.optimizers import make_optimizer, set_learning_rate
from zoo.harness.training.schedule import make_schedule

LOG_EVERY = 10
"""Steps between two looks at the loss. A look waits for the device; a step must not."""


class BatchStream(Protocol):
    """Batches without end, able to go on where they stopped."""

    def forever(self) -> Iterator[Batch]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Training:
    """One run's training.

    Args:
        colorizer: what is trained, on its device.
        objective: owns the losses and what else has parameters.
        stream: the batches.
        recipe: optimizer, schedule, clipping, EMA.
        budget: in steps or seconds.
        precision: ``fp32`` or ``bf16``.
    """

    def __init__(
        self,
        colorizer: nn.Module,
        objective: Objective,
        stream: BatchStream,
        recipe: RecipeRow,
        budget: Budget,
        *,
        device: torch.device,
        precision: str = "fp32",
    ):
        self.colorizer = colorizer
        self.objective = objective
        self.stream = stream
        self.recipe = recipe
        self.budget = budget
        self.device = device
        self.precision = precision
        self._batches = stream.forever()
        self.step = 0
        self.photos = 0
        self.seconds = 0.0
        self.clock = TrainingClock()
        self._rate = make_schedule(recipe.schedule, recipe.warmup)
        self.ema = Ema(colorizer, recipe.ema) if recipe.ema else None
        self._parameters = {player: list(objective.parameters_of(player)) for player in objective.players}
        self._optimizers = {
            player: make_optimizer(parameters, recipe) for player, parameters in self._parameters.items() if parameters
        }

    @property
    def progress(self) -> float:
        """The part of the budget that is spent, at most 1."""
        return min(self.budget.progress(self.step, self.seconds), 1.0) if self.objective.players else 1.0

    @property
    def trained(self) -> nn.Module:
        """What is to be evaluated: the averaged weights where the recipe asks for them."""
        return self.ema.module if self.ema else self.colorizer

    def run(
        self,
        *,
        until: float = 1.0,
        on_log: Callable[[dict[str, float]], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train until ``until`` of the budget is spent, or ``stop()`` says so between two steps.

        Returns:
            Whether ``until`` was reached.

        Raises:
            Diverged: a loss that is not finite.
        """
        self.colorizer.train()
        if isinstance(self.objective, nn.Module):
            self.objective.train()
        with self.clock.running():
            return self._run(until, on_log, stop)

    def _run(self, until: float, on_log: Callable[[dict[str, float]], None] | None, stop: Callable[[], bool]) -> bool:
        self.seconds = self.clock.seconds
        while self.progress < until:
            if stop():
                self.seconds = self.clock.read()
                return False
            terms = self.one_step()
            done = self.budget.progress(self.step, self.seconds) >= 1
            if self.step % LOG_EVERY == 0 or done:
                values = {name: float(value) for name, value in terms.items()}  # waits for the device
                self.seconds = self.clock.read()
                if not all(math.isfinite(value) for value in values.values()):
                    raise Diverged(f"The loss is not finite at step {self.step} ({_shown(values)}).")
                if on_log:
                    with self.clock.paused():
                        on_log({"step": self.step, "seconds": self.seconds, **values})
            elif self.budget.steps is None:
                self.seconds = self.clock.read()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.seconds = self.clock.read()
        return True

    def warm_up(self) -> None:
        """Take one step and take it back: what only the first one costs is then not on the clock.

        Such are compiling, a GPU's choice of algorithms, the first allocations. Nothing else changes: weights,
        optimizers, generators and counters are as before.
        """
        before = copy.deepcopy(self.state_dict())
        self.colorizer.train()
        if isinstance(self.objective, nn.Module):
            self.objective.train()
        self.one_step()
        self.load_state_dict(before)
        for optimizer in self._optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def one_step(self) -> dict[str, Tensor]:
        """One batch through every player. Returns the loss terms, still on the device."""
        progress = self.progress
        rate = self.recipe.lr * self._rate(progress)
        self.objective.begin_step(progress)
        batch = next(self._batches)
        terms: dict[str, Tensor] = {}
        for player in self.objective.players:
            with autocast(self.precision, self.device):
                loss, parts = self.objective.loss(player, batch)
            optimizer = self._optimizers[player]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if self.recipe.clip is not None:
                nn.utils.clip_grad_norm_(self._parameters[player], self.recipe.clip)
            set_learning_rate(optimizer, rate)
            optimizer.step()
            terms[player] = loss.detach()
            terms.update({f"{player}/{name}": value for name, value in parts.items()})
        self.step += 1
        self.photos += batch.ab.shape[0]
        if self.ema:
            self.ema.update_parameters(self.colorizer)
        return terms

    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on, as tensors and plain data."""
        state: dict[str, Any] = {
            "step": self.step,
            "photos": self.photos,
            "seconds": self.seconds,
            "gaps": self.clock.gaps,
            "colorizer": self.colorizer.state_dict(),
            "optimizers": {player: optimizer.state_dict() for player, optimizer in self._optimizers.items()},
            "stream": self.stream.state_dict(),
            # Dropout and its like draw from torch's global generator.
            "torch_random": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            state["cuda_random"] = torch.cuda.get_rng_state(self.device)
        if isinstance(self.objective, nn.Module):
            state["objective"] = self.objective.state_dict()
        if self.ema:
            state["ema"] = self.ema.module.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned."""
        self.step, self.photos, self.seconds = state["step"], state["photos"], state["seconds"]
        self.clock.seconds, self.clock.gaps = self.seconds, state.get("gaps", 0.0)
        self.colorizer.load_state_dict(state["colorizer"])
        for player, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][player])
        self.stream.load_state_dict(state["stream"])
        if isinstance(self.objective, nn.Module):
            self.objective.load_state_dict(state["objective"])
        if self.ema:
            self.ema.resume(state["ema"], self.step)
        torch.set_rng_state(state["torch_random"])
        if "cuda_random" in state and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_random"], self.device)


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
