"""Where a training step's time goes: data, hints, forward, backward, optimiser, and the rest of it.

    python -m benchmarks.speed.split [MODEL ...] [--px 64 128] [--steps 8] [--turns 5] [--device auto] [--out FILE]

The harness's own step, as ``benchmarks/rivals/ours.py`` sets it up, with a clock around each of its parts; a GPU is
waited for at each. ``forward`` is the colorizer and the losses, ``optimiser`` the clipping and the update. Medians over
turns, in which the cases alternate; each row is written to ``results/speed/split.csv`` as soon as it is known.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from benchmarks import measured
from benchmarks.rivals import ours
from benchmarks.rivals.task import BATCH, Case
from zoo.harness.scoring.costs import Load
from zoo.harness.training import device as devices
from zoo.harness.training.loop import Training

PARTS = ("data", "hints", "forward", "backward", "optimiser")


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of a step of ``batch`` photos, medians; ``rest`` is what is in none of the parts."""

    device: str
    model: str
    px: int
    batch: int
    step: float
    data: float
    hints: float
    forward: float
    backward: float
    optimiser: float
    rest: float
    busy: float
    torch: str
    date: str


class Clock:
    """Adds up what each part takes; a part within another counts as itself only."""

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []

    @contextlib.contextmanager
    def of(self, part: str) -> Iterator[None]:
        began = self._now()
        self._open.append(part)
        try:
            yield
        finally:
            self._open.pop()
            taken = self._now() - began
            self.seconds[part] += taken
            if self._open:
                self.seconds[self._open[-1]] -= taken

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            with self.of(part):
                return function(*args, **options)

        return call

    def _now(self) -> float:
        devices.finish(self.device)
        return time.perf_counter()


@contextlib.contextmanager
def watched(training: Training, clock: Clock) -> Iterator[None]:
    """While it is entered, the clock runs in the parts of a step."""
    stream: Any = training.stream
    objective, optimizers = training.objective, training._optimizers.values()
    sampler, loss, backward, clip = stream.hint_sampler, objective.loss, Tensor.backward, nn.utils.clip_grad_norm_
    batches, steps = training._batches, [optimizer.step for optimizer in optimizers]

    def data() -> Iterator[Any]:
        while True:
            with clock.of("data"):
                batch = next(batches)
            yield batch

    stream.hint_sampler = clock.timed("hints", sampler)
    training._batches = data()
    objective.loss = clock.timed("forward", loss)  # type: ignore[method-assign]
    Tensor.backward = clock.timed("backward", backward)  # type: ignore[method-assign]
    nn.utils.clip_grad_norm_ = clock.timed("optimiser", clip)
    for optimizer in optimizers:
        optimizer.step = clock.timed("optimiser", optimizer.step)  # type: ignore[method-assign]
    try:
        yield
    finally:
        stream.hint_sampler, training._batches, objective.loss = sampler, batches, loss  # type: ignore[method-assign]
        Tensor.backward, nn.utils.clip_grad_norm_ = backward, clip  # type: ignore[method-assign]
        for optimizer, step in zip(optimizers, steps, strict=True):
            optimizer.step = step  # type: ignore[method-assign]


def turn(training: Training, device: torch.device, steps: int) -> dict[str, float]:
    """Milliseconds a step: of the whole, and of each part."""
    clock = Clock(device)
    with watched(training, clock), clock.of("rest"):
        for _ in range(steps):
            training.one_step()
    found = {part: clock.seconds[part] / steps * 1e3 for part in (*PARTS, "rest")}
    return {"step": sum(found.values()), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["unet", "residual_unet", "attention_unet", "fpn", "edsr"])
    parser.add_argument("--px", type=int, nargs="*", default=[64, 128])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=measured.RESULTS / "speed" / "split.csv")
    told = parser.parse_args()
    device = devices.pick_device(told.device)
    devices.prepare(device)
    for px in told.px:
        ready = {model: ours.training(Case(model, px, device)) for model in told.models}
        turns: dict[str, list[dict[str, float]]] = {model: [] for model in ready}
        busy: dict[str, list[float]] = {model: [] for model in ready}
        for training in ready.values():
            training.one_step()
        for _ in range(told.turns):
            for model, training in ready.items():
                load = Load()
                turns[model].append(turn(training, device, told.steps))
                busy[model].append(load.share())
        found = [
            Split(
                device=devices.describe(device),
                model=model,
                px=px,
                batch=BATCH,
                **{name: statistics.median(each[name] for each in taken) for name in ("step", *PARTS, "rest")},
                busy=statistics.median(busy[model]),
                torch=torch.__version__,
                date=str(datetime.date.today()),
            )
            for model, taken in turns.items()
        ]
        mine = {(row.device, row.model, row.px) for row in found}
        kept = [row for row in measured.read(told.out, Split) if (row.device, row.model, row.px) not in mine]
        measured.write(told.out, [*kept, *found], Split)
        for row in found:
            parts = ", ".join(f"{part} {getattr(row, part) / row.step:.1%}" for part in (*PARTS, "rest"))
            print(f"{row.model} {row.px} px: {row.step:.1f} ms, {parts}", flush=True)


if __name__ == "__main__":
    main()
