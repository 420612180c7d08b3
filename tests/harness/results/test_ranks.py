import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from zoo.harness.results.ranks import Family

draw = runpy.run_path(str(Path(__file__).with_name("drawn_scores.py")))["draw"]

RESULTS = Path(__file__).parents[3] / "results" / "quick"


@pytest.fixture(scope="module")
def simulation(benchmark_script):
    """The very script that prints the published table."""
    return benchmark_script("statistics/ranks.py")


def ladder(rng, models=12, images=60, step=0.1, **options):
    photos = rng.normal(scale=4, size=images)
    return {f"m{i}": draw(rng, photos=photos, mean=25 + i * step, **options) for i in range(models)}


def compare(first, second):
    return Family({"first": first, "second": second}).compare("first", "second")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["as-found", "apart", "unequal", "null"])
def test_the_rank_sets_hold_the_true_ranks_of_a_truth_made_from_published_runs(simulation, case):
    """95 % are promised a row; 30 draws of 68 rows, so that 2 % below it would be chance.

    As they were found most rows are tied, all of which a set may hold; twelve times as far apart half of them are told.
    """
    scores = simulation.read_scores(RESULTS, "psnr")
    truth = simulation.truth(scores)
    truth = {
        "as-found": truth,
        "apart": simulation.spread_out(truth, 12),
        "unequal": simulation.unequal(truth, scores),
        "null": simulation.equal(truth),
    }[case]
    told = simulation.measure(truth, seeds=3, photos=41, draws=30, bootstraps=299)
    assert told["a row"] > 0.93
    if case == "apart":
        assert told["median width"] < 34


def test_rows_further_apart_have_fewer_places_and_the_same_difference_is_told(simulation):
    scores = dict(list(simulation.read_scores(RESULTS, "psnr").items())[:12])
    found = simulation.truth(scores)
    near, far = simulation.spread_out(found, 0.5), simulation.spread_out(found, 4)
    assert simulation.middle_half(far) == pytest.approx(8 * simulation.middle_half(near))
    near, far = (simulation.measure(each, seeds=3, photos=41, draws=5, bootstraps=99) for each in (near, far))
    assert far["median width"] < near["median width"]
    assert far["resolved"] == pytest.approx(near["resolved"], rel=0.3)


def test_of_one_seed_each_only_what_is_trained_is_taken_for_random(simulation):
    fixed = simulation.untrained(RESULTS)
    assert {"levin2004", "gray"} <= fixed
    assert not {"unet", "icolorit"} & fixed
    scores = {name: table[:1] for name, table in simulation.read_scores(RESULTS, "psnr").items()}
    found = simulation.truth(scores, fixed)
    assert {name for name, moves in zip(found.models, found.random, strict=True) if not moves} == fixed
    assert np.isfinite(found.means).all()


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
    family = Family(
        {"a": draw(rng, photos=photos, seed_sd=0.01), "b": draw(rng, photos=photos, seed_sd=0.01, mean=25.3)}
    )
    assert family.interval("a").high > family.interval("b").low
    found = family.compare("a", "b")
    assert found.high < 0
    assert found.p_value < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3])
def test_equal_models_differ_in_at_most_seven_percent(seeds):
    rng = np.random.default_rng((9, seeds))
    alarms = 0
    for _ in range(600):
        photos = rng.normal(scale=4, size=100)
        seed_sd = 0.3 if seeds > 1 else 0.0
        family = Family({name: draw(rng, seeds, photos=photos, seed_sd=seed_sd) for name in "abcd"}, bootstraps=9)
        alarms += family.compare("a", "b").p_value < 0.05
    assert alarms / 600 < 0.07


def test_a_bad_seed_that_all_models_share_does_not_hide_a_difference():
    """Seed k gives every model the same batches: what it does to all of them is no difference."""
    rng = np.random.default_rng(10)
    table = ladder(rng, models=6, images=200, step=0.5, seed_sd=0.05)
    moved = {model: scores + np.array([[3.0], [0.0], [-3.0]]) for model, scores in table.items()}
    alone, shaken = Family(table).compare("m0", "m1"), Family(moved).compare("m0", "m1")
    assert shaken.high - shaken.low == pytest.approx(alone.high - alone.low, rel=1e-6)
    # not so where the seeds are others, or where a solver has none
    other = Family(moved, seeds={"m1": (3, 4, 5)}).compare("m0", "m1")
    assert other.high - other.low > 2 * (shaken.high - shaken.low)
    solver = Family({**moved, "solver": moved["m0"][:1] - 1}, fixed={"solver"}).compare("m0", "solver")
    assert solver.high - solver.low > 2


def test_a_model_does_not_differ_from_itself():
    scores = draw(np.random.default_rng(11), seeds=1)
    assert compare(scores, scores).p_value == 1
    assert compare(scores, scores + 1).p_value == 0


def test_ranks_and_the_places_that_cannot_be_told_apart():
    rng = np.random.default_rng(12)
    photos = rng.normal(scale=4, size=300)
    means = {"worst": 22.0, "second": 25.0, "best": 25.02, "fourth": 24.0}
    table = {m: draw(rng, photos=photos, seed_sd=0.02, mean=mean) for m, mean in means.items()}
    places = Family(table).standings()
    assert {places["best"].rank, places["second"].rank} == {1, 2}
    for model in ("best", "second"):
        assert (places[model].rank_lo, places[model].rank_hi, places[model].tied_with_best) == (1, 2, True)
    assert (places["fourth"].rank_lo, places["fourth"].rank, places["fourth"].rank_hi) == (3, 3, 3)
    assert (places["worst"].rank, places["worst"].tied_with_best) == (4, False)
    assert places["worst"].to_best.difference == pytest.approx(-3, abs=0.1)
    assert places["best"].first + places["second"].first == pytest.approx(1)

    upside_down = Family(table, higher_is_better=False).standings()
    assert upside_down["worst"].rank == 1
    assert upside_down["fourth"].rank == 2
    assert upside_down["best"].to_best.difference == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("images", [3, 12, 60])
def test_rank_places_difference_and_tie_tell_one_story(seed, images):
    rng = np.random.default_rng((13, seed))
    table = ladder(rng, images=images, step=0.2, seed_sd=0.3)
    table["shaky"] = draw(rng, images=images, mean=25.5, seed_sd=2.0)
    table["solver"] = np.tile(draw(rng, 1, images=images, mean=26), (3, 1))
    places = sorted(Family(table, bootstraps=199).standings().values(), key=lambda place: place.rank)
    for place in places:
        assert place.rank_lo <= place.rank <= place.rank_hi
        assert place.tied_with_best == (place.rank_lo == 1)
        assert place.tied_with_best == (place.to_best.low <= 0 <= place.to_best.high)
        assert place.to_best.low <= place.to_best.difference <= place.to_best.high
    for key in ("rank_lo", "rank_hi"):
        values = [getattr(place, key) for place in places]
        assert values == sorted(values)
    assert sum(place.first for place in places) == pytest.approx(1)


def test_one_photo_tells_nothing_apart():
    places = Family({"a": np.array([[20.0], [21.0]]), "b": np.array([[30.0], [31.0]])}).standings()
    assert [(place.rank, place.rank_lo, place.rank_hi) for place in places.values()] == [(2, 1, 2), (1, 1, 2)]


def test_few_photos_tell_a_wide_gap_from_a_narrow_one():
    rng = np.random.default_rng(14)
    photos = rng.normal(scale=4, size=4)
    table = {m: draw(rng, 1, photos=photos, mean=mean) for m, mean in {"a": 30.0, "b": 29.9, "c": 10.0}.items()}
    places = Family(table).standings()
    assert (places["a"].rank_hi, places["b"].rank_hi, places["c"].rank_lo) == (2, 2, 3)
    assert np.isfinite([places["c"].to_best.low, places["c"].to_best.high]).all()


def test_rows_that_differ_by_a_constant_are_told_apart_and_equal_rows_are_not():
    scores = draw(np.random.default_rng(15), seeds=1)
    places = Family({"a": scores, "b": scores, "c": scores - 1e-3}).standings()
    assert [(place.rank, place.rank_lo, place.rank_hi) for place in places.values()] == [
        (1, 1, 2),
        (1, 1, 2),
        (3, 3, 3),
    ]


def test_one_model_alone_is_first():
    place = Family({"only": draw(np.random.default_rng(16))}).standings()["only"]
    assert (place.rank, place.rank_lo, place.rank_hi, place.tied_with_best, place.first) == (1, 1, 1, True, 1)


def test_the_same_scores_give_the_same_places_to_the_last_bit():
    table = ladder(np.random.default_rng(17))
    assert Family(table).standings() == Family({m: scores.copy() for m, scores in table.items()}).standings()


def test_the_order_of_two_halves_agrees_where_gaps_are_wide():
    rng = np.random.default_rng(18)
    assert Family(ladder(rng, step=2.0)).stability() == pytest.approx(1, abs=1e-9)
    assert Family(ladder(rng, step=0.0, seed_sd=0.01)).stability() < 0.5


def test_scores_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match="different images"):
        Family({"a": np.zeros((3, 4)), "b": np.zeros((3, 5))})
    with pytest.raises(ValueError, match="missing"):
        Family({"a": np.full((1, 4), np.nan)})
    with pytest.raises(ValueError, match="seeds, images"):
        Family({"a": np.zeros(4)})
    with pytest.raises(ValueError, match="no model"):
        Family({})
