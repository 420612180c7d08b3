"""Seconds and memory to colorize one photo of 224, 512, 1024 and 2048 px, for every row.

    python -m benchmarks.latency [MODEL ...] [--px 224 512 1024 2048] [--device auto] [--timeout 120] [--memory 14]

Rows have the sizes they are registered with, their papers' where those are known. Each model is a process of its own
(once.py), given the sizes as they grow, so that its peak memory is that of the last one; a size that takes it over
``--memory`` GiB or ``--timeout`` seconds ends it, and so does one that would take longer by its pixels. What is known
stands in ``results/latency/DEVICE.csv`` at once, and is not measured again; ``python docs/update_readme.py`` makes the
table of ``results/latency/README.md`` of it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import resource
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def measure(
    model: str, sizes: list[int], device: str, timeout: float, memory: float, known: list[Latency]
) -> Iterator[Latency]:
    """A process of its own, which may not take the machine with it; one of each size, also where it has ended.

    Args:
        known: of the model, at other sizes.
    """
    limit = int(memory * 2**30)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    command = [sys.executable, "-m", "benchmarks.latency.once", model, *map(str, sizes), "--device", device]
    # Unbuffered: a line that was read ahead would not be seen to be there.
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=bounded, bufsize=0
    ) as process:
        assert process.stdout is not None
        for px in sizes:
            note = hopeless([row for row in known if row.px < px], px, timeout)
            if not note and not select.select([process.stdout], [], [], timeout)[0]:
                note = f"more than {timeout:g} s"
            told = {"note": note} if note else told_by(process, process.stdout.readline(), memory)
            if "note" in told:
                process.kill()
            found = Latency(model=model, px=px, **told)
            known = [*known, found]
            yield found


def told_by(process: subprocess.Popen[bytes], line: bytes, memory: float) -> dict[str, Any]:
    """What the process says of a size, or a ``note`` that says why it does not."""
    if not line.startswith(b"{"):
        return {"note": f"ended with code {process.wait()}"}
    told: dict[str, Any] = json.loads(line)
    if any(word in told.get("note", "") for word in ("memory", "MemoryError")):
        return {"note": f"more than {memory:g} GiB"}
    return told


def hopeless(smaller: list[Latency], px: int, timeout: float) -> str:
    """Why a model need not be tried at ``px``, of what is known of it at smaller sizes; else empty."""
    for row in sorted(smaller, key=lambda row: row.px)[-1:]:
        if row.seconds is None:
            return f"at {row.px} px: {row.note}"
        if row.seconds * (px / row.px) ** 2 > timeout:
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
    for model in told.models or zoo.list_models():
        known = [row for row in rows if row.model == model]
        sizes = [px for px in sorted(told.px) if px not in {row.px for row in known}]
        for found in measure(model, sizes, str(device), told.timeout, told.memory, known) if sizes else ():
            rows.append(found)
            measured.write(table, sorted(rows, key=lambda row: (row.model, row.px)), Latency)
            answer = f"{found.seconds:.3g} s, {found.peak_mem_mb:.0f} MiB" if found.seconds else found.note
            print(f"{model} {found.px} px: {answer}", flush=True)


if __name__ == "__main__":
    main()
