"""How this process's threads wait for each other."""

from __future__ import annotations

import os
from collections.abc import MutableMapping


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads sleep while they wait, unless the user has said otherwise.

    By default they spin, and two processes on the same cores then slow each other down tenfold (a colorization
    of 24 photos beside a busy machine: 172 s spinning, 59 s asleep). OpenMP reads this when it starts, so it must
    be said before torch is imported; processes that are started later inherit it. ``OMP_WAIT_POLICY`` is OpenMP's
    own word, which GNU's and LLVM's runtime know; ``KMP_BLOCKTIME`` is how long Intel's and LLVM's spin nevertheless.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("KMP_BLOCKTIME", "0")
