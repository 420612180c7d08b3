"""YAML is read strictly, and errors name the place."""

from __future__ import annotations

import pytest

from zoo.core import resources
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
    "file", [resources.registry_file(), *sorted(resources.suites_folder().glob("*.yaml"))], ids=lambda file: file.name
)
def test_our_own_files_read_the_same_by_the_quick_loader(file):
    text = file.read_text(encoding="utf-8")
    assert parse(text, file.name, ours=True) == parse(text, file.name)


def test_a_mistake_in_our_own_file_is_named_as_in_any_other():
    for text in ("a: [1", "a: 1\na: 2", "a: &x 1\nb: *x\nc: {"):
        with pytest.raises(BadInput) as strict:
            parse(text, "registry.yaml")
        with pytest.raises(BadInput) as quick:
            parse(text, "registry.yaml", ours=True)
        assert str(quick.value) == str(strict.value)
