"""What might make a bench on the CPU faster, each tried beside what is: a row of ``results/speed/tried.csv`` a trial.

    python -m benchmarks.speed.tried [TRIAL ...] [--again] [--quick] [--out FILE]

Trials: ``environment`` (malloc's thresholds, jemalloc, huge pages, flushed denormals), ``layout``, ``compile``,
``features``, ``idle``, ``sweep``. What is compared takes turns; a ratio below 1 is time saved.
"""

from __future__ import annotations

import argparse
import ctypes.util
import datetime
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from benchmarks import measured
from benchmarks.rivals import ours
from benchmarks.rivals.process import Contestant
from benchmarks.rivals.task import SUITE, Case, colorizer
from benchmarks.speed import layout
from zoo.core.color import rgb_to_lab
from zoo.core.process import usable_cores
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.report.scales import shown
from zoo.harness.scoring.scores import make_metrics
from zoo.harness.training import device as devices
from zoo.harness.training.device import channels_last

CPU = torch.device("cpu")
BEFORE = "malloc as it comes"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A trial.

    Args:
        before, after: milliseconds as it is and with what is tried; of what, ``case`` says.
        ratio: after / before, the median over turns; ``lower`` and ``upper`` are its quartiles.
        verdict: ``kept``, ``not kept`` or ``as it is``, and why.
    """

    trial: str
    what: str
    case: str
    before: float
    after: float
    ratio: float
    lower: float
    upper: float
    turns: int
    verdict: str = ""
    date: str = msgspec.field(default_factory=lambda: str(datetime.date.today()))


def compared(trial: str, what: str, case: str, pairs: list[tuple[float, float]], verdict: str) -> Tried:
    """``pairs``: milliseconds before and after, turn by turn."""
    before, after = (statistics.median(column) for column in zip(*pairs, strict=True))
    found = measured.summary([b / a for a, b in pairs])
    return Tried(
        trial=trial,
        what=what,
        case=case,
        before=before,
        after=after,
        ratio=found["median"],
        lower=found["lower"],
        upper=found["upper"],
        turns=len(pairs),
        verdict=verdict,
    )


def environments() -> dict[str, tuple[dict[str, str], list[str]]]:
    """What a process is started with, by name.

    A tunable of the user's, even one that changes nothing, keeps ``keep_freed_memory`` from saying anything.
    """
    untouched = {"GLIBC_TUNABLES": "glibc.malloc.perturb=0"}
    found: dict[str, tuple[dict[str, str], list[str]]] = {
        BEFORE: (untouched, []),
        "malloc keeps what is freed": ({}, []),
        "huge pages for malloc": ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, []),
        "flushed denormals": (untouched, ["--flush-denormal"]),
    }
    if jemalloc := ctypes.util.find_library("jemalloc"):
        found["jemalloc"] = ({**untouched, "LD_PRELOAD": jemalloc}, [])
    return found


def environment(quick: bool) -> Iterator[Tried]:
    """Our training step in processes that differ in their environment alone."""
    for px, steps in ((32, 1),) if quick else ((64, 8), (128, 3)):
        started = {
            name: Contestant("ours", "unet", px, "cpu", environment=variables, flags=flags)
            for name, (variables, flags) in environments().items()
        }
        times = turns_of({name: _step(each, steps) for name, each in started.items()}, 2 if quick else 5)
        peaks = {name: each.end() for name, each in started.items()}
        before = times.pop(BEFORE)
        for name, after in times.items():
            memory = f"peak memory {shown(round(peaks[name]))} MiB against {shown(round(peaks[BEFORE]))}"
            yield compared("environment", name, f"a step of unet, {px} px", pairs(before, after), memory)


def _step(contestant: Contestant, steps: int) -> Callable[[], float]:
    return lambda: float(contestant.takes(steps)["seconds"]) / steps * 1e3


def compiled(quick: bool) -> Iterator[Tried]:
    """torch.compile, and after how many steps it has paid for its compiling."""
    px, steps = (32, 1) if quick else (64, 8)
    plain, fast = (Contestant("ours", "unet", px, "cpu", flags=flags) for flags in ([], ["--compile"]))
    times = turns_of({"before": _step(plain, steps), "after": _step(fast, steps)}, 2 if quick else 5)
    cost, saved = (
        fast.cold_start - plain.cold_start,
        statistics.median(times["before"]) - statistics.median(times["after"]),
    )
    plain.end(), fast.end()
    pays = (
        f"{shown(round(cost))} s to compile, paid after {cost * 1e3 / saved:.0f} steps"
        if saved > 0
        else f"{cost:.0f} s to compile"
    )
    yield compared("compile", "torch.compile", f"a step of unet, {px} px", pairs(times["before"], times["after"]), pays)


def layouts(quick: bool) -> Iterator[Tried]:
    """The best of three layouts for each model, against the one rule for all of them."""
    devices.prepare(CPU, threads=1)
    for model in (
        ["edsr"]
        if quick
        else ["unet", "residual_unet", "resnet_unet", "fcn8s", "hypercolumn", "fpn", "edsr", "zhang2017"]
    ):
        ready = {name: _milliseconds(step) for name, step in layout.steps(model).items()}
        for step in ready.values():
            step()
        times = turns_of(ready, 1 if quick else 5)
        best = min(times, key=lambda name: statistics.median(times[name]))
        yield compared(
            "layout", f"the best of three: {best}", f"a step of {model}, quick", pairs(times["mixed"], times[best]), ""
        )
    devices.prepare(CPU)


def _milliseconds(step: Callable[[], object]) -> Callable[[], float]:
    return lambda: layout.milliseconds(step, 2)


def features(quick: bool) -> Iterator[Tried]:
    """The truth's share of what the rulers compute, which is the same for every model of a suite."""
    from zoo.harness.metrics.exact import exact_float32
    from zoo.harness.metrics.st_lpips import _pretrained

    case = Case("unet", 64, CPU)
    photos = list(ours.bench(case).evaluations())
    metrics, _ = make_metrics(load_suite("quick").metrics, device=CPU)
    net = _pretrained()

    def whole() -> None:
        for each in photos:
            for metric in metrics:
                metric.per_image(each.rgb.flip(0), each.rgb)

    def truth() -> None:
        with exact_float32(CPU):
            for each in photos:
                net.features(each.rgb.float() / 127.5 - 1)
                rgb_to_lab(each.rgb)

    with torch.no_grad():
        times = turns_of({"before": _timed(whole), "truth": _timed(truth)}, 1 if quick else 7)
    after = [a - b for a, b in pairs(times["before"], times["truth"])]
    yield compared(
        "features",
        "ST-LPIPS features and Lab of the truth kept",
        f"scoring {sum(len(each.rgb) for each in photos)} photos, 64 px",
        pairs(times["before"], after),
        "",
    )


def idle(quick: bool) -> Iterator[Tried]:
    """How much of a bench the cores have nothing to do: all that training during another run's scoring could win."""
    models = ("unet", "edsr") if quick else load_suite(SUITE).models.split(",")
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--models", ",".join(models), "--suite", SUITE, "--out", folder, "--device", "cpu"]
        asked += ["--budget", "steps=2"] if quick else []
        began, before = time.monotonic(), _idle_seconds()
        subprocess.run([sys.executable, "-m", "zoo", "bench", *asked], check=True, stdout=subprocess.DEVNULL)
        wall = time.monotonic() - began
        share = (_idle_seconds() - before) / wall / usable_cores()
    yield compared(
        "idle", "no core ever idle", f"a bench of {len(models)} networks", [(wall * 1e3, wall * 1e3 * (1 - share))], ""
    )


def _idle_seconds() -> float:
    """Of all cores together since the start of the machine (proc_stat(5), the fourth field)."""
    ticks = Path("/proc/stat").read_text(encoding="ascii").split()[4]
    return int(ticks) / 100


def sweep(quick: bool) -> Iterator[Tried]:
    """Three levels of a sweep's 40 photos in one batch, against one after the other."""
    devices.prepare(CPU, threads=1)
    levels = [torch.rand(40, 4, 64, 64, generator=torch.Generator().manual_seed(level)) for level in range(3)]
    for model in ["edsr"] if quick else ["unet", "residual_unet", "fpn", "edsr"]:
        net = channels_last(colorizer(Case(model, 64, CPU)), CPU).eval()
        ways = {"before": _timed(partial(_each, net, levels)), "after": _timed(partial(net, torch.cat(levels)))}
        with torch.no_grad():
            times = turns_of(ways, 1 if quick else 7)
        both = pairs(times["before"], times["after"])
        yield compared("sweep", "three levels a batch", f"a sweep of {model}, 64 px", both, "")
    devices.prepare(CPU)


def _each(net: nn.Module, levels: list[Tensor]) -> None:
    for level in levels:
        net(level)


def _timed(action: Callable[[], object]) -> Callable[[], float]:
    def milliseconds() -> float:
        began = time.perf_counter()
        action()
        return (time.perf_counter() - began) * 1e3

    return milliseconds


def turns_of(candidates: dict[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """What each gives, in turns, every second turn the other way round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(turns):
        for name in list(candidates)[:: 1 if turn % 2 == 0 else -1]:
            times[name].append(candidates[name]())
    return times


def pairs(before: list[float], after: list[float]) -> list[tuple[float, float]]:
    return list(zip(before, after, strict=True))


TRIALS: dict[str, Callable[[bool], Iterator[Tried]]] = {
    "environment": environment,
    "layout": layouts,
    "compile": compiled,
    "features": features,
    "idle": idle,
    "sweep": sweep,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", choices=[*TRIALS, []], default=[])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--quick", action="store_true", help="once each and small, to try the script")
    parser.add_argument("--out", type=Path, default=measured.RESULTS / "speed" / "tried.csv")
    told = parser.parse_args()
    devices.prepare(CPU)
    for trial in told.trials or TRIALS:
        known = measured.read(told.out, Tried)
        if any(row.trial == trial for row in known) and not told.again:
            continue
        found = list(TRIALS[trial](told.quick))
        measured.write(told.out, [*(row for row in known if row.trial != trial), *found], Tried)
        for row in found:
            print(
                f"{row.case}, {row.what}: {row.ratio:.3f} ({row.lower:.3f} to {row.upper:.3f}) {row.verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
