"""One colorizer and one photo at growing sizes, in a process of its own: how long, and how much memory by then.

python -m benchmarks.latency.once MODEL PX [PX ...] [--device auto]

A line of JSON a size.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import numpy as np
import torch
from PIL import Image

from zoo.core.assemble import assemble, make
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import Unavailable, reason_of
from zoo.core.resolve import resolve
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import evaluation_batches
from zoo.harness.data.extras import open_extras
from zoo.harness.data.folder import FOLDER
from zoo.harness.plan.suite import load_suite
from zoo.harness.scoring.costs import Load, peak_memory_mb
from zoo.harness.training import device as devices
from zoo.harness.training.device import channels_last

SECONDS, MOST = 2.0, 10
"""Repeats are taken for so long and no more than so many; what takes longer once is taken once, cold."""


def bank_of(name: str, px: int) -> PhotoBank:
    """One embedded photo, enlarged."""
    photo = Image.open(FOLDER / name).convert("RGB").resize((px, px), Image.Resampling.BICUBIC)
    pixels = np.ascontiguousarray(np.asarray(photo).transpose(2, 0, 1)[None])
    return PhotoBank(pixels, (name,), (0,), (), (), f"{name} {px}")


def batch_of(colorizer: Colorizer, px: int, device: torch.device) -> Batch:
    """A test photo with hints at the density of the suite quick; references are of a training photo."""
    photo = bank_of("test/gcompris-gorilla-0.jpg", px)
    training = bank_of("train/gcompris-jaguar-0.jpg", px)
    (evaluation,) = evaluation_batches(
        photo,
        size=px,
        batch_size=1,
        device=device,
        hint_seed=0,
        hint_sampler=make("hints", load_suite("quick").eval_hints),
        extras=open_extras(colorizer.extras, photo, training=training, device="cpu"),
    )
    return evaluation.batch


def built(model: str, device: torch.device) -> Colorizer:
    """The row as it is registered; without its pretrained weights where they are not here."""
    torch.manual_seed(0)
    try:
        colorizer = assemble(resolve(model))
    except Unavailable:
        colorizer = assemble(resolve(model, {"pretrained": False}))
    return channels_last(colorizer, device).eval()


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("px", type=int, nargs="+")
    parser.add_argument("--device", default="auto")
    told = parser.parse_args()
    device = devices.pick_device(told.device)
    devices.prepare(device)
    colorizer = built(told.model, device)
    for px in sorted(told.px):
        print(json.dumps(measured(colorizer, batch_of(colorizer, px, device), device)), flush=True)


def measured(colorizer: Colorizer, batch: Batch, device: torch.device) -> dict[str, float | int | None]:
    """What :class:`benchmarks.latency.__main__.Latency` has of a size."""
    before = peak_memory_mb(device)

    def seconds() -> float:
        began = time.perf_counter()
        colorizer(batch.condition, batch.extras)
        devices.finish(device)
        return time.perf_counter() - began

    load = Load()
    times = [seconds()]
    if times[0] < SECONDS:
        load, times, began = Load(), [], time.perf_counter()
        while len(times) < MOST and (not times or time.perf_counter() - began < SECONDS):
            times.append(seconds())
    return {
        "seconds": statistics.median(times),
        "repeats": len(times),
        "peak_mem_mb": peak_memory_mb(device),
        "before_mem_mb": before,
        "busy": load.share(),
    }


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        print(json.dumps({"note": f"{type(error).__name__}: {reason_of(error)}"}), flush=True)
        os._exit(0)
