"""What rows upon one propagator have in common is spread once; no score depends on it."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import nn

from zoo.core.assemble import assemble
from zoo.core.resolve import resolve
from zoo.harness.plan.suite import Suite, open_photos, scored_photos
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest
from zoo.harness.scoring.spread_once import FOLDER, kept_for, spread_once

SUITE = Suite(size=32, load_size=40, test_limit=2)


@pytest.fixture(scope="module")
def condition():
    (photos,) = scored_photos(SUITE, open_photos(SUITE), (), torch.device("cpu"))
    return photos.batch.condition


class Counting(nn.Module):
    """Stands where the propagator does, and counts how often it is asked."""

    def __init__(self, propagator):
        super().__init__()
        self.propagator, self.asked = propagator, 0

    def forward(self, condition):
        self.asked += 1
        return self.propagator(condition)


def counted(name, **options):
    spec = resolve(name, options)
    colorizer = assemble(spec).eval()
    colorizer.network.propagator = Counting(colorizer.network.propagator)
    return colorizer, spec


@torch.no_grad()
def answers(colorizer, spec, condition, results):
    """Outside, then twice within; and how often the propagator was asked within."""
    alone = colorizer(condition)
    before = colorizer.network.propagator.asked
    with spread_once(colorizer, spec, results):
        within = [colorizer(condition) for _ in range(2)]
    assert isinstance(colorizer.network.propagator, Counting)
    return [alone, *within], colorizer.network.propagator.asked - before


def same(answers):
    first, *others = answers
    return all(torch.equal(first[name], other[name]) for other in others for name in ("ab", "confidence"))


@pytest.mark.parametrize("name", ["pyramid", "nearest", "levin2004"])
def test_rows_upon_one_propagator_share_what_it_spreads(name, condition, tmp_path):
    with kept_for(tmp_path, [1, 2]):
        found, asked = answers(*counted(name), condition, tmp_path)
        assert same(found)
        assert asked == 1
        found, asked = answers(*counted(name), condition, tmp_path)  # as another run does
        assert same(found)
        assert asked == 0


def test_another_network_upon_it_reads_it_and_another_option_does_not(condition, tmp_path):
    with kept_for(tmp_path, [1, 2]):
        _, asked = answers(*counted("pyramid"), condition, tmp_path)
        assert asked == 1
        _, asked = answers(*counted("unet", propagator="pyramid"), condition, tmp_path)
        assert asked == 0
        _, asked = answers(*counted("pyramid", sweeps=4), condition, tmp_path)
        assert asked == 1
        moved = condition.clone()
        moved[0, 0, 3, 4] += 1 / 128
        _, asked = answers(*counted("pyramid"), moved, tmp_path)
        assert asked == 1


@pytest.mark.parametrize("name", ["learned_pyramid", "learned_levin"])
def test_what_learns_is_asked_each_time(name, condition, tmp_path):
    with kept_for(tmp_path, [1, 2]):
        _, asked = answers(*counted(name), condition, tmp_path)
        assert asked == 2
        assert not list((tmp_path / FOLDER).iterdir())


def test_one_run_alone_keeps_nothing_and_a_killed_benchs_folder_is_emptied(condition, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "left.pt").write_bytes(b"half of an answer")
    with kept_for(tmp_path, [1]):
        assert not (tmp_path / FOLDER).exists()
        _, asked = answers(*counted("pyramid"), condition, tmp_path)
        assert asked == 2
    with contextlib.suppress(KeyboardInterrupt), kept_for(tmp_path, [1, 2]):
        answers(*counted("pyramid"), condition, tmp_path)
        assert list((tmp_path / FOLDER).iterdir())
        raise KeyboardInterrupt
    assert not (tmp_path / FOLDER).exists()


def test_beyond_its_limit_each_spreads_for_itself(condition, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.harness.scoring.spread_once.LIMIT", 0)
    with kept_for(tmp_path, [1, 2]):
        found, asked = answers(*counted("pyramid"), condition, tmp_path)
    assert same(found)
    assert asked == 2


@pytest.mark.slow
def test_a_bench_of_several_rows_scores_them_as_benches_of_one_do(tmp_path):
    together = tmp_path / "together"
    bench(BenchRequest(models="pyramid,unet", suite="smoke", out=together, baselines=False))
    assert not (together / FOLDER).exists()
    for name in ("pyramid", "unet"):
        alone = tmp_path / name
        bench(BenchRequest(models=name, suite="smoke", out=alone, baselines=False))
        for path in alone.glob("runs/*/*/*s.csv"):
            assert path.read_text() == (together / path.relative_to(alone)).read_text()
