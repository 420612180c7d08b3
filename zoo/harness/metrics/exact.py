"""Scoring runs in plain float32, whatever the training around it switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """No autocast, no TF32, no gradients inside.

    In bf16 the SSIM of a pair that scores .9608 reads .996; TF32 keeps ten bits of mantissa, which
    moves colours and perceptual distances in the third or fourth decimal.
    """
    matmul_precision = torch.get_float32_matmul_precision()
    deterministic = torch.backends.cudnn.deterministic
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, deterministic=deterministic, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(matmul_precision)
