"""A colorizer against a discriminator that learns to tell its colours from true ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import CONDITION_CHANNELS, Batch, Loss, Prediction, TrainingData
from zoo.core.errors import BadInput
from zoo.parts.layers.noise import Noise

KERNEL = 4
"""Side of every convolution of the PatchGAN."""

SLOPE = 0.2
"""Of its leaky ReLUs."""


class Adversarial(nn.Module):
    """Σ weight · loss(prediction, batch) + weight · adversarial term, and a PatchGAN conditioned on the grey photo.

    The discriminator sees (condition, ab). A step trains it first, then the colorizer; both share one forward of the
    colorizer. What they minimise, D the mean over patches:

    * ``vanilla`` (arXiv:1611.07004, eqs. 1 and 4): ½ [BCE(D(real), 1) + BCE(D(fake), 0)]; BCE(D(fake), 1);
    * ``lsgan`` (arXiv:1611.04076, eq. 9 with a = 0, b = c = 1): the same with squared errors;
    * ``wgan_gp`` (arXiv:1704.00028, eq. 3): D(fake) − D(real) + λ (‖∇ΣD(x̂)‖ − 1)², x̂ between real and fake;
      −D(fake).

    Args:
        colorizer: the generator.
        losses: name → (weight, loss); pix2pix has l1 with weight 100.
        gan: one of the above.
        weight: of the adversarial term.
        penalty: λ of ``wgan_gp``.
        unit: how many Lab steps are 1 in the ab that the discriminator sees. A slope of 1 is another one in another
            unit, so the Wasserstein distance is measured in it; 110, the condition's own, or 255 for the original of
            ChromaGAN.
        discriminator_width: channels after the PatchGAN's first convolution.
        discriminator_layers: its convolutions of stride 2; 3 is the 70×70 PatchGAN.

    Raises:
        BadInput: a unit that is not positive; photos too small for one patch of the discriminator.
    """

    players = ("discriminator", "colorizer")

    def __init__(
        self,
        colorizer: Colorizer,
        losses: Mapping[str, tuple[float, Loss]],
        *,
        gan: Literal["vanilla", "lsgan", "wgan_gp"] = "vanilla",
        weight: float = 1.0,
        penalty: float = 10.0,
        unit: float = AB_SCALE,
        discriminator_width: int = 64,
        discriminator_layers: int = 3,
    ):
        super().__init__()
        if gan not in ("vanilla", "lsgan", "wgan_gp"):
            raise BadInput(f"objective 'adversarial': gan is '{gan}'; give 'vanilla', 'lsgan' or 'wgan_gp'.")
        if not unit > 0:
            raise BadInput(f"objective 'adversarial': unit is {unit}; give a number of Lab steps above 0.")
        self._outside = (colorizer,)  # in a tuple: not part of this module's own state
        self.losses = dict(losses)
        self.gan = gan
        self.weight = weight
        self.penalty = penalty
        self.shrink = AB_SCALE / unit
        self.discriminator = PatchGAN(
            CONDITION_CHANNELS + 2,
            width=discriminator_width,
            layers=discriminator_layers,
            # With batch normalisation the penalty on one photo's gradient would depend on the others.
            norm="none" if gan == "wgan_gp" else "batch",
        )
        self.noise = Noise()
        self._shared: tuple[Batch, Prediction] | None = None

    def prepare(self, data: TrainingData) -> None:
        """Nothing to learn from the data beforehand."""

    def begin_step(self, progress: float) -> None:
        self._shared = None

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        return (self.discriminator if player == "discriminator" else self._outside[0]).parameters()

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The player's loss, and its terms, unweighted and detached."""
        prediction = self._predict(batch)
        self.discriminator.requires_grad_(player == "discriminator")
        if player == "discriminator":
            return self._discriminator_loss(batch, prediction["ab"].detach())
        self._shared = None  # its graph is used up by the colorizer's backward
        values = {name: loss(prediction, batch) for name, (_, loss) in self.losses.items()}
        values["fool"] = self._fooling(self._judge(batch, self.shrink * prediction["ab"]))
        weights = {name: weight for name, (weight, _) in self.losses.items()} | {"fool": self.weight}
        total = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}

    def _predict(self, batch: Batch) -> Prediction:
        """The colorizer's prediction for the batch, computed once a step."""
        if self._shared is None or self._shared[0] is not batch:
            self._shared = (batch, self._outside[0](batch.condition, batch.extras))
        return self._shared[1]

    def _judge(self, batch: Batch, ab: Tensor) -> Tensor:
        return self.discriminator(torch.cat((batch.condition, ab), dim=1)).float()

    def _discriminator_loss(self, batch: Batch, fake_ab: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        real_ab, fake_ab = self.shrink * batch.ab, self.shrink * fake_ab
        real, fake = self._judge(batch, real_ab), self._judge(batch, fake_ab)
        if self.gan == "wgan_gp":
            distance = real.mean() - fake.mean()
            penalty = self._gradient_penalty(batch, real_ab, fake_ab)
            return self.penalty * penalty - distance, {"distance": distance.detach(), "penalty": penalty.detach()}
        told_real, told_fake = self._error(real, 1.0), self._error(fake, 0.0)
        return 0.5 * (told_real + told_fake), {"real": told_real.detach(), "fake": told_fake.detach()}

    def _fooling(self, fake: Tensor) -> Tensor:
        return -fake.mean() if self.gan == "wgan_gp" else self._error(fake, 1.0)

    def _error(self, logits: Tensor, goal: float) -> Tensor:
        target = torch.full_like(logits, goal)
        if self.gan == "lsgan":
            return F.mse_loss(logits, target)
        return F.binary_cross_entropy_with_logits(logits, target)

    def _gradient_penalty(self, batch: Batch, real_ab: Tensor, fake_ab: Tensor) -> Tensor:
        """The mean over photos of (‖∇ Σ D(x̂)‖₂ − 1)², Σ over patches, ∇ with respect to the photo's ab; float32.

        ``real_ab`` and ``fake_ab``, and hence ∇, are in the discriminator's unit.
        """
        with torch.autocast(fake_ab.device.type, enabled=False):
            share = self.noise.uniform(real_ab[:, :1, :1, :1])
            between = (share * real_ab + (1 - share) * fake_ab.float()).requires_grad_()
            # Summed over patches, as in ChromaGAN's code (arXiv:1907.09837): each pixel then moves the mean that the
            # colorizer sees by little, about as much as a squared error does.
            (gradient,) = torch.autograd.grad(self._judge(batch, between).sum(), between, create_graph=True)
            # A gradient of exactly zero has no direction: the square root needs a floor to be differentiated.
            norm = gradient.square().sum((1, 2, 3)).clamp_min(1e-24).sqrt()
            return (norm - 1).square().mean()


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
