"""Seconds and memory to colorize one photo of 224, 512, 1024 and 2048 px, for every row.

    python -m benchmarks.latency [MODEL ...] [--px 224 512 1024 2048] [--device auto] [--timeout 120] [--memory 14]

Rows have the sizes they are registered with, their papers' where those are known. Each model and size is a process of
its own (once.py), whose peak memory is the model's; one that takes more than ``--memory`` GiB or ``--timeout`` seconds
is ended, and then not tried at a larger size, nor is one that would take longer by its pixels. What is known stands in
``results/latency/DEVICE.csv`` at once, and is not measured again; ``python docs/update_readme.py`` makes the table of
``results/latency/README.md`` of it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import resource
import subprocess
import sys
from pathlib import Path

import msgspec
import torch

import zoo
from benchmarks import measured
from zoo.harness.training import device as devices

SIZES = (224, 512, 1024, 2048)
ROOT = Path(__file__).parents[2]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a size.

    Args:
        seconds: to colorize one photo, the median of ``repeats``; empty with a ``note`` that says why.
        peak_mem_mb: MiB, the most the process had; on a GPU the most that tensors took there.
        before_mem_mb: the most it had before it was given the photo.
        busy: seconds a second that its threads waited for a core.
    """

    model: str
    px: int
    seconds: float | None = None
    repeats: int | None = None
    peak_mem_mb: float | None = None
    before_mem_mb: float | None = None
    busy: float | None = None
    note: str = ""
    torch: str = torch.__version__
    date: str = msgspec.field(default_factory=lambda: str(datetime.date.today()))


def measure(model: str, px: int, device: str, timeout: float, memory: float) -> Latency:
    """A process of its own, which may not take the machine with it."""
    limit = int(memory * 2**30)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    command = [sys.executable, "-m", "benchmarks.latency.once", model, str(px), "--device", device]
    try:
        found = subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=timeout, preexec_fn=bounded, check=False
        )
    except subprocess.TimeoutExpired:
        return Latency(model=model, px=px, note=f"more than {timeout:g} s")
    last = (found.stdout.strip().splitlines() or [""])[-1]
    if not last.startswith("{"):
        return Latency(model=model, px=px, note=f"ended with code {found.returncode}")
    told = json.loads(last)
    if any(word in told.get("note", "") for word in ("memory", "MemoryError")):
        told = {"note": f"more than {memory:g} GiB"}
    return Latency(model=model, px=px, **told)


def hopeless(smaller: list[Latency], px: int, timeout: float) -> str:
    """Why a model need not be tried at ``px``, of what is known of it at smaller sizes; else empty."""
    for row in smaller:
        if row.seconds is None:
            return f"at {row.px} px: {row.note}"
        reckoned = row.seconds * (px / row.px) ** 2
        if reckoned > timeout:
            return f"more than {timeout:g} s, reckoned by its pixels of {row.px} px"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--px", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--memory", type=float, default=14.0)
    parser.add_argument("--out", type=Path, default=measured.RESULTS / "latency")
    told = parser.parse_args()
    device = devices.pick_device(told.device)
    devices.prepare(device)
    table = measured.named_after(device, told.out)
    rows = measured.read(table, Latency)
    for px in told.px:
        for model in told.models or zoo.list_models():
            if any((row.model, row.px) == (model, px) for row in rows):
                continue
            smaller = [row for row in rows if row.model == model and row.px < px]
            note = hopeless(smaller, px, told.timeout)
            found = (
                Latency(model=model, px=px, note=note)
                if note
                else measure(model, px, str(device), told.timeout, told.memory)
            )
            rows.append(found)
            measured.write(table, sorted(rows, key=lambda row: (row.model, row.px)), Latency)
            answer = f"{found.seconds:.3g} s, {found.peak_mem_mb:.0f} MiB" if found.seconds else found.note
            print(f"{model} {px} px: {answer}", flush=True)


if __name__ == "__main__":
    main()
