"""Whatever bytes a suite, a registry file or an option holds: taken, or refused in one sentence."""

from __future__ import annotations

import importlib.metadata
import runpy
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.core import registry_rows
from zoo.core.errors import BadInput, UnknownName
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry
from zoo.core.registry_rows import suites_folder
from zoo.core.spec import ModelRow, PartRow, RecipeRow, fingerprint
from zoo.core.strict_yaml import parse
from zoo.harness.plan.suite import Suite, load_suite

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
damaged, files, names, one_sentence = (DAMAGE[key] for key in ("damaged", "files", "names", "one_sentence"))
hostile = settings.get_profile("hostile")

SUITE = (suites_folder() / "smoke.yaml").read_bytes()
TABLE = b"""
parts: {losses: {mine: {target: 'a.b:C', options: {weight: 0.5}}}}
models:
  mine:
    summary: text
    encoder: {name: conv, channels: [8, 16]}
    decoder: conv
    extras: []
recipes:
  slow: {lr: 1e-3, losses: {l1: 1.0, l2: {weight: 2}}, betas: [0.9, 0.99], clip: null}
  slower: {base: slow, lr: 1e-4}
"""

_SIGNS = ("[", "]", "{", "}", ",", ": ", "- ", "? ", "\n", "  ", "\t", "|", ">", "'", '"', "#", "&a ", "*a", "%", "@")
_MARKS = ("---\n", "...\n", "%YAML 9.9\n", "<<: ", "\0", "\x85", "\ufeff", "é", "😀", r'"\ud800"', "a")
_TAGS = ("binary", "set", "omap", "pairs", "bool", "int", "float", "timestamp", "null", "str", "map", "seq", "x")
_CODE = ("!!python/object/apply:os.system ", "!!python/name:os.system ", "! ")
_INTEGERS = ("0x", "0b2", "0o9", "1_", "+_", "190:20:30", "9" * 5000)
_FLOATS = (".inf", ".nan", "1e999", "1e-3", "~", "null", "yes")
_DATES = ("2001-99-99", "2001-12-14t21:59:43.10-99:99", "0001-01-01 00:00:00 +23:59")
_KEYS = ("name", "size", "budget", "sweeps", "hints", "options", "models", "parts", "recipes", "summary", "track")
_tokens = st.one_of(
    st.sampled_from((*_SIGNS, *_MARKS)),
    st.sampled_from((*_CODE, *(f"!!{tag} " for tag in _TAGS))),
    st.sampled_from((*_INTEGERS, *_FLOATS, *_DATES)),
    st.sampled_from([f"{key}: " for key in _KEYS]),
)
_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _struct(kind: type, *more: str) -> st.SearchStrategy:
    """A mapping with some of a struct's keys, or of ``more``, and values of any type."""
    return st.dictionaries(st.sampled_from((*kind.__struct_encode_fields__, *more)), _plain, max_size=5)


def _written(value: object) -> bytes:
    import yaml

    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


yaml_bytes = st.one_of(files, st.lists(_tokens, max_size=25).map(lambda tokens: "".join(tokens).encode()))
suites = st.one_of(
    yaml_bytes,
    damaged(SUITE),
    names.map(lambda name: _written({"size": 32, "name": name})),
    _struct(Suite).map(lambda keys: _written({"size": 32, **keys})),
)
tables = st.one_of(
    yaml_bytes,
    damaged(TABLE),
    st.dictionaries(names, _struct(ModelRow), max_size=2).map(lambda rows: _written({"models": rows})),
    st.dictionaries(names, _struct(RecipeRow, "base"), max_size=2).map(lambda rows: _written({"recipes": rows})),
    st.dictionaries(st.sampled_from(list(KINDS)), st.dictionaries(names, _struct(PartRow), max_size=2), max_size=2).map(
        lambda kinds: _written({"parts": kinds})
    ),
)


@given(suites)
@example(b'size: 32\nbudget: {"\\r": 1}')
@hostile
def test_a_suite_file(tmp_path, content):
    file = tmp_path / "suite.yaml"
    file.write_bytes(content)
    try:
        suite = load_suite(str(file))
    except (BadInput, UnknownName) as error:
        one_sentence(error)
    else:
        fingerprint(msgspec.to_builtins(suite))  # it becomes a key
        assert (tmp_path / suite.name).resolve().parent == tmp_path.resolve()  # it becomes a folder


@pytest.fixture
def alone(tmp_path, monkeypatch) -> None:
    """No built-in table below the user's and no entry points: reading them takes most of the time."""
    (tmp_path / "empty.yaml").touch()
    monkeypatch.setattr(registry_rows, "registry_file", lambda: tmp_path / "empty.yaml")
    monkeypatch.setattr(importlib.metadata, "distributions", lambda **_: [])


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
                fingerprint(msgspec.to_builtins(registry.entry(kind, name).row))


@given(st.one_of(names, st.lists(_tokens, max_size=12).map("".join)))
@hostile
def test_an_options_value(text):
    try:
        parse(text, "--set width")
    except BadInput as error:
        one_sentence(error)


TRAPS = ("[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000, "a: &a [*a]", "!!int ''", r'"\ud800"')


@pytest.mark.parametrize("text", TRAPS, ids=lambda text: text[:10])
def test_yaml_that_is_a_trap(text):
    with pytest.raises(BadInput):
        parse(text, "here")
