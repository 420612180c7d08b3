"""The decoder of FCN-32s, -16s and -8s: scores of several strides, fused by a sum."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput


class FCNDecoder(nn.Module):
    """A 1×1 score layer per level, from the coarsest down to ``stride``; enlarge, add, enlarge, add …

    Source: arXiv:1411.4038, section 4.2 and Fig. 3. A pyramid to scores (N, ``classes``, H, W) at full
    resolution, the features of which the head makes ab.

    The published deconvolutions (kernels 4 / stride 2, 4 / 2, 16 / 8; 32 / 16 and 64 / 32) are set to bilinear filters
    and never learned (``lr_mult: 0``): away from the border they are bilinear resizing, which is what is used. At
    the border a deconvolution fades to zero; FCN did not see that, as it had padded the photo by 100 and cropped.

    The scores start at zero, as theirs, which is said to whoever would start the head at zero too.

    Args:
        levels: of the pyramid, fine to coarse; where two have one reduction, the later counts.
        stride: 32, 16 or 8: the finest reduction that is scored.
        classes: how many scores; 21 for PASCAL VOC.
        at_once: scale the inputs of the skips' score layers by 0.01 for each level finer (pool4 by 0.01, pool3 by
            0.0001), as FCN-8s-at-once, which is trained in one go, does against VGG's large activations.

    Raises:
        BadInput: no level has the reduction ``stride``, or fewer than one class.
    """

    reduction = 1
    starts_at_zero = True

    def __init__(self, levels: Sequence[Level], *, stride: int = 8, classes: int = 21, at_once: bool = False):
        super().__init__()
        if classes < 1:
            raise BadInput(f"An FCN decoder of {classes} classes predicts nothing; give 1 or more.")
        by_reduction = {level.reduction: i for i, level in enumerate(levels)}
        if stride not in by_reduction:
            raise BadInput(
                f"An FCN decoder of stride {stride} needs a level of that reduction; there are {sorted(by_reduction)}."
            )
        self.channels = classes
        self.stride = stride
        self.chosen = [i for reduction, i in sorted(by_reduction.items(), reverse=True) if reduction >= stride]
        self.scores = nn.ModuleList(_score(levels[i].channels, classes) for i in self.chosen)
        self.scales = [0.01**k if at_once else 1.0 for k in range(len(self.chosen))]

    def forward(self, pyramid: Pyramid) -> Tensor:
        scored = [
            score(pyramid.maps[i] * scale if scale != 1 else pyramid.maps[i])
            for i, score, scale in zip(self.chosen, self.scores, self.scales, strict=True)
        ]
        fused, *finer = scored
        for score in finer:
            height, width = score.shape[-2:]
            fused = score + _enlarged(fused, (height, width))
        height, width = fused.shape[-2:]
        return _enlarged(fused, (self.stride * height, self.stride * width))


def _score(in_channels: int, classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, classes, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
