"""Hostile input: 200 examples a test, always the same ones; 10,000 new ones with ZOO_HOSTILE=long."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("ZOO_HOSTILE") == "long"

# Registered, not loaded: the tests of this folder take it by name, and all others keep theirs.
settings.register_profile(
    "hostile",
    max_examples=10_000 if LONG else 200,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
