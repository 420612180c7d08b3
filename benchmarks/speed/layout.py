"""What the layout of tensors in memory costs: milliseconds a training step under each of three.

plain: every weight in the order (out, in, height, width). last: every weight channels last. mixed: channels
last but for the heaviest convolutions, as the harness has it on the CPU. The models train as in the suite
quick; the three take turns, and the figures are medians.

    python benchmarks/speed/layout.py [MODEL ...] [--turns 5] [--steps 3]
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from zoo.core.assemble import assemble
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.run.request import BenchRequest, effective_suite
from zoo.harness.run.workbench import Workbench
from zoo.harness.training import device as devices
from zoo.harness.training.device import channels_last

CPU = torch.device("cpu")
LAYOUTS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "plain": lambda module: module,
    "last": lambda module: module.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
    "mixed": lambda module: channels_last(module, CPU),
}


def steps(model: str) -> dict[str, Callable[[], object]]:
    """A training step of the model under each layout."""
    suite = effective_suite(BenchRequest(suite="quick", budget="steps=1000000"))
    photos = open_photos(suite)
    run = plan_runs(model, resolve_model(model, suite), Rules(suite, describe_data(suite, photos), "cpu"))[0]
    found: dict[str, Callable[[], object]] = {}
    for name, lay in LAYOUTS.items():
        training = Workbench.of(run, photos=photos, colorizer=lay(assemble(run.spec))).training
        training.colorizer.train()
        found[name] = training.one_step
    return found


def milliseconds(step: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - started) / repeats * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["fcn8s", "hypercolumn", "resnet_unet", "msau_net", "unet"])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    devices.prepare(CPU, threads=1)
    print(f"{datetime.date.today()}, {devices.describe(CPU)}, torch {torch.__version__}")
    print(f"{'ms a step':20s}" + "".join(f"{name:>9s}" for name in LAYOUTS))
    for model in arguments.models:
        ready = steps(model)
        for step in ready.values():
            milliseconds(step, 2)
        times: dict[str, list[float]] = {name: [] for name in ready}
        for _ in range(arguments.turns):
            for name, step in ready.items():
                times[name].append(milliseconds(step, arguments.steps))
        print(f"{model:20s}" + "".join(f"{statistics.median(taken):9.0f}" for taken in times.values()), flush=True)


if __name__ == "__main__":
    main()
