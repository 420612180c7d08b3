import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from zoo.harness.bench.statistics import compare, holm, interval, rank_interval


@pytest.fixture(scope="module")
def simulation():
    """The very script that prints the published coverage table."""
    path = Path(__file__).parents[3] / "benchmarks" / "statistics" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(rng, seeds=3, images=200, mean=25.0, seed_sd=0.1, photos=None):
    photos = rng.normal(scale=4, size=images) if photos is None else photos
    seed_effect = rng.normal(scale=seed_sd, size=(seeds, 1))
    return mean + seed_effect + photos + rng.normal(scale=0.5, size=(seeds, len(photos)))


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


def test_one_seed_each_is_the_paired_t_test():
    rng = np.random.default_rng(7)
    photos = rng.normal(scale=4, size=100)
    first, second = draw(rng, 1, photos=photos), draw(rng, 1, photos=photos, mean=25.1)
    found = compare(first, second)
    assert found.p_value == pytest.approx(stats.ttest_rel(first[0], second[0]).pvalue, rel=1e-9)
    assert found.difference == pytest.approx((first - second).mean())
    assert compare(second, first).p_value == pytest.approx(found.p_value)


def test_pairing_finds_what_two_intervals_hide():
    rng = np.random.default_rng(8)
    photos = rng.normal(scale=4, size=200)
    first, second = draw(rng, photos=photos, seed_sd=0.01), draw(rng, photos=photos, seed_sd=0.01, mean=25.3)
    assert interval(first).high > interval(second).low
    found = compare(first, second)
    assert found.high < 0
    assert found.p_value < 0.01


def test_the_interval_and_the_p_value_of_a_difference_agree():
    rng = np.random.default_rng(9)
    for _ in range(100):
        photos = rng.normal(scale=4, size=80)
        found = compare(draw(rng, photos=photos), draw(rng, photos=photos, mean=25.2))
        if not 0.03 < found.p_value < 0.07:
            assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)


@pytest.mark.parametrize(("seeds", "seed_sd"), [(1, 0.0), (3, 0.0), (3, 0.1), (3, 0.5), (5, 0.3)])
def test_equal_models_differ_in_three_to_seven_percent(simulation, seeds, seed_sd):
    """Wary rather than rash where only a few seeds speak: never above 7 %."""
    assert 0.01 < simulation.false_alarms(seeds, 100, seed_sd, draws=1000) < 0.07


def test_the_seeds_of_a_trained_model_against_a_baseline_without_any():
    rng = np.random.default_rng(10)
    photos = rng.normal(scale=4, size=100)
    found = compare(draw(rng, photos=photos), draw(rng, seeds=1, photos=photos, mean=20))
    assert found.low < 5 < found.high
    with pytest.raises(ValueError, match="different images"):
        compare(np.zeros((3, 4)), np.zeros((3, 5)))


def test_a_model_does_not_differ_from_itself():
    scores = draw(np.random.default_rng(11), seeds=1)
    assert compare(scores, scores).p_value == 1
    assert compare(scores, scores + 1).p_value == 0


def test_holms_correction_worked_by_hand():
    """Four p-values: .005·4, .01·3, then .03·2 = .06, which .04·1 may not fall below."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(holm(np.array([0.9, np.nan, 0.8])), [1, np.nan, 1])
    assert holm(np.array([])).size == 0


def test_ranks_and_the_places_that_cannot_be_told_apart():
    rng = np.random.default_rng(12)
    photos = rng.normal(scale=4, size=300)
    means = {"worst": 22.0, "second": 25.0, "best": 25.02, "fourth": 24.0}
    table = {m: draw(rng, photos=photos, seed_sd=0.02, mean=mean) for m, mean in means.items()}
    ranks = rank_interval(table)
    top = {ranks["best"].rank, ranks["second"].rank}
    assert top == {1, 2}
    for model in ("best", "second"):
        assert (ranks[model].rank_lo, ranks[model].rank_hi, ranks[model].tied_with_best) == (1, 2, True)
    assert (ranks["fourth"].rank_lo, ranks["fourth"].rank, ranks["fourth"].rank_hi) == (3, 3, 3)
    assert (ranks["worst"].rank, ranks["worst"].tied_with_best) == (4, False)

    upside_down = rank_interval(table, higher_is_better=False)
    assert upside_down["worst"].rank == 1
    assert upside_down["fourth"].rank == 2


def test_the_rank_interval_holds_the_rank():
    rng = np.random.default_rng(13)
    photos = rng.normal(scale=4, size=60)
    table = {str(i): draw(rng, photos=photos, mean=25 + i / 10) for i in range(12)}
    for place in rank_interval(table).values():
        assert place.rank_lo <= place.rank <= place.rank_hi


def test_one_model_alone_is_first():
    place = rank_interval({"only": draw(np.random.default_rng(14))})["only"]
    assert (place.rank, place.rank_lo, place.rank_hi, place.tied_with_best) == (1, 1, 1, True)
