"""Seconds to a PSNR, read off a curve."""

from __future__ import annotations

import pytest

from zoo.harness.results.run_record import CurvePoint
from zoo.harness.scoring.costs import time_to

CURVE = [CurvePoint(1, 2.0, 20.0), CurvePoint(2, 4.0, 24.0), CurvePoint(3, 6.0, 23.0)]


@pytest.mark.parametrize(
    ("target", "seconds"),
    [(20.0, 2.0), (19.0, 2.0), (21.0, 2.5), (24.0, 4.0), (23.5, 3.75), (24.1, None), (None, None)],
)
def test_the_first_crossing_counts(target, seconds):
    assert time_to(target, CURVE) == seconds


def test_points_without_a_score_and_empty_curves():
    assert time_to(20.0, []) is None
    assert time_to(22.0, [CURVE[0], CurvePoint(2, 3.0), CURVE[1]]) == 3.0
