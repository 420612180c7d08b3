"""A suite may have a base: it is that suite but for what it says itself."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.errors import BadInput, UnknownName
from zoo.harness.plan.keys import check_suite, protocol_of
from zoo.harness.plan.selection import select_models
from zoo.harness.plan.suite import Suite, load_suite, suite_names
from zoo.harness.results.run_record import Data, Photos

DATA = Data(train=Photos("photos", 1, "a"), test=Photos("photos", 1, "b"))


@pytest.fixture
def suite(tmp_path):
    """Write a suite's file and load it."""

    def written(text: str, name: str = "mine") -> Suite:
        file = tmp_path / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        return load_suite(str(file))

    return written


def test_what_a_suite_says_takes_the_place_of_what_its_base_says(suite):
    quick, mine = load_suite("quick"), suite("base: quick\nbudget: {seconds: 3}\nsize: 48")
    assert (mine.name, mine.summary, mine.base, mine.size) == ("mine", "", "quick", 48)
    assert mine.budget is not None
    assert (mine.budget.steps, mine.budget.seconds) == (None, 3)
    own = {"name": "mine", "summary": "", "base": "quick", "size": 48, "budget": mine.budget}
    assert mine == msgspec.structs.replace(quick, **own)


def test_of_options_and_sweeps_it_is_one_by_one_and_null_takes_back(suite):
    quick = load_suite("quick")
    mine = suite("base: quick\noptions: {width: 8, depth: null}\nsweeps: {points6: null}\nthreads: null")
    assert mine.options == {**{k: v for k, v in quick.options.items() if k != "depth"}, "width": 8}
    assert list(mine.sweeps) == [name for name in quick.sweeps if name != "points6"]
    assert mine.threads is None


def test_a_base_may_have_a_base_in_a_file_beside_it(suite, tmp_path, monkeypatch):
    suite("base: quick\nseeds: 2\nbatch: 7", "middle")
    monkeypatch.chdir("/")  # from another working directory
    mine = suite("base: middle.yaml\nseeds: 5")
    assert (mine.seeds, mine.batch, mine.size) == (5, 7, load_suite("quick").size)


def test_the_protocol_is_of_the_resolved_suite(suite):
    based = suite("base: quick\nbudget: {steps: 7}")
    whole = msgspec.structs.replace(based, base="", name="other")
    assert protocol_of(based, DATA, {}) == protocol_of(whole, DATA, {}) != protocol_of(load_suite("quick"), DATA, {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("base: quik", "mine.yaml, base: Unknown suite 'quik'; did you mean 'quick'"),
        ("base: mine.yaml", "mine.yaml: its base 'mine.yaml' leads back to it; name another base, or none"),
        ("base: [quick]", "mine.yaml: expected `str`, got `array`"),
        ("base: gone.yaml", "gone.yaml cannot be read: No such file"),
        ("base: quick\nbugdet: {steps: 1}", "mine.yaml: unknown key 'bugdet'; did you mean 'budget'"),
        ("base: quick\nsize: null", "mine.yaml: object missing required field `size`"),
    ],
)
def test_what_cannot_be_is_one_sentence_that_names_the_file(suite, text, sentence):
    with pytest.raises((BadInput, UnknownName)) as refused:
        suite(text)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_longer_cycle_is_found_and_a_fault_in_the_base_is_told_of_the_base(suite, tmp_path):
    (tmp_path / "other.yaml").write_text("base: mine.yaml")
    with pytest.raises(BadInput, match=r"other\.yaml: its base 'mine\.yaml' leads back to it"):
        suite("base: other.yaml")
    (tmp_path / "other.yaml").write_text("base: quick\nsise: 3")
    with pytest.raises(BadInput, match=r"other\.yaml: unknown key 'sise'; did you mean 'size'"):
        suite("base: other.yaml")


def test_show_prints_the_resolved_suite(suite, tmp_path):
    suite("base: quick\nbudget: {seconds: 3}")
    shown = CliRunner().invoke(cli, ["show", str(tmp_path / "mine.yaml")], prog_name="zoo").output.splitlines()
    told = dict(line.split(maxsplit=1) for line in shown)
    assert (told["name"], told["base"], told["budget"]) == ("suites/mine", "quick", "{seconds: 3.0}")
    quick = CliRunner().invoke(cli, ["show", "quick"], prog_name="zoo").output
    assert f"eval_hints        {told['eval_hints']}" in quick


@pytest.mark.parametrize("name", suite_names())
def test_all_that_a_suite_of_ours_names_is_there(name):
    named = load_suite(name)
    check_suite(named)
    assert select_models(named.models)[0]


def test_the_examples_of_the_page_of_suites_are_some(suite):
    page = (Path(__file__).parents[3] / "docs" / "suites.md").read_text(encoding="utf-8")
    mine, sized = map(suite, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    assert (mine.base, mine.options["width"], list(mine.sweeps)) == ("quick", 32, ["points6", "pixels"])
    assert select_models(mine.models)[0]
    assert (sized.base, sized.size, sized.load_size, sized.train_sizes) == ("day", 128, 256, (64, 128, 256, 256))
