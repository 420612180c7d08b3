"""What the code's words refer to is there for its reader, and is spelt in one way."""

from __future__ import annotations

import ast
import re
import tokenize
from pathlib import Path

import zoo

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "zoo").rglob("*.py"))

REFERENCE = re.compile(r":(?:class|func|data|mod|meth|attr|exc):`~?(zoo[\w.]+)`")
ELSEWHERE = re.compile(r"\b(?:DESIGN|FIELD|BRIEF|REVIEW)(?:\.md)? ?\d")
"""Documents that are not in the repository."""

SPELT_OTHERWISE = {"color", "colorfulness", "ColorfulnessGap", "IColoriT", "DDColor"}
"""The module of colour spaces and the key of a hint, a metric and its column, names from papers; words of
``colorize`` and ``colorizer`` are the project's."""

OTHERS = {"xcolor_space", "RELATIVE_COLORIMETRIC", "ColorSpace", "ImageColor", "colormap"}
OTHERS |= {
    "color_range",
    "dst_color_range",
    "src_color_range",
    "colorspace",
    "src_colorspace",
    "dst_colorspace",
    "color_primaries",
    "color_trc",
}
"""Pillow's names, and PyAV's."""


def test_cross_references_lead_somewhere():
    for path in FILES:
        for name in REFERENCE.findall(path.read_text(encoding="utf-8")):
            assert name in NAMES, f"{path.relative_to(ROOT)} refers to {name}"


def test_no_document_is_referred_to_that_a_reader_does_not_have():
    for path in FILES:
        found = ELSEWHERE.findall(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(ROOT)} refers to {found}"


def test_identifiers_say_colour():
    for path in FILES:
        with path.open("rb") as stream:
            names = {token.string for token in tokenize.tokenize(stream.readline) if token.type == tokenize.NAME}
        odd = {name for name in names - SPELT_OTHERWISE - OTHERS if re.search("color(?!iz)", name, re.IGNORECASE)}
        assert not odd, f"{path.relative_to(ROOT)} names {odd}"


def _names() -> set[str]:
    """Every module of the package, what each defines, and what its classes define, dotted."""
    found = {f"zoo.{name}" for name in zoo.__all__}
    for path in FILES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found.add(module)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in _defined(node):
                found.add(f"{module}.{name}")
            if isinstance(node, ast.ClassDef):
                found.update(f"{module}.{node.name}.{name}" for each in node.body for name in _defined(each))
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


NAMES = _names()
