"""One random generator a purpose, so that adding a consumer of randomness shifts nothing else."""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, *purpose: str) -> int:
    """A 63-bit seed that depends on the run's seed and on what it is for, and on nothing else."""
    text = ":".join((str(seed), *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on ``device`` for one purpose of one run."""
    return torch.Generator(device=device).manual_seed(derive(seed, *purpose))
