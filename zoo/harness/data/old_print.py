"""Photos as old prints show them: blue-sensitive, faded, grainy. What a colorizer is given then, and no more.

Plates and films of before about 1930 did not see red: plain silver halide sees blue, orthochromatic emulsions also
green, up to about 590 nm (Langford, Basic Photography, 7th edition, chapter 9), while the red of sRGB lies at 611 nm.
Fading lightens the blacks and stains the whites. Grain is noise of the density; seen through a larger
aperture there is less of it (Selwyn, Photographic Journal 75, 1935). How much of each is our choice: prints differ.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.color import linear_to_srgb, split_lab, srgb_to_linear, to_uint8
from zoo.harness.data.batches import photo_generator

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class OldPrint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a print is made of a photo.

    Args:
        sensitivity: of the emulsion to linear red, green and blue light; their sum is what white gives.
        black, white: the greys, from 0 to 1 in sRGB, that black and white have faded to.
        grain: standard deviation of the noise, in the same unit.
        grain_size: standard deviation of the blur of the noise, in pixels; 0 is none.
    """

    sensitivity: tuple[Share, Share, Share] = (0.0, 0.35, 0.65)
    black: Share = 0.18
    white: Share = 0.85
    grain: Share = 0.025
    grain_size: Annotated[float, msgspec.Meta(ge=0, le=8)] = 0.6

    def __post_init__(self) -> None:
        if not sum(self.sensitivity):
            raise ValueError("an old print needs a sensitivity to some light")
        if self.black >= self.white:
            raise ValueError("an old print needs black < white")

    def lightness(self, rgb: Tensor, names: tuple[str, ...], seed: int) -> Tensor:
        """The lightness of the prints, read from 8-bit greys as any scan is.

        Args:
            rgb: the photos, uint8 (N, 3, H, W), on the CPU.
            names: with ``seed`` a photo's name decides its grain, and nothing else does.

        Returns:
            (N, 1, H, W) in [-1, 1].
        """
        weights = torch.tensor(self.sensitivity).view(1, 3, 1, 1)
        seen = (srgb_to_linear(rgb.float() / 255) * weights).sum(1, keepdim=True) / weights.sum()
        grey = self.black + (self.white - self.black) * linear_to_srgb(seen)
        grain = torch.cat([self._grain(grey[:1], name, seed) for name in names])
        return split_lab(to_uint8((grey + self.grain * grain).expand(-1, 3, -1, -1)))[0]

    def _grain(self, like: Tensor, name: str, seed: int) -> Tensor:
        """(1, 1, H, W) of variance 1."""
        reach = round(3 * self.grain_size)
        height, width = like.shape[2:]
        noise = torch.randn(
            1, 1, height + 2 * reach, width + 2 * reach, generator=photo_generator(f"print {name}", seed)
        )
        if not reach:
            return noise
        bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / self.grain_size) ** 2)
        bell = bell / bell.square().sum().sqrt()
        return F.conv2d(F.conv2d(noise, bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))
