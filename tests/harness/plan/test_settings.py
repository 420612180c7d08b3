"""``--set suite.size=128 --set recipe.lr=3e-4``, and recipes as a dimension of a bench."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

import zoo
from zoo.cli.main import cli
from zoo.core.errors import BadInput, UnknownName, ZooError
from zoo.core.registry import current
from zoo.core.strict_yaml import parse
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.settings import changed_recipe, divided, suite_set_in
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.run_record import Data, Photos
from zoo.harness.run.request import BenchRequest, effective_suite

DATA = Data(Photos("photos", 9, "a"), Photos("photos", 3, "b"))


def suite_with(**options):
    return effective_suite(BenchRequest(options={key.replace("__", "."): value for key, value in options.items()}))


def planned(model="unet", settings=None, **options):
    rules = Rules(load_suite("quick"), DATA, "cpu", settings=divided(settings or {}))
    return plan_runs(model, resolve_model(model, rules.suite), rules, **options)[0]


def test_fields_of_the_suite_are_reached_at_every_depth():
    quick = load_suite("quick")
    found = suite_with(
        suite__size=128,
        suite__load_size=144,
        suite__test_limit=9,
        suite__eval_hints__densities=[0.01],
        suite__sweeps__points6__counts=[0, 5],
        suite__budget__epochs=3,
        suite__psnr_target=None,
    )
    assert (found.size, found.load_size, found.test_limit) == (128, 144, 9)
    assert found.eval_hints == {**quick.eval_hints, "densities": [0.01]}
    assert found.sweeps["points6"].counts == (0, 5)
    assert found.sweeps["points6"].sampler == quick.sweeps["points6"].sampler
    assert (found.budget.epochs, found.budget.steps) == (3, None)
    assert found.psnr_target is None
    same = ("name", "seeds", "options", "train_hints", "metrics")
    assert [getattr(found, field) for field in same] == [getattr(quick, field) for field in same]
    # The margin that is cropped away grows with the photo.
    assert (quick.size, quick.load_size, suite_with(suite__size=128).load_size) == (64, 72, 144)
    # So do the sizes that training batches are shown at.
    half = effective_suite(BenchRequest(suite="shipped", options={"suite.size": 64}))
    assert [2 * side for side in half.train_sizes] == list(load_suite("shipped").train_sizes)
    # A part that is named alone takes options too.
    assert suite_with(suite__eval_hints="pixels", suite__eval_hints__densities=[0.02]).eval_hints == {
        "name": "pixels",
        "densities": [0.02],
    }


def test_fields_of_the_recipe_are_reached_and_told_in_the_label():
    before, after = planned(), planned(settings={"recipe.lr": 3e-4, "recipe.losses.l1": 2.0})
    assert (after.recipe.lr, after.recipe.losses["l1"]) == (3e-4, 2.0)
    assert after.label == "unet recipe.losses.l1=2.0 recipe.lr=0.0003"
    assert after.key != before.key
    assert after.protocol == before.protocol
    assert planned("gray", {"recipe.lr": 3e-4}) == planned("gray"), "what is not trained has no recipe"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"suite.sise": 128}, "did you mean 'size'"),
        ({"suite.sweeps.points7.counts": [1]}, "did you mean 'points6'"),
        ({"suite.size": "large"}, "expected `int`"),
        ({"suite.batch": 2, "suite.sweeps": None}, r"--set suite\.sweeps: expected `object`, got `null`"),
        ({"suite.batch": 2, "suite.sise": 128}, r"--set suite\.sise: unknown key"),
        ({"suite.size.side": 3}, "size has nothing in it"),
        ({"suite.options.width": 3}, "--set width=16"),
        ({"suite.base": "quick"}, "--suite"),
        ({"siute.size": 128}, "did you mean 'suite'"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest_name(setting, said):
    with pytest.raises(ZooError, match=said):
        effective_suite(BenchRequest(options=setting))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "recipe.lrr=1e-3"], "did you mean 'lr'"),
        (
            ["--set", "recipe.lr=1e-3", "--set", "recipe.clipp=1"],
            "--set recipe.clipp: unknown key 'clipp'; did you mean",
        ),
        (["--set", "suite.eval_hints.densitys=[0.1]"], "did you mean 'densities'"),
        (["--set", "suite.seeds=2", "--seeds", "3"], "--seeds say the same thing"),
        (["--recipes", "default,gachn"], "did you mean 'gachon'"),
        (["--recipes", "default,default"], "names one twice"),
        (["--recipes", "default", "--recipe", "gachon"], "say the same thing"),
    ],
)
def test_the_command_says_so_in_one_sentence(arguments, said, tmp_path):
    result = CliRunner().invoke(
        cli, ["bench", "--models", "unet", "--suite", "smoke", "--out", str(tmp_path / "out"), *arguments]
    )
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_recipes_are_rows_of_one_protocol():
    own, other = planned(recipe="default"), planned(recipe="gachon")
    assert own == planned(), "by its own recipe a row is the one it is anyway"
    assert other.label == "unet recipe=gachon"
    assert other.recipe == current().recipe("gachon")
    assert other.protocol == own.protocol
    assert other.key != own.key
    # Where the suite names a recipe, its rows by several recipes are still of one protocol.
    assert effective_suite(BenchRequest(suite="gachon", recipes=("default", "gachon"))).recipe is None


def test_seeds_begin_where_they_are_told_to():
    suite = msgspec.structs.replace(load_suite("quick"), seeds=2)
    runs = plan_runs("unet", resolve_model("unet", suite), Rules(suite, DATA, "cpu", first_seed=3))
    assert [run.seed for run in runs] == [3, 4]
    assert {run.key for run in runs} == {planned().key}, "a seed's number is beside the key, not in it"


def test_settings_are_told_apart_by_their_first_word():
    found = divided({"suite.size": 32, "recipe.lr": 1e-3, "width": 8, "decoder.skip": "sum"})
    assert found == ({"width": 8, "decoder.skip": "sum"}, {"size": 32}, {"lr": 1e-3})
    assert changed_recipe(current().recipe("default"), {"optimizer": "sgd"}).optimizer == "sgd"


def test_zoo_bench_refuses_in_a_sentence_what_does_not_fit(tmp_path):
    for asked, said in (({"seeds": "1"}, "expected `int"), ({"seedz": 1}, "did you mean 'seeds'")):
        with pytest.raises(BadInput, match=said):
            zoo.bench("gray", suite="smoke", out=tmp_path / "out", **asked)
    with pytest.raises(UnknownName, match="Unknown recipe 'lowrate'"):
        zoo.bench("gray", suite="smoke", recipes="default,lowrate", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_recipes_are_ranked_in_one_table(small_zoo, suite_file, tmp_path):
    out = tmp_path / "out"
    outcome = zoo.bench(
        ["small", "gray"],
        suite=str(suite_file),
        recipes=["default", "low_rate"],
        first_seed=5,
        set={"suite.test_limit": 3, "recipe.ema": None},
        out=str(out),
    )
    assert outcome.ok
    table = outcome.leaderboard()
    recipes = dict(zip(table["model"], table["recipe"], strict=True))
    assert recipes == {
        "small recipe.ema=null": "default",
        "small recipe=low_rate recipe.ema=null": "low_rate",
        "gray": "untrained",
    }
    assert table["protocol"].nunique() == 1
    assert table["rank"].notna().sum() == 2, "gray has no colour to lose"
    runs = zoo.runs(out)
    assert (set(runs["seed"]), set(runs["images"])) == ({5}, {3})


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"suite.size": 32},
        {"suite.budget.steps": 7, "suite.curve": 2},
        {"suite.eval_hints.densities": [0.01], "suite.sweeps.points6.counts": [0, 5], "suite.psnr_target": 20.5},
        {"suite.metrics": ["psnr"], "suite.test_limit": 4, "suite.recipe": "gachon", "suite.batch": 3},
    ],
)
def test_what_was_set_of_a_suite_is_told_by_its_record_and_makes_it_again(asked, tmp_path):
    before = effective_suite(BenchRequest(options=asked))
    record = SimpleNamespace(suite="quick", plan=SimpleNamespace(suite=msgspec.to_builtins(before)))
    told = suite_set_in(record, tmp_path)
    assert bool(told) == bool(asked)
    options = {key: parse(value, "told") for key, _, value in (setting.partition("=") for setting in told)}
    assert effective_suite(BenchRequest(options=options)) == before


def test_of_a_suite_that_is_not_here_nothing_is_told(tmp_path):
    suite = msgspec.to_builtins(load_suite("quick"))
    for name, content in (("of_another_zoo", suite), ("quick", {**suite, "unheard_of": 1}), ("quick", {})):
        assert suite_set_in(SimpleNamespace(suite=name, plan=SimpleNamespace(suite=content)), tmp_path) == []
