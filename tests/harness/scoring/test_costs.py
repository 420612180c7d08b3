"""Costs: what is counted, and that a time taken beside other work is known as such."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from zoo.core.contracts import Batch
from zoo.harness.scoring import costs
from zoo.harness.scoring import costs as load
from zoo.harness.scoring.costs import QUIET, Load


class Doubling(nn.Module):
    def forward(self, condition, extras):
        return {"ab": condition[:, 1:3] * 2}


@pytest.fixture
def batch() -> Batch:
    plane = torch.zeros(1, 1, 8, 8)
    return Batch(lightness=plane, ab=torch.zeros(1, 2, 8, 8), hint_ab=torch.zeros(1, 2, 8, 8), hint_mask=plane)


def loads(monkeypatch, shares):
    """Let the machine be as busy as ``shares`` say, one attempt after the other."""
    left = iter(shares)

    class Fake:
        def share(self) -> float:
            return next(left)

    monkeypatch.setattr(costs, "Load", Fake)
    return left


@pytest.mark.parametrize(
    ("shares", "kept", "unused"),
    [
        ([0.0, 9.0, 9.0], 0.0, 2),
        ([0.8, 0.01, 9.0], 0.01, 1),
        ([0.8, 0.3, 0.5], 0.3, 0),
        ([0.3, 0.8, 0.5], 0.3, 0),
    ],
)
def test_a_time_is_taken_again_while_others_work_and_the_calmest_counts(monkeypatch, batch, shares, kept, unused):
    left = loads(monkeypatch, shares)
    timing = costs.inference(Doubling(), batch)
    assert timing.busy == kept
    assert len(list(left)) == unused
    assert 0 < timing.lower <= timing.median <= timing.upper


def test_what_was_disturbed_is_noted_with_how_much():
    assert costs.disturbances({"inference": 0.0, "training": QUIET}) == []
    assert costs.disturbances({"inference": 0.412, "training": 0.0}) == [
        "costs were measured beside other work: inference waited 0.41 s a second for a core"
    ]


def test_the_wait_of_all_threads_is_counted(tmp_path, monkeypatch):
    """proc(5): the second number of ``schedstat`` is nanoseconds spent waiting on a run queue."""
    for thread, waited in (("1", 1_000_000_000), ("2", 0)):
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(f"5 {waited} 7\n", encoding="ascii")
    now = [100.0]
    monkeypatch.setattr(load, "_TASKS", tmp_path)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    measured = Load()
    now[0] += 4
    assert measured.share() == 0
    (tmp_path / "1" / "schedstat").write_text("5 2000000000 8\n", encoding="ascii")
    (tmp_path / "2" / "schedstat").write_text("5 3000000000 8\n", encoding="ascii")
    assert measured.share() == 1


@pytest.mark.parametrize(("average", "share"), [(1.0, 0.0), (4.0, 0.0), (6.0, 0.5)])
def test_where_nobody_counts_the_load_average_stands_in(tmp_path, monkeypatch, average, share):
    monkeypatch.setattr(load, "_TASKS", tmp_path / "nowhere")
    monkeypatch.setattr(os, "getloadavg", lambda: (average, 0.0, 0.0))
    monkeypatch.setattr(os, "sysconf", lambda name: 4)
    assert Load().share() == share


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel does not count waiting")
def test_busy_neighbours_are_seen():
    """More spinning processes than cores: some of this one's time is theirs, however fast the machine."""
    cores = os.sysconf("SC_NPROCESSORS_ONLN")
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * cores)]
    try:
        measured = Load()
        until = time.process_time() + 0.5
        while time.process_time() < until:
            pass
        assert measured.share() > QUIET
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def test_parameters_are_counted_once_and_arithmetic_as_two_a_product(batch):
    network = nn.Conv2d(4, 2, 3, padding=1)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = self.same = network

        def forward(self, condition, extras):
            return {"ab": self.one(condition)}

    assert costs.parameters_m(Model()) == pytest.approx((4 * 2 * 9 + 2) / 1e6)
    assert costs.gflops(Model(), batch) == pytest.approx(2 * 4 * 2 * 9 * 8 * 8 / 1e9)


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch):
    assert costs.peak_memory_mb(torch.device("cpu")) > 10
    monkeypatch.setitem(sys.modules, "resource", None)
    assert costs.peak_memory_mb(torch.device("cpu")) is None
