"""Whatever bytes a suite, a registry file or an option holds: taken, or refused in one sentence."""

from __future__ import annotations

import importlib.metadata
import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.core import resources
from zoo.core.errors import BadInput, UnknownName, ZooError
from zoo.core.registry import Registry
from zoo.core.resources import suites_folder
from zoo.core.spec import KINDS, ModelRow, PartRow, RecipeRow
from zoo.core.strict_yaml import parse
from zoo.harness.bench.suite import Suite, load_suite

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
damaged, files, names = DAMAGE["damaged"], DAMAGE["files"], DAMAGE["names"]
hostile = settings.get_profile("hostile")

SUITE = (suites_folder() / "smoke.yaml").read_bytes()
TABLE = b"\n".join(
    (
        b"parts: {losses: {mine: {target: 'a.b:C', options: {weight: 0.5}}}}",
        b"models:\n  mine:\n    summary: text\n    encoder: {name: conv, channels: [8, 16]}\n    decoder: conv\n    extras: []",
        b"recipes: {slow: {lr: 1e-3, losses: {l1: 1.0, l2: {weight: 2}}, betas: [0.9, 0.99], clip: null}}\n",
    )
)

_tokens = st.sampled_from(
    (
        *("[", "]", "{", "}", ",", ": ", "- ", "? ", "\n", "  ", "    ", "\t", "|", ">", "'", '"', "#", "&a ", "*a", "%", "@"),
        *("---\n", "...\n", "%YAML 9.9\n", "<<: ", "!!python/object/apply:os.system ", "!!binary ", "!!set ", "!!omap "),
        *("!!bool ", "!!int ", "!!float ", "!!timestamp ", "!!null ", "!!str ", "!!map ", "!!seq ", "!!pairs ", "!!x ", "! "),
        *("~", "null", "yes", "0x", "0b2", "0o9", "1_", "+_", ".inf", ".nan", "1e999", "190:20:30", "9" * 5000, "1e-3"),
        *("2001-99-99", "2001-12-14t21:59:43.10-99:99", "0001-01-01 00:00:00 +23:59", "a", "\0", "\x85", "\ufeff", "é", "😀"),
        *("name: ", "size: ", "budget: ", "steps", "sweeps: ", "hints", "counts", "options: ", "models: ", "parts: ", "x: "),
    )
)
_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _struct(kind: type) -> st.SearchStrategy:
    """A mapping with some of a struct's keys and values of any type."""
    return st.dictionaries(st.sampled_from(kind.__struct_fields__), _plain, max_size=5)


def _written(value: object) -> bytes:
    import yaml

    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


yaml_bytes = st.one_of(files, st.lists(_tokens, max_size=25).map(lambda tokens: "".join(tokens).encode()))
suites = st.one_of(yaml_bytes, damaged(SUITE), _struct(Suite).map(lambda keys: _written({"size": 32, **keys})))
tables = st.one_of(
    yaml_bytes,
    damaged(TABLE),
    st.dictionaries(names, _struct(ModelRow), max_size=2).map(lambda rows: _written({"models": rows})),
    st.dictionaries(names, _struct(RecipeRow), max_size=2).map(lambda rows: _written({"recipes": rows})),
    st.dictionaries(st.sampled_from(KINDS), st.dictionaries(names, _struct(PartRow), max_size=2), max_size=2).map(
        lambda kinds: _written({"parts": kinds})
    ),
)


def one_sentence(error: ZooError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) > 20


@given(suites)
@hostile
def test_a_suite_file(tmp_path, content):
    file = tmp_path / "suite.yaml"
    file.write_bytes(content)
    try:
        suite = load_suite(str(file))
    except (BadInput, UnknownName) as error:
        one_sentence(error)
    else:
        assert isinstance(suite, Suite)
        assert (tmp_path / suite.name).resolve().parent == tmp_path.resolve()  # it becomes a folder


@pytest.fixture
def alone(tmp_path, monkeypatch) -> None:
    """No built-in table below the user's and no entry points: reading them takes most of the time."""
    (tmp_path / "empty.yaml").touch()
    monkeypatch.setattr(resources, "registry_file", lambda: tmp_path / "empty.yaml")
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: [])


@given(tables)
@hostile
def test_a_registry_file(alone, tmp_path, content):
    file = tmp_path / "table.yaml"
    file.write_bytes(content)
    try:
        registry = Registry.read([file])
    except (BadInput, UnknownName) as error:
        one_sentence(error)
    else:
        for kind in KINDS:
            for name in registry.names(kind):
                assert (tmp_path / name).resolve().parent == tmp_path.resolve()


@given(st.one_of(names, st.lists(_tokens, max_size=12).map("".join)))
@hostile
def test_an_options_value(text):
    try:
        parse(text, "--set width")
    except BadInput as error:
        one_sentence(error)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000, "a: &a [*a]", "!!int ''"])
def test_yaml_that_is_a_trap(text):
    with pytest.raises(BadInput):
        parse(text, "here")
