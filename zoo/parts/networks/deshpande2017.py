"""Several colorizations of one photo: a mixture over codes, and a decoder from codes to colour fields."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.parts.layers.conv_unit import INITIAL_STD
from zoo.parts.layers.gaussian_mixture import GaussianMixture

FULL_WIDTH = 128

FIELD = 64
"""Side of a colour field."""

_GREY_SIZE = 224
KERNELS = (4, 5, 5, 5, 5)
_HINT_CHANNELS = CONDITION_CHANNELS - 1
_FEWEST = 1e-4
"""The least share of a cell's pixels that counts as a hint."""


class Deshpande2017(nn.Module):
    """Learning Diverse Image Colorization (arXiv:1612.01958): condition (N, 4, H, W), any size, to a prediction.

    A mixture density network reads the photo and gives eight likely codes z; a decoder, trained as half of a
    variational auto-encoder (objective ``variational``), turns a code and the photo's edges into a 64×64 colour field.

    ``ab`` is the field of the most probable code; :meth:`sample` draws others. Beside it ``mixture_logits`` (N, 8)
    and ``mixture_means`` (N, 8, Z). The original reads features of Zhang et al. 2016 from another training;
    here their first four blocks are trained along, on all four channels of the condition. It knows no hints: one code
    for a whole photo could not place them, so that here its decoder is given them beside the edges.

    Args:
        width: channels of the auto-encoder's first convolution; everything else in proportion to its 128.
        latent: Z, the length of a code.
        components: of the mixture.
        scale: σ of each component, fixed.
    """

    residual = False
    stride = 1
    hint_gain = HINT_GAIN
    field = FIELD

    def __init__(self, *, width: int = FULL_WIDTH, latent: int = 64, components: int = 8, scale: float = 0.1):
        super().__init__()
        self.width = width
        self.latent = latent
        self.scale = scale
        self.features = _grey_features(width)
        self.density = MixtureDensity(width=width, latent=latent, components=components)
        self.decoder = FieldDecoder(width=width, latent=latent)

    def forward(self, condition: Tensor) -> Prediction:
        mixture = self.codes(condition)
        ab = self.decode(mixture.mode(), condition)
        return {
            "ab": F.interpolate(ab, condition.shape[-2:], mode="bilinear"),
            "mixture_logits": mixture.logits,
            "mixture_means": mixture.means,
        }

    def codes(self, condition: Tensor) -> GaussianMixture:
        """The distribution over codes, given a photo: logits (N, M), means (N, M, Z), scales (N, M)."""
        logits, means = self.density(self.features(resized(condition, _GREY_SIZE)))
        return GaussianMixture(logits, means, torch.full_like(logits, self.scale))

    def decode(self, code: Tensor, condition: Tensor) -> Tensor:
        """A code (N, Z) and a condition (N, 4, H, W) to a colour field (N, 2, 64, 64), float32."""
        return self.decoder(code, resized(condition, FIELD))

    def sample(self, condition: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """``k`` colorizations of each photo, from draws of the mixture: (N, k, 2, H, W)."""
        mixture = self.codes(condition)
        n = condition.shape[0]
        quantiles = torch.rand(k, n, generator=generator, device=generator.device).to(condition.device)
        normals = torch.randn(k, n, self.latent, generator=generator, device=generator.device).to(condition.device)
        drawn = []
        for quantile, normal in zip(quantiles, normals, strict=True):
            ab = self.decode(mixture.draw(quantile, normal), condition)
            drawn.append(F.interpolate(ab, condition.shape[-2:], mode="bilinear"))
        return torch.stack(drawn, dim=1)


class MixtureDensity(nn.Module):
    """Features (N, 4·width, 28, 28) to the mixture's logits (N, M) and means (N, M, Z), float32.

    5×5 convolutions without biases to 384, 320, 288, 256 (stride 2) and 128 channels, each conv → ReLU → batch norm;
    dropout 0.25, linear to 4096, tanh, dropout 0.25, linear (as in the authors' code).
    """

    def __init__(self, *, width: int, latent: int, components: int):
        super().__init__()
        self.components = components
        widths = [_scaled(channels, width) for channels in (512, 384, 320, 288, 256, 128)]
        strides = [1, 1, 1, 2, 1]
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise(widths), strides, strict=True):
            convolution = nn.Conv2d(before, after, 5, stride=stride, padding=2, bias=False)
            layers += [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(after, eps=1e-4)]
        hidden = _scaled(4096, width)
        self.layers = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Dropout(0.25),
            nn.Linear((_GREY_SIZE // 16) ** 2 * widths[-1], hidden),
            nn.Tanh(),
            nn.Dropout(0.25),
            nn.Linear(hidden, components * (latent + 1)),
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        output = self.layers(features).float()
        logits, means = output[:, : self.components], output[:, self.components :]
        return logits, means.unflatten(1, (self.components, -1))


class FieldDecoder(nn.Module):
    """A code (N, Z) and a condition (N, 4, 64, 64) to a colour field (N, 2, 64, 64) in ±1, float32.

    Five times: resize bilinearly, convolve, ReLU, batch norm; sizes 4, 8, 16, 32, 64, channels 1024, 512, 256, 128, 2,
    the first 4×4, the others 5×5. At 16 and 32 the gradients of the lightness are concatenated, and, beyond
    the authors' code, the hints. The last has no ReLU but tanh.
    """

    def __init__(self, *, width: int, latent: int):
        super().__init__()
        widths = [latent, 8 * width, 4 * width, 2 * width, width, 2]
        seen = 2 + _HINT_CHANNELS
        extras = [0, 0, seen, seen, 0]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before + extra, after, kernel)
            for (before, after), extra, kernel in zip(pairwise(widths), extras, KERNELS, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, eps=1e-4) for channels in widths[1:])
        # The last normalisation is what makes the colours: from near grey, as every colorizer here starts.
        nn.init.constant_(cast(Tensor, self.norms[-1].weight), INITIAL_STD)

    def forward(self, code: Tensor, condition: Tensor) -> Tensor:
        x = code[:, :, None, None]
        sizes = [FIELD // 16, FIELD // 8, FIELD // 4, FIELD // 2, FIELD]
        for size, kernel, convolution, norm in zip(sizes, KERNELS, self.convolutions, self.norms, strict=True):
            x = F.interpolate(x, (size, size), mode="bilinear")
            if size in (FIELD // 4, FIELD // 2):
                lightness, hint_ab, hint_mask = resized(condition, size).split((1, 2, 1), dim=1)
                # The mean colour of a cell's hints, however few they are; their number is in the mask.
                hint_ab = hint_ab / hint_mask.clamp_min(_FEWEST)
                x = torch.cat((x, *edges(lightness), hint_ab, hint_mask), dim=1)
            x = convolution(F.pad(x, [(kernel - 1) // 2, kernel // 2] * 2))
            x = norm(x if size == FIELD else F.relu(x))
        return torch.tanh(x.float())


def edges(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the pixel above and to the pixel on the left, 0 in the first row, first column."""
    return (
        torch.diff(image, dim=-2, prepend=image[..., :1, :]),
        torch.diff(image, dim=-1, prepend=image[..., :1]),
    )


def resized(image: Tensor, size: int) -> Tensor:
    """(N, C, H, W) to (N, C, size, size), whatever its proportions, as the original does."""
    if image.shape[-2:] == (size, size):
        return image
    return F.interpolate(image, (size, size), mode="bilinear", antialias=True)


def _grey_features(width: int) -> nn.Sequential:
    """(N, 4, 224, 224) to (N, 4·width, 28, 28): blocks 1 to 4 of Zhang et al. 2016 (arXiv:1603.08511)."""
    layers: list[nn.Module] = []
    before = CONDITION_CHANNELS
    for channels, strides in ((64, (1, 2)), (128, (1, 2)), (256, (1, 1, 2)), (512, (1, 1, 1))):
        after = _scaled(channels, width)
        for stride in strides:
            layers += [nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.ReLU(inplace=True)]
            before = after
        layers.append(nn.BatchNorm2d(after))
    return nn.Sequential(*layers)


def _scaled(channels: int, width: int) -> int:
    return max(1, round(channels * width / FULL_WIDTH))
