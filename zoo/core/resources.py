"""Where registry.yaml and the suites lie: inside an installed wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def registry_file() -> Path:
    """The built-in table of parts, models and recipes."""
    return _first(_PACKAGE / "registry.yaml", _PACKAGE.parent / "registry.yaml")


def suites_folder() -> Path:
    """The folder of the built-in suites, one YAML file each."""
    return _first(_PACKAGE / "suites", _PACKAGE.parent / "benchmarks" / "suites")


def _first(*candidates: Path) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise FileNotFoundError(f"The installation is damaged: {candidates[0]} is missing; install the package again.")
