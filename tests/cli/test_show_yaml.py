"""``zoo show --yaml``: a row to copy, which under another name is what it was."""

from __future__ import annotations

import pytest
import torch
import yaml
from click.testing import CliRunner

import zoo
from zoo.cli.main import cli
from zoo.core.registry import Registry, current, use
from zoo.core.registry_rows import OURS
from zoo.core.resolve import resolve
from zoo.harness.plan.suite import load_suite, suite_names


def shown(name):
    result = CliRunner().invoke(cli, ["show", "--yaml", name])
    assert result.exit_code == 0, result.output
    return yaml.safe_load(result.stdout)


@pytest.fixture
def copied(tmp_path):
    """The registry with rows copied from what is printed, each called ``my_…``."""

    def add(*names):
        table = {"models": {}, "recipes": {}}
        for name in names:
            for kind, rows in shown(name).items():
                table[kind] |= {f"my_{row}": fields for row, fields in rows.items()}
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump(table, sort_keys=False))
        use(Registry.read([file]))

    yield add
    use(None)


def test_every_model_and_recipe_is_itself_under_another_name(copied):
    models = [name for name in zoo.list_models() if current().entry("models", name).distribution == OURS]
    recipes = list(current().recipes)
    before = {name: resolve(name) for name in models}
    copied(*(f"models/{name}" for name in models), *(f"recipes/{name}" for name in recipes))
    for name, spec in before.items():
        copy = resolve(f"my_{name}")
        own = {role: (ref.name.removeprefix("my_"), ref.options) for role, ref in copy.parts.items()}
        assert own == {role: (ref.name, ref.options) for role, ref in spec.parts.items()}, name
        assert (copy.extras, copy.recipe, copy.hint_gain) == (spec.extras, spec.recipe, spec.hint_gain)
    for name in recipes:
        assert current().recipe(f"my_{name}") == current().recipe(name)


def test_a_copy_builds_the_same_network(copied):
    copied("residual_unet")
    torch.manual_seed(0)
    original = zoo.build("residual_unet", width=4).state_dict()
    torch.manual_seed(0)
    copy = zoo.build("my_residual_unet", width=4).state_dict()
    assert list(copy) == list(original)
    assert all(torch.equal(copy[key], original[key]) for key in original)


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_is_whole_in_a_file_of_its_own(name, tmp_path):
    file = tmp_path / f"{name}.yaml"
    file.write_text(yaml.safe_dump(shown(f"suites/{name}")))
    ours = load_suite(name)
    copy = load_suite(str(file))
    assert [field for field in ours.__struct_fields__ if getattr(copy, field) != getattr(ours, field)] in ([], ["base"])
