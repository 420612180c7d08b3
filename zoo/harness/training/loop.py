"""The training loop, one for every colorizer, and the files of its state and weights: whole or not there, no pickle.

A step is: a batch from the bank, then for each player of the objective its loss, backward, clipping
and its optimizer's step. What the loop keeps is all in :meth:`Training.state_dict`, so that a run
taken up from a checkpoint reaches the same numbers as one that was never stopped.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import math
import pickle
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.core.contracts import Batch, Objective
from zoo.core.errors import BadInput, Diverged
from zoo.core.files import writing
from zoo.core.spec import RecipeRow
from zoo.harness.training.budget import Budget, TrainingClock
from zoo.harness.training.device import autocast, finish, loss_scaler, random_states, set_random_states
from zoo.harness.training.schedule import Ema, make_optimizer, make_schedule, set_learning_rate

_HEADER = len("sha256 ") + 64 + 1
"""Bytes before the state: the word, the digest and a line end."""


def save_weights(module: nn.Module, path: Path) -> None:
    """A module's state as safetensors, atomically."""
    # Shared tensors (tied weights) are written once per name; safetensors refuses aliases.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in module.state_dict().items()}
    with writing(path) as part:
        save_file(state, part)


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """A training state (tensors, numbers, text, nested), atomically, behind the digest of its bytes."""
    content = io.BytesIO()
    torch.save(dict(state), content)
    with writing(path) as part, part.open("wb") as file:
        file.write(_digest(content.getbuffer()))
        file.write(content.getbuffer())


def read_state(path: Path) -> dict[str, Any]:
    """What :func:`save_state` wrote, with ``weights_only=True``: no code is ever run.

    Raises:
        BadInput: cut short, altered, or holding anything but tensors and plain data.
    """
    try:
        content = path.read_bytes()
        # torch does not look at the checksums inside its files: a flipped bit would be a wrong weight.
        if content[:_HEADER] != _digest(memoryview(content)[_HEADER:]):
            raise ValueError("its digest is another")
        state: dict[str, Any] = torch.load(
            io.BytesIO(memoryview(content)[_HEADER:]), map_location="cpu", weights_only=True
        )
        return state
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, OSError, ValueError) as error:
        # torch's own message would advise to switch the safety off.
        reason = (isinstance(error, OSError) and error.strerror) or "cut short, altered, or more than tensors"
        raise BadInput(f"{path} is no whole training state ({reason}); delete it to train anew.") from None


def _digest(content: memoryview) -> bytes:
    return b"sha256 " + hashlib.sha256(content).hexdigest().encode("ascii") + b"\n"


LOG_EVERY = 10
"""Steps between two looks at the loss. A look waits for the device; a step must not."""


class BatchStream(Protocol):
    """Batches without end, able to go on where they stopped."""

    def forever(self) -> Iterator[Batch]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Look(NamedTuple):
    """What there is to see after a step.

    ``log`` has the step, the seconds and the terms of the loss, every :data:`LOG_EVERY` steps and at the end.
    ``point`` says that a point of the curve is reached, ``checkpoint_due`` that it is time to save.
    """

    log: dict[str, float] | None
    point: bool
    checkpoint_due: bool


class Training:
    """One run's training.

    Args:
        colorizer: what is trained, on its device.
        objective: owns the losses and what else has parameters.
        stream: the batches.
        recipe: optimizer, schedule, clipping, EMA.
        budget: in steps; one in seconds is to be put in steps before the training begins.
        precision: ``fp32``, ``bf16`` or ``fp16``.
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
        self._scaler = loss_scaler(precision, device)
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
        return min(self.budget.progress(self.step), 1.0) if self.objective.players else 1.0

    @property
    def trained(self) -> nn.Module:
        """What is to be evaluated: the averaged weights where the recipe asks for them."""
        return self.ema.module if self.ema else self.colorizer

    def looks(self, *, points: Sequence[float] = (), save_every: float = math.inf) -> Iterator[Look]:
        """Train until the budget is spent; after every step there is a look, for which the clock stands still.

        Whoever looks may score the colorizer, save :meth:`state_dict`, or break off between two steps.

        Args:
            points: parts of the budget, below 1, to be told of when they are reached.
            save_every: seconds between two checkpoints.

        Raises:
            Diverged: a loss that is not finite.
        """
        saved = time.monotonic()
        self._train_mode()
        with self.clock.running():
            while (before := self.progress) < 1:
                terms = self.one_step()
                self.seconds = self.clock.read()
                over = self.progress >= 1
                log = self._log(terms) if self.step % LOG_EVERY == 0 or over else None
                point = any(before < point <= self.progress for point in points)
                if point or over:
                    finish(self.device)
                    self.seconds = self.clock.read()
                due = log is not None and not over and self.agreed(time.monotonic() - saved > save_every)
                with self.clock.paused():
                    yield Look(log, point, due)
                if due:
                    saved = time.monotonic()
                if point:
                    self._train_mode()  # whoever has scored it has put it into the other one

    def begin(self) -> None:
        """Before the first step: several devices begin together (``together.py``)."""

    def agreed(self, value: bool) -> bool:
        """The value, which several devices must have in common."""
        return value

    def _share_gradients(self, player: str) -> None:
        """One device has them all."""

    def _train_mode(self) -> None:
        self.colorizer.train()
        if isinstance(self.objective, nn.Module):
            self.objective.train()

    def _log(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        values = {name: float(value) for name, value in terms.items()}  # waits for the device
        self.seconds = self.clock.read()
        if not all(math.isfinite(value) for value in values.values()):
            raise Diverged(f"The loss is not finite at step {self.step} ({_shown(values)}).")
        return {"step": self.step, "seconds": self.seconds, **values}

    def warm_up(self) -> None:
        """Take one step and take it back: what only the first one costs is then not on the clock.

        Such are compiling, a GPU's choice of algorithms, the first allocations.
        """
        with self.taken_back():
            self.one_step()

    @contextlib.contextmanager
    def taken_back(self) -> Iterator[None]:
        """Steps taken inside are taken back: weights, optimizers, generators and counters are as before."""
        before, budget = copy.deepcopy(self.state_dict()), self.budget
        self._train_mode()
        try:
            yield
        finally:
            self.load_state_dict(before)
            self.budget = budget
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
            self._scaler.scale(loss).backward()
            self._share_gradients(player)
            self._scaler.unscale_(optimizer)
            if self.recipe.clip is not None:
                nn.utils.clip_grad_norm_(self._parameters[player], self.recipe.clip)
            set_learning_rate(optimizer, rate)
            self._scaler.step(optimizer)
            terms[player] = loss.detach()
            terms.update({f"{player}/{name}": value for name, value in parts.items()})
        self._scaler.update()
        self.step += 1
        self.photos += batch.ab.shape[0]
        if self.ema:
            self.ema.update_parameters(self.colorizer)
        return terms

    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on, as tensors and plain data."""
        state: dict[str, Any] = {
            "step": self.step,
            "steps": self.budget.steps,
            "photos": self.photos,
            "seconds": self.seconds,
            "gaps": self.clock.gaps,
            "colorizer": self.colorizer.state_dict(),
            "optimizers": {player: optimizer.state_dict() for player, optimizer in self._optimizers.items()},
            "stream": self.stream.state_dict(),
            "scaler": self._scaler.state_dict(),
            **random_states(self.device),
        }
        if isinstance(self.objective, nn.Module):
            state["objective"] = self.objective.state_dict()
        if self.ema:
            state["ema"] = self.ema.module.state_dict()
        return state

    def checkpoint(self) -> dict[str, Any]:
        """:meth:`state_dict`, to be written; empty where another one writes."""
        return self.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned, for as many steps as it was begun with."""
        if state.get("steps") is not None:
            self.budget = Budget(steps=state["steps"])
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
        if state.get("scaler"):
            self._scaler.load_state_dict(state["scaler"])
        set_random_states(state, self.device)


def _shown(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
