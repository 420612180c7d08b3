"""What decides a run's key, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from zoo.core.errors import BadInput, ZooError
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry, current, use
from zoo.core.registry_rows import Entry
from zoo.core.resolve import resolve
from zoo.core.spec import ModelSpec, PartRef, RecipeRow
from zoo.core.strict_yaml import parse
from zoo.harness.data.old_print import OldPrint
from zoo.harness.plan import keys
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planned_run import PlannedRun, UnresolvedRun, shown_options
from zoo.harness.plan.planning import check_options, plan_runs, resolve_model
from zoo.harness.plan.settings import divided
from zoo.harness.plan.suite import Suite, load_suite, suite_names
from zoo.harness.results.run_record import Data, Photos
from zoo.harness.run.request import BenchRequest, effective_suite
from zoo.harness.training.budget import Budget

DATA = Data(Photos("photos", 9, "a"), Photos("photos", 3, "b"))


def planned(model: str, suite: Suite, data=DATA, *, lpips_trunk: str = "") -> PlannedRun:
    return plan_runs(model, resolve_model(model, suite), Rules(suite, data, "cpu", lpips_trunk=lpips_trunk))[0]


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
    told = RecipeRow(augmentations=["elastic"]).identity()
    assert told.keys() == set(RecipeRow.__struct_encode_fields__) - {"summary", "source"}
    assert told.keys() - RecipeRow().identity().keys() == {"augmentations"}  # older keys hold


def test_hints_in_training_belong_to_the_protocol(suite):
    pixels = msgspec.structs.replace(suite, train_hints="pixels")
    assert planned("unet", suite).protocol.fingerprint != planned("unet", pixels).protocol.fingerprint


def test_the_versions_of_mixed_hints_decide(suite, monkeypatch):
    # The hints in evaluation and the sweeps are left out: they are in the protocol by themselves.
    plain = msgspec.structs.replace(suite, sweeps={})
    mixed = msgspec.structs.replace(plain, train_hints="none", eval_hints={"name": "mixed"})
    before = planned("unet", plain), planned("unet", mixed)
    registry = current()
    entry = registry.entry

    def newer(kind, name):
        found = entry(kind, name)
        if (kind, name) != ("hints", "points"):
            return found
        return msgspec.structs.replace(found, row=msgspec.structs.replace(found.row, version=7))

    with monkeypatch.context() as patch:
        patch.setattr(registry, "entry", newer)
        in_training, in_evaluation = planned("unet", plain), planned("unet", mixed)
    assert in_training.key != before[0].key
    assert in_evaluation.key != before[1].key
    assert planned("unet", plain).key == before[0].key


def test_a_suite_sizes_the_discriminator_too(suite):
    objective = planned("pix2pix", suite).recipe.objective
    assert objective["discriminator_width"] == 16
    assert objective["gan"] == "vanilla"
    assert planned("unet", suite).recipe.objective == "supervised"


def test_every_field_of_a_suite_is_known_to_decide_or_not():
    deciding = set(keys.IN_TRAINING) | set(keys.IN_SCORING)
    assert deciding | set(keys.DECIDING_NOTHING) == set(Suite.__struct_fields__)
    assert not deciding & set(keys.DECIDING_NOTHING)


OTHER = {
    "batch": 5,
    "budget": Budget(steps=7),
    "channels_last": False,
    "compile": True,
    "curve": 4,
    "data": None,
    "deterministic": True,
    "eval_hints": "points",
    "fit": "stretch",
    "hint_seed": 3,
    "load_size": 80,
    "metrics": ("psnr",),
    "model_options": {"unet": {"depth": 3}},
    "old_print": OldPrint(grain=0.5),
    "options": {"width": 8},
    "precision": "bf16",
    "psnr_target": 30.0,
    "recipe": "gachon",
    "size": 48,
    "smallest": None,
    "split": None,
    "sweep_limit": 2,
    "sweeps": {},
    "test_data": None,
    "test_limit": None,
    "threads": 2,
    "train_hints": "pixels",
    "train_sizes": (32, 64),
    "trains": None,
    "version": 9,
}
"""Another value for each deciding field; None where the content of the data decides, not its name."""


@pytest.mark.parametrize("field", sorted(set(keys.IN_TRAINING) | set(keys.IN_SCORING)))
def test_what_a_suite_says_decides_the_training_the_scoring_or_both(suite, field):
    before = planned("unet", suite)
    if OTHER[field] is None:
        side = "train" if field in ("data", "smallest") else "test"
        now = planned("unet", suite, msgspec.structs.replace(DATA, **{side: Photos("photos", 9, "c")}))
    else:
        now = planned("unet", msgspec.structs.replace(suite, **{field: OTHER[field]}))
    assert now.key != before.key
    if field in keys.IN_TRAINING:
        assert now.training_key != before.training_key
    else:
        assert now.training_key == before.training_key, "the same training is scored in another way"
        assert now.scoring_key != before.scoring_key


def test_a_suites_precision_is_what_it_comes_to(suite):
    said = msgspec.structs.replace(suite, precision="fp32")
    assert planned("unet", suite).key == planned("unet", said).key, "on the CPU auto is fp32"


def test_an_lpips_trunk_of_ones_own_is_another_scoring(suite, tmp_path):
    file = tmp_path / "trunk.pth"
    found = {planned("unet", suite).key}
    for content in (b"one", b"two"):
        file.write_bytes(content)
        found.add(planned("unet", suite, lpips_trunk=str(file)).key)
    assert len(found) == 3


def test_labels_tell_values_apart_that_yaml_does():
    values = [1, "1", 1.5, True, "true", None, "null", "plain", "two words", "", [1, "1"], {"name": "x"}]
    shown = [shown_options({"any": value}) for value in values]
    assert len(set(shown)) == len(values)
    assert [parse(text.removeprefix(" any="), "") for text in shown] == values


def test_a_label_names_the_options_that_the_model_takes(suite):
    spec = resolve("unet", {"width": 8})
    run = plan_runs("unet", spec, Rules(suite, DATA, "cpu", settings=divided({"width": 8, "scale": 2})))[0]
    assert run.label == "unet width=8"


def test_a_suites_sizes_are_for_our_rows_and_others_by_name(suite, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("models: {thin: {encoder: conv, decoder: unet, head: ab, options: {width: 32, depth: 4}}}")
    use(Registry.read([file]))
    try:
        ours = resolve_model("unet", suite, {})
        theirs = resolve_model("thin", suite, {})
        by_name = msgspec.structs.replace(suite, model_options={"thin": {"width": 8}})
        named = resolve_model("thin", by_name, {})
    finally:
        use(None)
    assert (ours.effective["encoder"]["width"], ours.defaults) == (
        16,
        {"width": 16, "depth": 5, "propagator": "spun_pyramid"},
    )
    assert (theirs.effective["encoder"]["width"], theirs.defaults) == (32, {})
    assert (named.effective["encoder"]["width"], named.defaults) == (8, {"width": 8})


def test_what_a_suite_says_of_a_model_by_name_holds_as_the_callers_options_do(suite):
    said = {"unet": {"encoder.max_width": 40, "depth": 3}}
    of_the_suite = resolve_model("unet", msgspec.structs.replace(suite, model_options=said))
    of_the_caller = resolve_model("unet", suite, said["unet"])
    assert of_the_suite.identity() == of_the_caller.identity() != resolve_model("unet", suite).identity()
    assert of_the_suite.defaults == {"width": 16, "propagator": "spun_pyramid", **said["unet"]}
    below = resolve_model("unet", suite, {"propagator.sweeps": 8})
    assert below.parts["propagator"].options["sweeps"] == 8, "the suite puts it upon a pyramid"
    by_both = resolve_model("unet", msgspec.structs.replace(suite, model_options=said), {"depth": 4})
    assert by_both.effective["encoder"] | {"max_width": 40, "depth": 4} == by_both.effective["encoder"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eval_hints": "pixel"}, "suite 'quick', eval_hints: Unknown hint sampler 'pixel'; did you mean 'pixels'"),
        ({"eval_hints": {"name": "pixels", "densitys": [1]}}, "has no option 'densitys'; did you mean 'densities'"),
        ({"train_hints": {"name": "mixed", "hints": ["pts"]}}, "Unknown hint sampler 'pts'"),
        ({"metrics": ("pnsr",)}, "suite 'quick', metrics: Unknown metric 'pnsr'; did you mean 'psnr'"),
        ({"track": ("tensorbord",)}, "Unknown tracker 'tensorbord'; did you mean 'tensorboard'"),
        ({"recipe": "defalt"}, "Unknown recipe 'defalt'; did you mean 'default'"),
        ({"model_options": {"unett": {}}}, "Unknown model 'unett'; did you mean 'unet'"),
        ({"model_options": {"unet": {"widht": 8}}}, "model_options: model 'unet' has no option 'widht'; did you mean"),
        ({"model_options": {"unet": {"encoder.maxwidth": 8}}}, "its encoder has no option 'maxwidth'; did you mean"),
        (
            {"model_options": {"unet": {"encodr.width": 8}}},
            "has no part 'encodr' (option 'encodr.width'); did you",
        ),
        ({"model_options": {"gray": {"width": 8}}}, "model 'gray' has no option 'width'"),
        ({"options": {"widht": 8}}, "suite 'quick', options: no model of ours takes 'widht'"),
        ({"options": {"encoder.widht": 8}}, "suite 'quick', options: no model of ours takes 'encoder.widht'"),
    ],
)
def test_what_a_suite_names_is_checked_where_it_enters(suite, changes, said):
    with pytest.raises(ZooError) as error:
        keys.check_suite(msgspec.structs.replace(suite, **changes))
    assert said in str(error.value)


RECIPE = "recipes: {mine: {base: default, %s}}"
MODEL = "models: {mine: {encoder: %s, decoder: unet, head: ab}}"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (RECIPE % "optimizer: adamww", "recipe 'mine', optimizer: Unknown optimizer 'adamww'; did you mean 'adamw'"),
        (RECIPE % "schedule: cosin", "recipe 'mine', schedule: Unknown schedule 'cosin'; did you mean 'cosine'"),
        (RECIPE % "schedule: {name: stepp}", "Unknown schedule 'stepp'; did you mean 'step'"),
        (RECIPE % "losses: {l3: 1}", "recipe 'mine', losses, l3: Unknown loss 'l3'; did you mean"),
        (
            RECIPE % "objective: supervized",
            "'mine', objective: Unknown objective 'supervized'; did you mean 'supervised'",
        ),
        (RECIPE % "hints: pixel", "recipe 'mine', hints: Unknown hint sampler 'pixel'; did you mean 'pixels'"),
        (RECIPE % "augmentations: [elastc]", "augmentations, 0: Unknown augmentation 'elastc'; did you mean 'elastic'"),
        (MODEL % "cnv", "model 'mine', encoder: Unknown encoder 'cnv'; did you mean 'conv'"),
        (MODEL % "conv, recipe: defalt", "Unknown recipe 'defalt'; did you mean 'default'"),
        (MODEL % "conv, extras: [rbg]", "Unknown extra 'rbg'; did you mean 'rgb'"),
    ],
)
def test_what_a_users_row_names_is_checked_where_it_is_read(tmp_path, rows, said):
    file = tmp_path / "mine.yaml"
    file.write_text(rows)
    with pytest.raises(BadInput) as error:
        Registry.read([file])
    assert str(error.value).startswith(str(file))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": {"name": "adamw", "beta": [0, 1]}}, "optimizer 'adamw' has no option 'beta'"),
        ({"schedule": {"name": "step", "drop": [0.5]}}, "schedule 'step' has no option 'drop'; did you mean 'drops'"),
        ({"losses": {"huber": {"weight": 1, "detla": 1}}}, "loss 'huber' has no option 'detla'; did you mean 'delta'"),
        ({"augmentations": [{"name": "elastic", "sd": 1}]}, "augmentation 'elastic' has no option 'sd'"),
        ({"objective": {"name": "adversarial", "gan": "vanila"}}, "objective 'adversarial': option gan='vanila'"),
    ],
)
def test_an_option_that_a_recipe_gives_is_checked_before_anything_runs(suite, monkeypatch, changes, said):
    registry = current()
    recipe = msgspec.structs.replace(registry.recipe("default"), **changes)
    monkeypatch.setitem(registry.recipes, "default", recipe)
    with pytest.raises(BadInput) as error:
        keys.check_recipes(["unet"], suite)
    assert said in str(error.value)
    assert str(error.value).startswith("recipe 'default', ")


def test_our_own_recipes_and_suites_name_what_is_there():
    for name, recipe in current().recipes.items():
        keys.recipe_parts(recipe, f"recipe {name!r}")
    for name in suite_names():
        keys.check_suite(load_suite(name))


@pytest.mark.parametrize(
    ("recipe", "extras", "said"),
    [("defalt", (), "Unknown recipe 'defalt'"), ("default", ("of_its_own",), "Unknown extra 'of_its_own'")],
)
def test_what_a_plugins_model_names_wrongly_costs_its_own_rows_only(suite, recipe, extras, said):
    record = Entry(
        kind="models", name="theirs", target="their_module:Net", distribution="theirs", version="1.0", origin="a plugin"
    )
    table = current()
    every = [table.entry(kind, name) for kind in KINDS for name in table.names(kind)]
    use(Registry([*every, record], table.recipes))
    try:
        spec = ModelSpec(name="theirs", parts={"network": PartRef("theirs")}, recipe=recipe, extras=extras)
        (run,) = plan_runs("theirs", spec, Rules(suite, DATA, "cpu"))
    finally:
        use(None)
    assert isinstance(run, UnresolvedRun)
    assert said in run.error


def test_a_relative_source_is_recorded_as_the_place_it_was(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    suite = effective_suite(BenchRequest(data="folder:photos", test_data="folder:./photos"))
    assert {suite.data, suite.test_data} == {f"folder:{tmp_path / 'photos'}"}


def test_an_option_reaches_what_a_model_is_put_upon(suite):
    check_options(["unet", "gray"], {"propagator.sweeps": 8}, suite)
    check_options(["unet", "gray"], {"propagator": "levin2004", "hint_gain": 2}, suite)
    with pytest.raises(BadInput, match="its propagator has no option 'sweps'; did you mean 'sweeps'"):
        check_options(["unet", "gray"], {"propagator.sweps": 8}, suite)
    with pytest.raises(BadInput, match="has no option 'sweeps'"):
        check_options(["unet"], {"propagator": "levin2004", "propagator.sweeps": 8}, suite)
