"""Progress, budgets and rates."""

from __future__ import annotations

import math

import pytest

from zoo.core.errors import BadInput, UnknownName
from zoo.harness.training.budget import Budget, parse_budget
from zoo.harness.training.schedule import make_schedule


def test_cosine_with_warmup():
    rate = make_schedule("cosine", 0.1)
    assert [rate(p) for p in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx([1e-3, 0.5, 1.0, 0.5, 0.0])


def test_an_unknown_schedule():
    with pytest.raises(UnknownName, match="did you mean 'cosine'"):
        make_schedule("cosin")


def test_a_step_drops_where_it_is_told():
    """The public training of Zhang 2016: 3e-5, a tenth of it every 225,000 of 500,000 steps (train/solver.prototxt)."""
    schedule = {"name": "step", "drops": [0.45, 0.9]}
    rates = [
        3e-5 * make_schedule(schedule)(step / 500_000) for step in (0, 224_999, 225_000, 449_999, 450_000, 499_999)
    ]
    assert rates == pytest.approx([3e-5, 3e-5, 3e-6, 3e-6, 3e-7, 3e-7])
    assert [make_schedule("step")(p) for p in (0.7, 0.8)] == pytest.approx([1, 0.1])


def test_a_cosine_ends_at_its_least():
    """iColoriT's: from 5e-4 to 1e-5 (train.py: --lr, --min_lr), its middle the mean of both."""
    schedule = {"name": "cosine", "least": 0.02}
    assert [5e-4 * make_schedule(schedule)(p) for p in (0, 0.5, 1)] == pytest.approx([5e-4, 2.55e-4, 1e-5])


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"name": "step", "dropps": [0.5]}, "did you mean 'drops'"),
        ({"name": "step", "drops": [1.5]}, "between 0 and 1"),
        ({"name": "step", "drops": 0.5}, "does not fit"),
        ({"name": "cosine", "least": 2}, "from 0 to 1"),
        ({"name": "cosine", "least": "low"}, "does not fit"),
        ({"least": 0}, "a part is a name or a mapping with a 'name'"),
    ],
)
def test_options_that_a_schedule_does_not_have(schedule, said):
    with pytest.raises(BadInput, match=said):
        make_schedule(schedule)


def test_epochs_become_steps_rounded_up():
    assert Budget(epochs=3).in_steps(photos=10, batch=4) == Budget(steps=8)
    assert Budget(steps=5).in_steps(10, 4) == Budget(steps=5)


def test_progress():
    assert Budget(steps=8).progress(2) == 0.25


def test_seconds_become_the_whole_steps_that_fit_into_them():
    assert Budget(seconds=60).filled(0.7) == Budget(steps=85)
    assert Budget(seconds=1).filled(100.0) == Budget(steps=1)
    assert Budget(steps=5).filled(100.0) == Budget(steps=5)


@pytest.mark.parametrize(
    "values", [{}, {"steps": 1, "epochs": 1}, {"steps": 0}, {"seconds": -1}, {"seconds": math.inf}]
)
def test_a_budget_is_exactly_one_positive_number(values):
    with pytest.raises(ValueError, match="one positive number"):
        Budget(**values)


def test_budgets_are_read_from_the_command_line():
    assert parse_budget("steps=300") == Budget(steps=300)
    assert parse_budget("seconds=1.5") == Budget(seconds=1.5)
    for text in ("300", "step=3", "steps=", "steps=-1", "epochs=nan", "seconds=inf", "steps=1e400"):
        with pytest.raises(BadInput, match="steps=300, epochs=3 or seconds=60"):
            parse_budget(text)
