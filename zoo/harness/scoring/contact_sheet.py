"""Pictures side by side: grey input, hints, colorization, truth."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.core.color import join_lab, to_uint8
from zoo.core.contracts import Batch


def input_pictures(batch: Batch) -> tuple[Tensor, Tensor]:
    """The grey input and the hints on it, uint8 (N, 3, H, W). Each hint is drawn as a 3×3 dot, to be seen."""
    grey = to_uint8(join_lab(batch.lightness, torch.zeros_like(batch.ab)))
    shown = torch.nn.functional.max_pool2d(batch.hint_mask, 3, stride=1, padding=1)
    total = torch.nn.functional.avg_pool2d(batch.hint_ab, 3, stride=1, padding=1)
    share = torch.nn.functional.avg_pool2d(batch.hint_mask, 3, stride=1, padding=1).clamp_min(1e-6)
    dots = to_uint8(join_lab(batch.lightness.clamp(-0.2, 0.5), total / share))
    return grey, torch.where(shown > 0, dots, grey)


def sheet(columns: Sequence[Tensor], *, gap: int = 2) -> bytes:
    """Columns of uint8 (N, 3, H, W), one picture a row, as PNG bytes on white."""
    n, _, height, width = columns[0].shape
    canvas = np.full((n * (height + gap) - gap, len(columns) * (width + gap) - gap, 3), 255, np.uint8)
    for c, column in enumerate(columns):
        pictures = column.cpu().permute(0, 2, 3, 1).numpy()
        for r in range(n):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + height, left : left + width] = pictures[r]
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, "PNG", optimize=True)
    return out.getvalue()
