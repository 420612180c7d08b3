"""What the harness costs: photos/s of its whole training step against the bare one.

The whole step: bank → crop → flip → Lab → hints → forward → loss → backward → clip → optimizer → rate.
The bare step: forward → L1 → backward → optimizer, on batches that lie ready. The same U-Net (width 16,
depth 5, batch 16), the same memory format, optimizer and threads. The two take turns in blocks, so that
what else the machine does falls on both; the ratio is the median over the pairs of blocks.

    python benchmarks/speed/step.py [--blocks 9] [--steps 12] [--device cpu]
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from collections.abc import Callable

import msgspec
import torch
import torch.nn.functional as F

from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.harness.plan.planning import plan_runs
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.run.request import BenchRequest, effective_suite
from zoo.harness.run.workbench import Workbench
from zoo.harness.training import device as devices
from zoo.harness.training.loop import Training
from zoo.harness.training.schedule import make_optimizer

SIZES = {64: 72, 128: 144}
"""Side of the crops, and of the photos in the bank they are cut from."""

BATCH = 16


def harness(size: int, device: torch.device) -> tuple[Training, Callable[[], None]]:
    """The harness's own training of a U-Net, as a bench sets it up, and one step of it."""
    suite = effective_suite(BenchRequest(suite="quick", budget="steps=1000000"))
    suite = msgspec.structs.replace(suite, size=size, load_size=SIZES[size], batch=BATCH)
    photos = open_photos(suite)
    spec = resolve("unet", {"width": 16, "depth": 5})
    run = plan_runs("unet", spec, suite, describe_data(suite, photos), device=device.type)[0]
    training = Workbench.of(run, photos=photos).training
    training.colorizer.train()
    return training, lambda: training.one_step() and None


def bare(training: Training, device: torch.device) -> Callable[[], None]:
    """The same network and optimizer on batches that lie ready on the device."""
    batches = [next(training._batches) for _ in range(8)]
    ready = [(batch.condition, batch.ab) for batch in batches]
    recipe = current().recipe("default")
    run_network = training.colorizer.network
    optimizer = make_optimizer(run_network.parameters(), recipe)
    turn = 0

    def step() -> None:
        nonlocal turn
        condition, ab = ready[turn % len(ready)]
        turn += 1
        with devices.autocast(training.precision, device):
            loss = F.l1_loss(run_network(condition)["ab"].float(), ab)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def photos_per_second(step: Callable[[], None], steps: int, batch: int, device: torch.device) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        step()
    devices.finish(device)
    return steps * batch / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = devices.pick_device(arguments.device)
    devices.prepare(device)
    print(f"{datetime.date.today()}, {devices.describe(device)}, torch {torch.__version__}")
    for size in SIZES:
        training, whole_step = harness(size, device)
        bare_step = bare(training, device)
        for step in (whole_step, bare_step):
            photos_per_second(step, 3, BATCH, device)
        pairs = []
        for block in range(arguments.blocks):
            order = (whole_step, bare_step) if block % 2 == 0 else (bare_step, whole_step)
            rate = {step: photos_per_second(step, arguments.steps, BATCH, device) for step in order}
            pairs.append((rate[whole_step], rate[bare_step]))
        whole, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(w / b for w, b in pairs)
        print(f"{size} px: harness {whole:.1f} photos/s, bare {plain:.1f} photos/s, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
