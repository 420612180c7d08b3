"""Colorizers that do what a stranger's may do: noise, values that are no numbers, threads and children left behind."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

MODELS = """
class Noisy(Small):
    # ab of standard deviation 60: its pictures take more bytes than they have pixels
    def forward(self, condition):
        noise = torch.randn(condition.shape[0], 2, *condition.shape[2:])
        return super().forward(condition) * 0 + noise * 60 / 110


class SometimesNan(Small):
    def forward(self, condition):
        ab = super().forward(condition)
        return ab if self.training else torch.where(condition[:, :1] > 0.2, ab * float("nan"), ab)


class Infinite(Small):
    def forward(self, condition):
        ab = super().forward(condition)
        return ab if self.training else ab + float("inf")


class BreaksInTheLastStep(Small):
    # its gradient is NaN in the last step only, of which no loss tells
    calls = 0

    def forward(self, condition):
        ab = super().forward(condition)
        if self.training:
            type(self).calls += 1
            if type(self).calls >= 8:
                ab.register_hook(lambda gradient: gradient * float("nan"))
        return torch.nan_to_num(ab)


class LeavesAThread(Small):
    started = False

    def forward(self, condition):
        if not LeavesAThread.started:
            LeavesAThread.started = True
            from zoo.harness.run.executors import local
            local.ENDING_SECONDS = 0.5  # of this run's own process, in which the thread is
            threading.Thread(target=time.sleep, args=(1000,)).start()
        return super().forward(condition)


class LeavesAChild(Small):
    started = False

    def forward(self, condition):
        if not LeavesAChild.started:
            LeavesAChild.started = True
            child = os.fork()
            if child == 0:
                time.sleep(1000)
                os._exit(0)
            with open(os.path.join(os.path.dirname(__file__), "child"), "w") as file:
                file.write(str(child))
        return super().forward(condition)


class HangsWithAChild(LeavesAChild):
    def forward(self, condition):
        super().forward(condition)
        time.sleep(1000)


class Shouts(Small):
    def forward(self, condition):
        raise RuntimeError("x" * 2_000_000)


class ShoutsInBuild(Small):
    def __init__(self):
        raise RuntimeError("y" * 300_000)


class FailsWhenScored(Small):
    # once: with the file there, it has been mended
    def forward(self, condition):
        if not self.training and not os.path.exists(os.path.join(os.path.dirname(__file__), "mended")):
            raise ZeroDivisionError("not yet")
        return super().forward(condition)


class HalfNan:
    name = "half_nan"
    higher_is_better = True
    version = "1"

    def per_image(self, prediction, target):
        scores = torch.ones(len(target))
        scores[::2] = float("nan")
        return scores


class Endless(HalfNan):
    name = "endless"

    def per_image(self, prediction, target):
        return torch.full((len(target),), float("inf"))
"""

NAMES = {
    "small": "Small",
    "noisy": "Noisy",
    "sometimes_nan": "SometimesNan",
    "infinite": "Infinite",
    "breaks_in_the_last_step": "BreaksInTheLastStep",
    "leaves_a_thread": "LeavesAThread",
    "leaves_a_child": "LeavesAChild",
    "hangs_with_a_child": "HangsWithAChild",
    "shouts": "Shouts",
    "shouts_in_build": "ShoutsInBuild",
    "fails_when_scored": "FailsWhenScored",
}
METRICS = {"half_nan": "HalfNan", "endless": "Endless", "rank": "HalfNan"}

SUITE = textwrap.dedent(
    """
    size: 32
    load_size: 40
    batch: 4
    budget: {steps: 8}
    options: {width: 4}
    eval_hints: {name: pixels, densities: [0.02]}
    test_limit: 4
    metrics: [psnr]
    curve: 1
    threads: 1
    timeout: 300
    checkpoint_every: 1000
    """
)


@pytest.fixture
def odd_zoo(zoo_of: Callable[..., Path]) -> Path:
    """The colorizers and metrics above."""
    return zoo_of("odd_models", MODELS, NAMES, METRICS)


@pytest.fixture
def suite(tmp_path) -> Path:
    """Eight steps on 32 px photos."""
    file = tmp_path / "tiny.yaml"
    file.write_text(SUITE, encoding="utf-8")
    return file
