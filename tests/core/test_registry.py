"""The table: names, owners, overlays, and plugins that are broken."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from zoo.core.errors import AmbiguousName, BadInput, BrokenPlugin, UnknownName
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry
from zoo.core.registry_rows import Entry, check_name
from zoo.core.spec import ModelRow


def plugin(name: str, distribution: str, target: str = "json:loads", kind: str = "models") -> Entry:
    return Entry(kind=kind, name=name, target=target, distribution=distribution, version="1.0", origin="entry point")


@pytest.fixture(scope="module")
def builtin() -> Registry:
    return Registry.read()


def test_every_builtin_row_can_be_imported(builtin):
    for kind in KINDS:
        for name in builtin.names(kind):
            entry = builtin.entry(kind, name)
            if entry.origin == "built-in" and entry.target != "composed":
                assert callable(builtin.load(kind, name)), (kind, name)


def test_every_builtin_row_says_what_it_is(builtin):
    for kind in KINDS:
        for name in builtin.names(kind):
            entry = builtin.entry(kind, name)
            if entry.origin == "built-in":
                assert entry.row.summary, (kind, name)
    for name in builtin.names("models"):
        row = builtin.entry("models", name).row
        if isinstance(row, ModelRow):
            assert row.recipe in builtin.recipes, name
            assert row.source or row.baseline, f"{name} has no source"


def test_listing_imports_neither_torch_nor_a_part():
    code = (
        "import sys, zoo; zoo.list_models(); "
        "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'timm', 'pandas') or m.startswith('zoo.parts')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_comes_with_the_nearest(builtin):
    with pytest.raises(UnknownName, match=r"Unknown model 'unett'; did you mean .*'unet'"):
        builtin.entry("models", "unett")
    with pytest.raises(UnknownName, match="Unknown kind 'modles'"):
        builtin.names("modles")
    with pytest.raises(UnknownName, match="Unknown recipe 'defualt'; did you mean 'default'"):
        builtin.recipe("defualt")


def test_builtins_own_bare_names():
    row = ModelRow(summary="ours", target="json:dumps")
    ours = Entry(
        kind="models", name="unet", target="json:dumps", distribution="zoo", version="1", origin="built-in", row=row
    )
    registry = Registry([plugin("unet", "theirs"), ours], {})
    assert registry.entry("models", "unet") is ours
    assert registry.entry("models", "unet@theirs").distribution == "theirs"
    assert registry.names("models") == ["unet", "unet@theirs"]


@pytest.mark.parametrize("order", [("alpha", "beta"), ("beta", "alpha")])
def test_two_plugins_with_one_name_are_both_reachable_in_any_order(order):
    registry = Registry([plugin("mine", distribution) for distribution in order], {})
    assert registry.names("models") == ["mine@alpha", "mine@beta"]
    assert registry.entry("models", "mine@beta").distribution == "beta"
    with pytest.raises(AmbiguousName, match="mine@alpha and mine@beta"):
        registry.entry("models", "mine")


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('no luck')", "import sys; sys.exit(3)", "import nothing_of_that_name", "1 +"]
)
def test_a_plugin_that_breaks_at_import_is_marked_and_the_rest_goes_on(tmp_path, monkeypatch, code):
    (tmp_path / "breaking_plugin.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "breaking_plugin", raising=False)
    registry = Registry([plugin("bad", "breaker", "breaking_plugin:Model"), plugin("good", "fine")], {})
    for _ in range(2):  # said again, not tried again
        with pytest.raises(BrokenPlugin, match=r"'bad' of breaker 1\.0 cannot be imported"):
            registry.load("models", "bad")
    state, error = registry.state(registry.entry("models", "bad"))
    assert state == "broken"
    assert "breaking_plugin:Model" in error
    assert callable(registry.load("models", "good"))


def test_a_users_file_overlays_the_builtin_table(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("models: {slim: {summary: s, encoder: conv, decoder: unet, head: ab, options: {width: 4}}}")
    registry = Registry.read([file])
    assert "slim" in registry.names("models")
    assert "unet" in registry.names("models")
    assert registry.entry("models", "slim").origin == str(file)


def test_a_recipe_takes_from_its_base_what_it_does_not_say(tmp_path, builtin):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(
        "recipes: {slow: {base: default, lr: 1.0e-5}, slow_l2: {summary: own, base: slow, losses: {l2: 2.0}}}"
    )
    second.write_text("recipes: {default: {base: slow_l2, batch: 3}}")
    recipes = Registry.read([first, second]).recipes
    default = builtin.recipe("default")
    assert default.summary
    assert default.lr != 1e-5
    assert recipes["slow"] == msgspec.structs.replace(default, lr=1e-5, summary="", source="")
    assert recipes["slow_l2"] == msgspec.structs.replace(recipes["slow"], losses={"l2": 2.0}, summary="own")
    assert recipes["default"] == msgspec.structs.replace(recipes["slow_l2"], batch=3, summary="")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "recipes: {x: {base: defualt}}",
            "recipe 'x': its base 'defualt' is no recipe above it; did you mean 'default'",
        ),
        ("recipes: {x: {base: y}, y: {}}", "its base 'y' is no recipe above it"),
        ("recipes: {x: {base: x}}", "its base 'x' is no recipe above it"),
        ("recipes: {x: {base: [default]}}", "recipe 'x': 'base' holds a list"),
        ("recipes: {x: {base: default, lrr: 1}}", "unknown key 'lrr'; did you mean 'lr'"),
        ("model: {}", "unknown key 'model'; did you mean 'models'"),
        ("models: {x: {summry: a}}", "unknown key 'summry'; did you mean 'summary'"),
        ("parts: {encoder: {}}", "unknown kind 'encoder' under 'parts'; did you mean 'encoders'"),
        ("models: [a]", "'models' holds a list"),
        ("models: {'../x': {}}", "is no name"),
    ],
)
def test_a_users_file_that_is_wrong(tmp_path, text, sentence):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        Registry.read([file])
    assert sentence in str(error.value)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("name", ["..", "a/b", "a\0b", "x" * 81, "🎨", "", ".hidden", "-flag", "a b"])
def test_names_that_cannot_be_a_folder_are_refused(name):
    with pytest.raises(BadInput):
        check_name(name, "here")
