"""What decides a run's key, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from zoo.core.assemble import resolve
from zoo.core.registry import current
from zoo.core.spec import RecipeRow
from zoo.harness.bench.plan import Run, plan_runs
from zoo.harness.bench.suite import Suite, load_suite

DATA = {"train": {"fingerprint": "a"}, "test": {"fingerprint": "b"}}


def planned(model: str, suite: Suite) -> Run:
    spec = resolve(model, defaults=suite.options)
    return plan_runs(model, spec, "", suite, DATA, options={}, device="cpu", lpips_trunk="")[0]


@pytest.fixture
def suite() -> Suite:
    return load_suite("quick")


def test_words_about_a_recipe_do_not_decide(suite, monkeypatch):
    registry, before = current(), planned("unet", suite)
    recipe = registry.recipe("default")

    def replaced(**changes) -> str:
        row = msgspec.structs.replace(recipe, **changes)
        monkeypatch.setattr(registry, "recipe", lambda name: row)
        return planned("unet", suite).key

    assert replaced(summary="other words", source="elsewhere") == before.key
    assert replaced(lr=2e-3) != before.key


def test_every_option_of_a_recipe_but_words_is_in_its_identity():
    assert RecipeRow().identity().keys() == set(RecipeRow.__struct_fields__) - {"summary", "source"}


def test_hints_in_training_belong_to_the_protocol(suite):
    pixels = msgspec.structs.replace(suite, train_hints="pixels")
    assert planned("unet", suite).protocol["fingerprint"] != planned("unet", pixels).protocol["fingerprint"]


def test_the_versions_of_mixed_hints_decide(suite, monkeypatch):
    before = planned("unet", suite).key
    registry = current()
    record = registry.record

    def newer(kind, name):
        found = record(kind, name)
        if (kind, name) != ("hints", "points"):
            return found
        return msgspec.structs.replace(found, row=msgspec.structs.replace(found.row, version=7))

    monkeypatch.setattr(registry, "record", newer)
    # The hints in evaluation and the sweeps are left out: they are in the protocol by themselves.
    plain = msgspec.structs.replace(suite, sweeps={})
    changed = planned("unet", plain).key
    monkeypatch.setattr(registry, "record", record)
    assert changed != planned("unet", plain).key
    assert planned("unet", suite).key == before


def test_a_suite_sizes_the_discriminator_too(suite):
    objective = planned("pix2pix", suite).recipe.objective
    assert objective["discriminator_width"] == 16
    assert objective["gan"] == "vanilla"
    assert planned("unet", suite).recipe.objective == "supervised"
