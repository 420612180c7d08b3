"""(c) The limit in the other memory format: channels last."""

from __future__ import annotations

import torch

from benchmarks.rivals import bare
from benchmarks.rivals.contestant import Pace
from benchmarks.rivals.task import Case


def train(case: Case, pace: Pace) -> None:
    bare.train(case, pace, torch.channels_last)
