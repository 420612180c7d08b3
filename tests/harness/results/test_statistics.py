import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from zoo.harness.results.statistics import interval, written

draw = runpy.run_path(str(Path(__file__).with_name("drawn_scores.py")))["draw"]


@pytest.fixture(scope="module")
def simulation(benchmark_script):
    """The very script that prints the published coverage table."""
    return benchmark_script("statistics/coverage.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "images", "seed_sd"), [(1, 40, 0.3), (3, 40, 0.3), (3, 200, 0.3), (3, 200, 1.0), (5, 200, 0.3)]
)
def test_the_95_percent_interval_covers_the_truth_in_93_to_97_percent(simulation, seeds, images, seed_sd):
    covered = simulation.coverage(seeds, images, seed_sd, simulation.normal_photos, draws=1000)
    assert 0.93 <= covered <= 0.97


def test_resampling_three_seeds_would_not_cover(simulation):
    """Why the seed level is not resampled: the interval this replaces."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        table, _ = simulation.scores(rng, 3, simulation.normal_photos(rng, 200), 1.0)
        seeds = rng.integers(3, size=(500, 3))
        photos = rng.integers(200, size=(500, 200))
        means = table.mean(axis=1)[seeds].mean(axis=1) + table.mean(axis=0)[photos].mean(axis=1) - table.mean()
        low, high = np.quantile(means, (0.025, 0.975))
        held += low <= 0 <= high
    assert held / 400 < 0.9


def test_one_seed_and_many_photos_is_students_interval():
    scores = draw(np.random.default_rng(1), seeds=1, images=2000)
    found = interval(scores)
    low, high = stats.t.interval(0.95, 1999, loc=scores.mean(), scale=stats.sem(scores[0]))
    assert (found.seeds, found.images) == (1, 2000)
    assert found.mean == pytest.approx(scores.mean())
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_seeds_that_differ_widen_the_interval_and_seeds_that_agree_do_not():
    rng = np.random.default_rng(2)
    photos = rng.normal(scale=4, size=300)
    steady = draw(rng, photos=photos, seed_sd=0)
    shaken = steady + np.array([[-1.0], [0.0], [1.0]])
    one = interval(steady[:1])
    assert interval(steady).high - interval(steady).low == pytest.approx(one.high - one.low, rel=0.1)
    # Three seed means about a standard deviation of 1: Student's interval with 2 degrees alone is ±2.5.
    assert 2 < interval(shaken).high - interval(shaken).mean < 3


def test_skewed_scores_give_a_skewed_interval():
    scores = np.random.default_rng(3).gamma(0.5, size=(1, 60)) * 10
    found = interval(scores)
    assert found.high - found.mean > 1.05 * (found.mean - found.low)


def test_the_same_scores_give_the_same_interval_to_the_last_bit():
    scores = draw(np.random.default_rng(4), images=965)
    assert interval(scores) == interval(scores.copy())


def test_more_photos_than_are_kept_in_memory_give_the_same_kind_of_interval():
    scores = draw(np.random.default_rng(5), seeds=1, images=4000)
    found = interval(scores)
    assert found.high - found.low == pytest.approx(2 * 1.96 * scores.std(ddof=1) / np.sqrt(4000), rel=0.03)


def test_images_without_a_score_are_left_out():
    scores = draw(np.random.default_rng(6), images=50)
    holed = np.concatenate((scores, np.full((3, 2), np.nan)), axis=1)
    holed[1, -1] = 7
    assert interval(holed) == interval(scores)
    with pytest.raises(ValueError, match="no image"):
        interval(np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="seeds, images"):
        interval(np.zeros(4))


def test_one_photo_has_a_mean_and_no_interval():
    found = interval(np.array([[20.0], [22.0]]))
    assert found.mean == 21
    assert np.isnan([found.low, found.high]).all()


def test_equal_scores_have_an_interval_of_no_width():
    found = interval(np.full((3, 20), 5.0))
    assert (found.mean, found.low, found.high) == (5, 5, 5)


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((-0.376, -0.0004), "-0.376 -0.001"),  # told from 0, and not to be read as tied
        ((0.0004, 0.2), "0.001 0.200"),
        ((-0.1, 0.0004), "-0.100 0.000"),
        ((-0.1, 0.0), "-0.100 0.000"),
        ((-0.25, -0.125), "-0.250 -0.125"),
        ((float("nan"), float("nan")), "nan nan"),
    ],
)
def test_an_interval_without_0_is_not_written_as_one_that_holds_it(ends, shown):
    assert " ".join(f"{end:.3f}" for end in written(*ends, 3)) == shown
