"""``log.jsonl``: how a training went, a line a look at it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from zoo.harness.results.run_record import CurvePoint


class LogEntry(msgspec.Struct, frozen=True):
    """A line of a run's log.jsonl, in which ``terms`` stand flat: those of the loss at a step, or a point of the curve.

    Attributes:
        terms: a player's name → its loss, ``player/name`` → a part of it; none at a point.
    """

    step: int
    seconds: float
    terms: dict[str, float] = {}
    point: CurvePoint | None = None

    @classmethod
    def of_step(cls, log: Mapping[str, float]) -> LogEntry:
        """What a training tells after a step: ``step``, ``seconds`` and the terms, six decimals each."""
        return cls._flat({name: round(value, 6) for name, value in log.items()})

    @classmethod
    def of_point(cls, point: CurvePoint) -> LogEntry:
        return cls(point.step, point.seconds, point=point)

    @classmethod
    def read(cls, line: bytes) -> LogEntry:
        """One line.

        Raises:
            ValueError: it is damaged.
        """
        said = json.loads(line)  # a part of a loss may be NaN, which msgspec does not read
        try:
            if said.pop("curve", False):
                return cls.of_point(msgspec.convert(said, CurvePoint))
            return cls._flat(said)
        except (msgspec.ValidationError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(str(error)) from None

    @classmethod
    def _flat(cls, said: Mapping[str, float]) -> LogEntry:
        terms = {name: value for name, value in said.items() if name not in ("step", "seconds")}
        flat = {"step": said["step"], "seconds": said.get("seconds", 0.0), "terms": terms}
        return msgspec.convert(flat, cls)

    def line(self) -> str:
        """As it stands in the file."""
        if self.point is not None:
            return json.dumps({"curve": True, **msgspec.structs.asdict(self.point)})
        return json.dumps({"step": self.step, "seconds": self.seconds, **self.terms})

    @property
    def loss(self) -> float | None:
        """That of the player that is trained last: of an adversarial pair, the colorizer's."""
        players = [name for name in self.terms if "/" not in name]
        return self.terms["colorizer" if "colorizer" in players else players[-1]] if players else None
