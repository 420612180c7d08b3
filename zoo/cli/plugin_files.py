"""The files of a new plugin, as text."""

from __future__ import annotations

from string import Template

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "zoo-$dashed"
version = "0.1.0"
description = "The colorizer $name, for colorizer-zoo"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["torch>=2.6"]

[project.optional-dependencies]
test = ["colorizer-zoo", "pytest"]

[project.entry-points."zoo.models"]
$name = "zoo_$name:$cls"

[tool.hatch.build.targets.wheel]
packages = ["src/zoo_$name"]
"""

_MODULE = '''\
"""$cls: a colorizer for colorizer-zoo."""

from torch import Tensor, nn


class $cls(nn.Module):
    """Three convolutions. Replace them with your idea.

    condition (N, 4, H, W): lightness, hinted a and b, hint mask -> ab (N, 2, H, W).
    """

    stride = 1  # H and W are padded to a multiple of this before forward is called
    hint_gain = 8  # the hints' a and b, which are small and few, come multiplied by this, as for the zoo's own networks

    def __init__(self, *, width: int = 32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, 2, 3, padding=1),
        )

    def forward(self, condition: Tensor) -> Tensor:
        return self.body(condition)
'''

_TEST = '''\
"""The zoo's own probe: shapes at several sizes, gradients, state, randomness."""

from zoo.core.probe import probe_model


def test_the_zoo_accepts_it():
    report = probe_model("$name")
    assert report.ok, report.failures
'''

_README = """\
# $name

A colorizer for colorizer-zoo. The model is `src/zoo_$name/__init__.py`; the line under
`[project.entry-points."zoo.models"]` in pyproject.toml is all that registers it.

    pip install -e .
    zoo check $name
    pytest
    zoo bench --models $name,unet --suite quick

Its options are its keyword-only arguments: `zoo bench --models $name --set width=64`.
"""

_FILES = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/zoo_{name}/__init__.py": _MODULE,
    "tests/test_{name}.py": _TEST,
}


def plugin_files(name: str) -> dict[str, str]:
    """Path below the package's folder → text, for a plugin with the model ``name``."""
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "cls": "".join(word.capitalize() for word in name.split("_")),
    }
    return {path.format(name=name): Template(text).substitute(words) for path, text in _FILES.items()}
