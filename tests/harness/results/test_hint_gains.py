"""What hints add: each row over its own without hints, and the published gains only where the hints are theirs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from zoo.harness.results.hint_rows import HintRow
from zoo.harness.results.protocol import SweptHints
from zoo.harness.results.report.hint_gains import BEST, ZHANG2017, gains
from zoo.harness.results.run_record import SuiteSaid
from zoo.harness.results.statistics import Interval

THEIRS = {"name": "points", "sizes": 6, "positions": "gaussian"}


def league(hints, labels):
    rows = [SimpleNamespace(label=label, ranked=label != "oracle") for label in labels]
    return SimpleNamespace(suite=SuiteSaid(sweeps={"s": SweptHints(hints)}), rows=rows)


def line(label: str, *psnr: float, levels: tuple[int, ...] = (0, 1, 10, 200)) -> list[HintRow]:
    return [
        HintRow("p", "suite", label, "s", level, Interval(value, value, value, 1, 9), None, 1)
        for level, value in zip(levels, psnr, strict=True)
    ]


def test_a_row_stands_over_its_own_without_hints():
    of = league(THEIRS, ["one", "oracle", "levin2004"])
    lines = {0: line("one", 24, 25, 27, 30), 1: line("oracle", 30, 30, 30, 30), 2: line("levin2004", 21, 22, 25, 30)}
    plot = gains("s", of, lines, "hints")
    drawn = {series.title: [(point.x, point.y) for point in series.points] for series in plot.series}
    assert drawn["one"] == [(0, 0), (1, 1), (10, 3), (200, 6)]
    assert drawn["levin2004"] == [(0, 0), (1, 1), (10, 4), (200, 9)]
    published = dict(drawn["Zhang et al. 2017, as published"])
    assert published[10] == pytest.approx(3.99)
    assert published[200] == pytest.approx(7.27)
    assert "oracle" not in drawn, "what is told the truth gains nothing by hints"


@pytest.mark.parametrize("other", ["pixels", {**THEIRS, "sizes": 2}, {**THEIRS, "positions": "uniform"}])
def test_the_published_gains_stand_by_their_own_hints_only(other):
    plot = gains("s", league(other, ["one"]), {0: line("one", 24, 25, 27, 30)}, "hints")
    assert [series.title for series in plot.series] == ["one"]


def test_levin_is_there_however_many_are_better():
    labels = [f"m{i}" for i in range(9)] + ["levin2004"]
    lines = {i: line(label, 1, 2, 3, 4) for i, label in enumerate(labels)}
    plot = gains("s", league("pixels", labels), lines, "hints")
    assert [series.title for series in plot.series] == [*labels[:BEST], "levin2004"]


def test_without_a_level_of_no_hints_there_is_no_gain():
    lines = {0: line("one", 25, 27, 30, levels=(1, 10, 200))}
    assert gains("s", league(THEIRS, ["one"]), lines, "hints") is None


def test_the_published_gains_rise():
    assert sorted(ZHANG2017.values()) == list(ZHANG2017.values())
