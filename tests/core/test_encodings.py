"""Whatever is read or written as text names its encoding: the locale's is another on another machine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for room in ("zoo", "benchmarks", "docs") for path in (ROOT / room).rglob("*.py"))
MODE_AT = {"read_text": None, "write_text": None, "open": 1, "fdopen": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0}
"""Calls that may mean text, and which argument (of the function) is the mode."""
BINARY_BY_DEFAULT = {"NamedTemporaryFile", "TemporaryFile"}
OTHER_OPENS = {"os", "av", "Image", "webbrowser", "browser", "zipfile", "tarfile", "h5py", "request"}
"""What has an ``open`` that is no file of text."""


def unnamed(source: str) -> list[int]:
    """The lines that open text, or a process's output as text, without saying in which encoding."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if "encoding" in keywords:
            continue
        if any(_is_true(keywords.get(name)) for name in ("text", "universal_newlines")):
            found.append(node.lineno)
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in MODE_AT and not _is_binary(node, name, keywords):
            found.append(node.lineno)
    return found


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_binary(call: ast.Call, name: str, keywords: dict[str | None, ast.expr]) -> bool:
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name == "open" and owner in OTHER_OPENS:
        return True
    place = MODE_AT[name]
    if place is None:
        # Path.read_text(encoding), write_text(data, encoding)
        return len(call.args) > (name == "write_text")
    if isinstance(call.func, ast.Attribute) and name == "open":
        place = 0  # Path.open(mode)
    mode = keywords.get("mode") or (call.args[place] if len(call.args) > place else None)
    if mode is None:
        return name in BINARY_BY_DEFAULT
    return isinstance(mode, ast.Constant) and "b" in str(mode.value)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("open(p)", [1]),
        ("open(p, 'w')", [1]),
        ("open(p, 'rb')", []),
        ("open(p, encoding='utf-8')", []),
        ("p.open()", [1]),
        ("p.open('a')", [1]),
        ("p.open('rb')", []),
        ("p.open(mode='wb')", []),
        ("p.open(newline='')", [1]),
        ("os.fdopen(f, 'w')", [1]),
        ("os.open(p, 1)", []),
        ("Image.open(p)", []),
        ("p.read_text()", [1]),
        ("p.read_text('utf-8')", []),
        ("p.write_text(t)", [1]),
        ("p.write_text(t, encoding='utf-8')", []),
        ("NamedTemporaryFile('w')", [1]),
        ("NamedTemporaryFile()", []),
        ("run(c, text=True)", [1]),
        ("run(c, text=True, encoding='utf-8')", []),
    ],
)
def test_the_rule_knows_text_when_it_sees_it(source, lines):
    assert unnamed(source) == lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_names_its_encoding(path):
    lines = unnamed(path.read_text(encoding="utf-8"))
    assert not lines, f"{path.relative_to(ROOT)}, lines {lines}: name the encoding"
