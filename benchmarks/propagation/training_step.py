"""What a propagator adds to a training step: the ratio of process CPU seconds with it and without.

    python benchmarks/propagation/training_step.py [--propagators pyramid push_pull] [--blocks 15]

A U-Net of width 16 at 64 px, batch 4, forward and backward, one thread. Blocks of steps alternate, so that what else
the machine does falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import time

import msgspec
import torch
import torch.nn.functional as F
from torch import nn

from zoo.core.assemble import assemble
from zoo.core.resolve import resolve
from zoo.core.spec import PartRef

SIZE, BATCH, STEPS = 64, 4, 5


def condition() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(BATCH, 1, SIZE, SIZE, generator=generator) * 2 - 1
    mask = (torch.rand(BATCH, 1, SIZE, SIZE, generator=generator) < 0.01).float()
    return torch.cat((lightness, 0.2 * mask, -0.1 * mask, mask), dim=1)


def cpu_seconds(network: nn.Module, given: torch.Tensor) -> float:
    truth = torch.zeros_like(given[:, 1:3])
    began = time.process_time()
    for _ in range(STEPS):
        F.l1_loss(network(given)["ab"], truth).backward()
    return (time.process_time() - began) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--propagators", nargs="*", default=["push_pull", "pyramid"])
    parser.add_argument("--blocks", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    given = condition()
    spec = resolve("unet", {"width": 16})
    plain = assemble(spec).train()
    cpu_seconds(plain, given)
    for name in arguments.propagators:
        parts = {"propagator": PartRef(name), **spec.parts}
        upon = assemble(msgspec.structs.replace(spec, parts=parts)).train()
        cpu_seconds(upon, given)
        pairs = [(cpu_seconds(upon, given), cpu_seconds(plain, given)) for _ in range(arguments.blocks)]
        ratio = statistics.median(with_it / without for with_it, without in pairs)
        print(f"{name}: {ratio:.2f} times the step without ({1000 * min(b for _, b in pairs):.0f} ms at best)")


if __name__ == "__main__":
    main()
