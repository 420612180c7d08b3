"""The training step beside its rivals, in one run: the same network, photos, batch and precision.

    python -m benchmarks.rivals [rates | target | ten] [--device auto] [--again] [--quick] [--out FOLDER]

``plain``: a loop as people write it (Pillow, scikit-image, DataLoader without workers); ``plain_2`` with two;
``lightning``: Lightning and torchmetrics (requirements.txt) with two workers; ``bare``, ``bare_last``: forward,
backward and the optimizer's step on batches that lie ready, in either memory format; ``ours``: the harness. Each is a
process of its own. Memory is the process's peak and what its workers have for themselves.

rates: photos/s, peak memory, and the seconds from a process's start to its first step. Blocks of steps take turns, so
that what else the machine does falls on all; a ratio is the median over the turns.
target: seconds to a PSNR of the validation photos, one run each, evaluation outside the clock; and with all, from the
start of the process.
ten: a whole bench of ten networks, five steps each and scored: ``zoo bench``, or a script started for one after the
other.

A part that is done is in ``results/speed/DEVICE.csv`` and is not measured again unless asked for.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import torch

from benchmarks import measured
from benchmarks.rivals.process import RIVALS, Contestant
from benchmarks.rivals.task import BATCH, SUITE
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.report.plot import Plot, Point, Series
from zoo.harness.results.report.scales import linear
from zoo.harness.training import device as devices

LEARNING = ("plain", "plain_2", "lightning", "ours")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table.

    Args:
        part, network, px, rival: what was measured, and of whom; ``measure`` ends with its unit.
        median, lower, upper, repeats: lower and upper are the quartiles of the repeats.
        of_bare: of photos a second, the share of the faster of the two bare steps.
        of_plain: how many times as good as the plain loop without workers: more photos a second, fewer seconds or MiB.
        busy: seconds a second that its threads waited for a core; 0 on a quiet machine.
    """

    part: str
    network: str
    px: int
    rival: str
    measure: str
    median: float
    lower: float
    upper: float
    repeats: int
    of_bare: float | None = None
    of_plain: float | None = None
    busy: float | None = None
    torch: str = torch.__version__
    date: str = msgspec.field(default_factory=lambda: str(datetime.date.today()))


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """The PSNR of the validation photos on a contestant's way; ``wall_s`` is from the start of its process."""

    rival: str
    step: int
    train_s: float
    wall_s: float
    psnr: float


class Bout:
    """The contestants of one sitting, and its size.

    Args:
        rates: (network, px, steps a block, turns) of each case.
    """

    def __init__(self, device: torch.device, folder: Path, quick: bool):
        self.device, self.folder = device, folder
        self.table = measured.named_after(device, folder)
        self.rivals = [name for name in RIVALS if name != "lightning" or find_spec("lightning")]
        if "lightning" not in self.rivals:
            print("lightning is left out: pip install -r benchmarks/rivals/requirements.txt", flush=True)
        whole = [("unet", 64, 8, 7), ("smp_unet", 64, 8, 5), ("unet", 128, 4, 5)]
        self.rates = [("unet", 32, 1, 2)] if quick else whole
        self.learning_px, self.target = (32, 15.0) if quick else (64, 22.5)
        self.every, self.most = (1, 1) if quick else (10, 120)
        self.learning = ("plain", "ours") if quick else LEARNING
        self.ten = ("unet", "edsr") if quick else tuple(load_suite(SUITE).models.split(","))
        self.ten_steps = 1 if quick else 5

    def learners(self) -> list[str]:
        return [name for name in self.learning if name in self.rivals]

    def done(self, part: str) -> bool:
        return any(row.part == part for row in measured.read(self.table, Measured))

    def keep(self, part: str, rows: list[Measured]) -> None:
        kept = [row for row in measured.read(self.table, Measured) if row.part != part]
        measured.write(self.table, sorted([*kept, *rows], key=lambda row: row.part), Measured)
        for row in rows:
            ratio = "".join(
                f", {value:.2f} {of}" for of, value in (("of bare", row.of_bare), ("of plain", row.of_plain)) if value
            )
            print(f"{row.network} {row.px} px, {row.rival}: {row.median:.4g} {row.measure}{ratio}", flush=True)


def rates(bout: Bout, network: str, px: int, steps: int, turns: int, part: str) -> list[Measured]:
    """Photos a second in turns, then memory; cold starts one by one."""
    contestants = {name: Contestant(name, network, px, str(bout.device)) for name in bout.rivals}
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    busy: dict[str, list[float]] = {name: [] for name in contestants}
    workers: dict[str, float] = {}
    for turn in range(turns):
        names = list(contestants)[:: 1 if turn % 2 == 0 else -1]
        for name in names:
            found = contestants[name].takes(steps)
            speeds[name].append(steps * BATCH / found["seconds"])
            busy[name].append(found["busy"])
            workers[name] = max(workers.get(name, 0.0), found["workers_mb"])
    limit = max(("bare", "bare_last"), key=lambda name: statistics.median(speeds[name]))
    peaks = {name: each.end() + workers[name] for name, each in contestants.items()}
    rows = []
    for name, each in contestants.items():
        about: dict[str, Any] = {"part": part, "network": network, "px": px, "rival": name}
        rows.append(
            Measured(
                **about,
                measure="photos_s",
                **measured.summary(speeds[name]),
                repeats=turns,
                of_bare=_ratio(speeds[name], speeds[limit]),
                of_plain=_ratio(speeds[name], speeds["plain"]),
                busy=statistics.median(busy[name]),
            )
        )
        for measure, value, plain in (
            ("peak_mem_mb", peaks[name], peaks["plain"]),
            ("cold_start_s", each.cold_start, contestants["plain"].cold_start),
        ):
            rows.append(_once(about, measure, value, plain))
    return rows


def target(bout: Bout, part: str) -> tuple[list[Measured], list[CurvePoint]]:
    """One after the other: each has the machine for itself."""
    rows: list[Measured] = []
    curves: list[CurvePoint] = []
    plain: dict[str, float | None] = {}
    for name in bout.learners():
        each = Contestant(name, "unet", bout.learning_px, str(bout.device))
        curve = each.told(target=bout.target, every=bout.every, most=bout.most)["curve"]
        each.end()
        curves += [
            CurvePoint(rival=name, step=int(step), train_s=train, wall_s=at - each.started, psnr=psnr)
            for step, train, at, psnr in curve
        ]
        step, train, at, psnr = curve[-1]
        if psnr < bout.target:
            print(f"{name} is at {psnr:.2f} dB after {step} steps", flush=True)
            continue
        about: dict[str, Any] = {"part": part, "network": "unet", "px": bout.learning_px, "rival": name}
        for measure, value in (("target_s", train), ("target_wall_s", at - each.started), ("target_steps", step)):
            rows.append(_once(about, measure, value, plain.setdefault(measure, value if name == "plain" else None)))
    return rows, curves


def ten(bout: Bout, part: str) -> list[Measured]:
    """Wall seconds of it all."""
    seconds: dict[str, float] = {}
    for name in [name for name in bout.learners() if name not in ("plain_2", "ours")]:
        began = time.monotonic()
        for network in bout.ten:
            each = Contestant(name, network, 64, str(bout.device))
            each.told(steps=bout.ten_steps)
            each.told(score=True)
            each.end()
        seconds[name] = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        asked = ["--models", ",".join(bout.ten), "--suite", SUITE, "--budget", f"steps={bout.ten_steps}"]
        asked += ["--device", str(bout.device), "--out", folder]
        subprocess.run([sys.executable, "-m", "zoo", "bench", *asked], check=True, stdout=subprocess.DEVNULL)
        seconds["ours"] = time.monotonic() - began
    network = f"{len(bout.ten)} networks"
    return [
        _once({"part": part, "network": network, "px": 64, "rival": name}, "bench_s", value, seconds["plain"])
        for name, value in seconds.items()
    ]


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _once(about: dict[str, Any], measure: str, value: float, plain: float | None) -> Measured:
    return Measured(
        **about, measure=measure, **measured.summary([value]), repeats=1, of_plain=plain / value if plain else None
    )


def draw(bout: Bout) -> None:
    """Photos a second by size, and the way to the target."""
    rows = [row for row in measured.read(bout.table, Measured) if row.measure == "photos_s" and row.network == "unet"]
    rows.sort(key=lambda row: row.px)
    if rows:
        series = [
            Series(
                place,
                name,
                [Point(row.px, row.of_bare or 0.0) for row in rows if row.rival == name],
                style=place,
                label=name,
            )
            for place, name in enumerate(RIVALS)
            if any(row.rival == name for row in rows)
        ]
        ys = [point.y for each in series for point in each.points]
        plot = Plot(
            f"A training step, {devices.describe(bout.device)}",
            "side of the photos, px",
            "photos a second, of the bare step's",
            linear([row.px for row in rows]),
            linear([0, *ys]),
            series,
        )
        measured.draw(bout.table.with_suffix(".svg"), plot)
    points = measured.read(bout.table.with_name(f"{bout.table.stem}-target.csv"), CurvePoint)
    if points:
        series = [
            Series(place, name, [Point(p.wall_s, p.psnr) for p in points if p.rival == name], style=place, label=name)
            for place, name in enumerate(RIVALS)
            if any(point.rival == name for point in points)
        ]
        plot = Plot(
            "From the start of the process to a PSNR",
            "seconds, evaluation and all",
            "PSNR of the validation photos, dB",
            linear([0, *(point.wall_s for point in points)]),
            linear([point.psnr for point in points]),
            series,
        )
        measured.draw(bout.table.with_name(f"{bout.table.stem}-target.svg"), plot)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=["rates", "target", "ten", []], default=[])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a step or two of each, to try the script")
    parser.add_argument("--out", type=Path, default=measured.RESULTS / "speed")
    told = parser.parse_args()
    device = devices.pick_device(told.device)
    devices.prepare(device)
    bout = Bout(device, told.out, told.quick)
    asked = told.parts or ["rates", "target", "ten"]
    for network, px, steps, turns in bout.rates if "rates" in asked else ():
        part = f"rates {network} {px}"
        if told.again or not bout.done(part):
            bout.keep(part, rates(bout, network, px, steps, turns, part))
    if "target" in asked and (told.again or not bout.done("target")):
        rows, curves = target(bout, "target")
        measured.write(bout.table.with_name(f"{bout.table.stem}-target.csv"), curves, CurvePoint)
        bout.keep("target", rows)
    if "ten" in asked and (told.again or not bout.done("ten")):
        bout.keep("ten", ten(bout, "ten"))
    draw(bout)


if __name__ == "__main__":
    main()
