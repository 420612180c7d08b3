"""The PatchGAN discriminator: is each patch of this photo real?"""

from __future__ import annotations

from typing import Literal, cast

from torch import Tensor, nn

from zoo.core.errors import BadInput

KERNEL = 4
SLOPE = 0.2


class PatchGAN(nn.Module):
    """(N, in, H, W) to a map of logits (N, 1, h, w), one per overlapping patch.

    4×4 convolutions C64-C128-C256-C512 and one to a single channel, of strides 2, 2, 2, 1, 1, leaky ReLU 0.2: each
    logit sees 70×70 pixels (arXiv:1611.07004, appendix 6.1.2; the strides as in its authors' code). The first is not
    normalised. Weights start from N(0, 0.02).

    Args:
        width: channels after the first convolution; they double up to eight times it.
        layers: convolutions of stride 2; 3 sees 70×70, 1 sees 16×16, 5 sees 286×286.
        norm: ``batch``, or ``none`` where a gradient penalty looks at each photo by itself.

    Raises:
        BadInput: a width or layers below 1; in ``forward`` a photo that is too small for one patch.
    """

    def __init__(self, in_channels: int, *, width: int = 64, layers: int = 3, norm: Literal["batch", "none"] = "batch"):
        super().__init__()
        if min(width, layers) < 1:
            raise BadInput(f"A PatchGAN of width {width} and {layers} layers sees nothing; give 1 or more of each.")
        widths = [in_channels, *(width * min(2**i, 8) for i in range(layers + 1)), 1]
        self.strides = [2] * layers + [1, 1]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, KERNEL, stride=stride, padding=1)
            for before, after, stride in zip(widths, widths[1:], self.strides, strict=False)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity() for channels in widths[2:-1]
        )
        for layer in self.layers:
            nn.init.normal_(cast(Tensor, layer.weight), std=0.02)
            nn.init.zeros_(cast(Tensor, layer.bias))
        self.activation = nn.LeakyReLU(SLOPE)

    @property
    def receptive_field(self) -> int:
        """The side of the patch that one logit sees, in pixels."""
        side = 1
        for stride in reversed(self.strides):
            side = (side - 1) * stride + KERNEL
        return side

    def forward(self, x: Tensor) -> Tensor:
        smallest = 3 * 2 ** (len(self.strides) - 2)
        if min(x.shape[-2:]) < smallest:
            raise BadInput(
                f"Photos of {x.shape[-1]}×{x.shape[-2]} are too small for this PatchGAN; "
                f"train on {smallest} pixels or more, or give it fewer layers."
            )
        first, *middle, last = self.layers
        x = self.activation(first(x))
        for layer, norm in zip(middle, self.norms, strict=True):
            x = self.activation(norm(layer(x)))
        return last(x)
