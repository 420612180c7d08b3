"""YAML is read strictly, and errors name the place."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from zoo.core import registry_rows
from zoo.core.errors import BadInput
from zoo.core.spec import RecipeRow
from zoo.core.strict_yaml import decode, parse, read_mapping


def test_numbers_are_numbers():
    assert parse("{a: 1e-3, b: 5, c: 1.0, d: .5, e: 2E+2}", "f") == {"a": 1e-3, "b": 5, "c": 1.0, "d": 0.5, "e": 200.0}
    assert isinstance(parse("b: 5", "f")["b"], int)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\na: 2", "line 2: the key 'a' is given twice"),
        ("a: &x 1\nb: *x", "line 2: YAML aliases"),
        ("a: [1,", "is not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "is not valid YAML"),
        ("1: 2", "the key 1 is not text"),
        ("? [a]\n: 1", "is not text"),
    ],
)
def test_what_is_refused(text, sentence):
    with pytest.raises(BadInput, match=r"file\.yaml") as error:
        parse(text, "file.yaml")
    assert sentence in str(error.value)


def test_a_file_must_hold_a_mapping(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(BadInput, match=r"holds a list; a mapping"):
        read_mapping(tmp_path / "list.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_mapping(tmp_path / "bytes.yaml")
    with pytest.raises(BadInput, match="cannot be read"):
        read_mapping(tmp_path / "missing.yaml")
    (tmp_path / "empty.yaml").write_text("")
    assert read_mapping(tmp_path / "empty.yaml") == {}


def test_an_unknown_key_comes_with_the_nearest():
    with pytest.raises(BadInput, match=r"recipe 'mine': unknown key 'optimiser'; did you mean 'optimizer'"):
        decode({"optimiser": "sgd"}, RecipeRow, "recipe 'mine'")


def test_a_wrong_type_is_named():
    with pytest.raises(BadInput, match=r"recipe: expected `float`, got `str` - at `\$.lr`"):
        decode({"lr": "fast"}, RecipeRow, "recipe")


@pytest.mark.parametrize(
    "file",
    [registry_rows.registry_file(), *sorted(registry_rows.suites_folder().glob("*.yaml"))],
    ids=lambda file: file.name,
)
def test_our_own_files_hold_what_pyyaml_itself_reads_in_them(file):
    text = file.read_text(encoding="utf-8")
    assert parse(text, file.name) == yaml.load(text, Loader=yaml.SafeLoader)


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? "])
def test_nesting_without_end_is_refused_before_it_is_composed(opened):
    assert parse("[" * 50 + "]" * 50, "f")
    with pytest.raises(BadInput, match="f, line 1: more than 50 levels"):
        parse(opened * 100, "f")
    with pytest.raises(BadInput, match=r"^f, line 1.*(levels|nesting)"):
        parse(opened * 100_000, "f")


def test_without_libyaml_the_same_is_read_and_the_same_refused():
    """A PyYAML that was built without it has no CSafeLoader."""
    program = """
import sys, yaml
del yaml.CSafeLoader
from zoo.core.errors import BadInput
from zoo.core.strict_yaml import parse
assert parse("{a: 1e-3, b: [5, x]}", "f") == {"a": 1e-3, "b": [5, "x"]}
refused = {"a: 1\\na: 2": "given twice", "a: &x 1\\nb: *x": "aliases", "[" * 60: "50 levels", "a: [": "valid"}
for text, sentence in refused.items():
    try:
        sys.exit(f"taken: {parse(text, 'f')}")
    except BadInput as error:
        assert sentence in str(error), error
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
