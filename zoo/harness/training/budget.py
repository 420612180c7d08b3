"""How long a run trains: steps, epochs, or the steps that fill some seconds."""

from __future__ import annotations

import math

import msgspec

from zoo.core.errors import BadInput


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of the three.

    Epochs and seconds are turned into steps before training begins: seconds, of training only, into as many as fill
    them by a step's measured time. From then on a run of seconds is one of so many steps, wherever it goes on.
    """

    steps: int | None = None
    epochs: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.steps, self.epochs, self.seconds) if value is not None]
        if len(given) != 1 or not (math.isfinite(given[0]) and given[0] > 0):
            raise ValueError("a budget is one positive number of steps, epochs or seconds")

    def __str__(self) -> str:
        """``180 steps``, ``20 seconds``."""
        (told,) = (f"{value:g} {unit}" for unit, value in msgspec.structs.asdict(self).items() if value is not None)
        return told

    def in_steps(self, photos: int, batch: int) -> Budget:
        """Epochs as the steps they take on ``photos`` photos (rounded up); the others unchanged."""
        if self.epochs is None:
            return self
        return Budget(steps=math.ceil(self.epochs * photos / batch))

    def filled(self, step_seconds: float) -> Budget:
        """Seconds as the whole steps that fit into them, at least one; the others unchanged.

        Args:
            step_seconds: what a step takes.
        """
        if self.seconds is None:
            return self
        return Budget(steps=max(1, math.floor(self.seconds / step_seconds)))

    def progress(self, step: int) -> float:
        """The part that is spent, 1 or more when it is over. Epochs and seconds are turned into steps first."""
        assert self.steps is not None, "turn it into steps with in_steps or filled first"
        return step / self.steps


def parse_budget(text: str) -> Budget:
    """``steps=300``, ``epochs=3`` or ``seconds=60``.

    Raises:
        BadInput: anything else.
    """
    unit, _, number = text.partition("=")
    try:
        value = float(number)
        if unit.strip() == "steps":
            if value != int(value):
                raise ValueError("half a step")
            return Budget(steps=int(value))
        return Budget(**{unit.strip(): value})  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        raise BadInput(f"--budget {text!r} is not understood; write steps=300, epochs=3 or seconds=60.") from None
