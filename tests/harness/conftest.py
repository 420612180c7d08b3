"""Small zoos for tests of the bench: models of two convolutions, and models that fail in every way."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from zoo.core.registry import Registry, use

SMALL = """
import ctypes, os, threading, time
import torch
from torch import nn


class Small(nn.Module):
    stride = 1

    def __init__(self, width: int = 4):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(width, 2, 1))

    def forward(self, condition):
        return self.body(condition)
"""

MODELS = """
class Published(Small):
    # its public original names the same tensors otherwise

    @staticmethod
    def from_published(state, *, hint_gain):
        return {"body." + key.removeprefix("model."): value for key, value in state.items()}


class Diverges(Small):
    def forward(self, condition):
        return super().forward(condition) * float("nan")


class RaisesInForward(Small):
    def forward(self, condition):
        raise ZeroDivisionError("division by zero, in forward")


class RaisesInTheLastStep(Small):
    calls = 0

    def forward(self, condition):
        if self.training:
            type(self).calls += 1
            if self.calls == 8:
                raise KeyError("the last step")
        return super().forward(condition)


class RaisesInBuild(nn.Module):
    def __init__(self):
        raise RuntimeError("cannot be built")


class WrongContract(Small):
    def forward(self, condition):
        return super().forward(condition)[:, :1]


class Hangs(Small):
    def forward(self, condition):
        time.sleep(1000)


class Crashes(Small):
    def forward(self, condition):
        ctypes.string_at(0)


class Exits(Small):
    def forward(self, condition):
        raise SystemExit("leaving")


class EatsMemory(Small):
    def forward(self, condition):
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))
        torch.ones(1 << 34)
        return super().forward(condition)


class HasNoFixedOrder(Small):
    def forward(self, condition):
        ab = super().forward(condition)
        return ab + torch.zeros(4).put_(torch.tensor([1, 1]), torch.ones(2)).mean()


class IsKilled(Small):
    def forward(self, condition):
        import signal
        os.kill(os.getpid(), signal.SIGKILL)
"""

NAMES = {
    "small": "Small",
    "published": "Published",
    "diverges": "Diverges",
    "raises_in_forward": "RaisesInForward",
    "raises_in_the_last_step": "RaisesInTheLastStep",
    "raises_in_build": "RaisesInBuild",
    "wrong_contract": "WrongContract",
    "hangs": "Hangs",
    "crashes": "Crashes",
    "exits": "Exits",
    "eats_memory": "EatsMemory",
    "has_no_fixed_order": "HasNoFixedOrder",
    "is_killed": "IsKilled",
}


@pytest.fixture
def zoo_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A registry overlaid with a module's models and metrics, in this process and in those that it starts.

    The module is ``Small`` and the source that is given; its table of rows is handed back.
    """
    folder = tmp_path / "plugins"
    folder.mkdir()

    def overlaid(module: str, source: str, models: Mapping[str, str], metrics: Mapping[str, str] | None = None) -> Path:
        (folder / f"{module}.py").write_text(SMALL + source, encoding="utf-8")
        table = folder / "registry.yaml"
        rows = [
            "".join(f'  {name}: {{target: "{module}:{cls}", summary: s}}\n' for name, cls in classes.items())
            for classes in (models, metrics or {})
        ]
        table.write_text(f"models:\n{rows[0]}" + (f"parts:\n metrics:\n{rows[1]}" if metrics else ""), encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        use(Registry.read([table]))
        return table

    yield overlaid
    use(None)


@pytest.fixture
def small_zoo(zoo_of: Callable[..., Path]) -> Path:
    """The models above."""
    return zoo_of("bench_test_models", MODELS, NAMES)


@pytest.fixture
def suite_file(tmp_path):
    """A suite of eight steps on 32 px photos."""
    file = tmp_path / "tiny.yaml"
    file.write_text(
        textwrap.dedent(
            """
            size: 32
            load_size: 40
            batch: 4
            budget: {steps: 8}
            options: {width: 4}
            train_hints: {name: pixels, densities: [0.05]}
            eval_hints: {name: pixels, densities: [0.02]}
            test_limit: 4
            metrics: [psnr, ssim]
            curve: 2
            threads: 1
            timeout: 3600
            checkpoint_every: 0
            """
        )
    )
    return file
