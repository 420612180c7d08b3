"""What is registered, as plain names. Torch-free."""

from __future__ import annotations

from zoo.core.registry import current


def list_models(pattern: str = "*") -> list[str]:
    """The names of all registered colorizers that match the glob ``pattern``, sorted."""
    return current().names("models", pattern)
