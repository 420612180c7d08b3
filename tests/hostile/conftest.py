"""Hostile input: 100 examples a test, always the same ones; the first 20 of them with ZOO_HOSTILE=short, 10,000 new
ones with ZOO_HOSTILE=long.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = {"short": 20, "long": 10_000}
CHOSEN = os.environ.get("ZOO_HOSTILE", "")

# Registered, not loaded: the tests of this folder take it by name, and all others keep theirs.
settings.register_profile(
    "hostile",
    max_examples=EXAMPLES.get(CHOSEN, 100),
    derandomize=CHOSEN != "long",
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
