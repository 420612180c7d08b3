"""The harness's whole training step, as a bench sets it up: bank → crop → flip → Lab → hints → forward → loss →
backward → clip → optimizer."""

from __future__ import annotations

import msgspec

from benchmarks.rivals.contestant import Pace
from benchmarks.rivals.task import Case, colorizer
from zoo.core.resolve import resolve
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs
from zoo.harness.plan.settings import divided
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.run.workbench import Workbench, on_device
from zoo.harness.scoring.scores import make_metrics, score_colorizer
from zoo.harness.training.budget import Budget
from zoo.harness.training.loop import Training


def bench(case: Case) -> Workbench:
    """The run's working parts, without end: the rate is constant, as the rivals' is."""
    suite = msgspec.structs.replace(case.suite, budget=Budget(steps=1_000_000), compile=case.compile, threads=None)
    photos = open_photos(suite)
    row = "unet" if case.network == "smp_unet" else case.network
    spec = resolve(row, defaults=suite.options)
    data, constant = describe_data(suite, photos), divided({"recipe.schedule": "constant", "recipe.warmup": 0.0})
    run = plan_runs(row, spec, Rules(suite, data, str(case.device), settings=constant))[0]
    return Workbench.of(run, photos=photos, colorizer=on_device(colorizer(case), suite, case.device))


def training(case: Case) -> Training:
    """Ready for its first step."""
    found = bench(case).training
    found.colorizer.train()
    return found


def train(case: Case, pace: Pace) -> None:
    working = bench(case)
    training = working.training
    training.colorizer.train()

    def scores() -> dict[str, float]:
        metrics, _ = make_metrics(["psnr", "ssim"], device=case.device)
        found = score_colorizer(training.trained, working.evaluations(), metrics).per_image
        training.colorizer.train()
        return {name: sum(values) / len(values) for name, values in found.items()}

    pace.evaluate = scores
    while True:
        training.one_step()
        if not pace.step_done():
            return
