"""The two stages of Deshpande et al. 2017: an auto-encoder of colour fields, then a mixture over its codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Loss, TrainingData
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import gamut_bins, prior_weights
from zoo.parts.layers.noise import Noise

FIELDS = 2048
"""So many training photos are enough for some tens of principal components."""

_TINY = 1e-12
"""Under a square root, whose gradient at 0 is infinite."""

_NEGLIGIBLE = 1e-10
"""A principal component whose variance is this much smaller than the largest is rounding."""


class Variational(nn.Module):
    """arXiv:1612.01958, sections 3 and 4; weights as in its authors' code, where fields are a*, b* / 128, here / 110.

    First the network's decoder with an encoder of its own: |d|_w + 0.1 (Mahalanobis of d along the top principal
    components + |rest|² / var_K) + 0.001 |∇d| + KL, d the error of the colour field, w from the rarity of the true
    colour, |·| the norm over a whole field. Then, with both frozen, the network's mixture: −log π_m + |z − μ_m|² / 2σ²
    of the component nearest to z, a draw of the encoder.

    Principal components and colour frequencies come from the training photos, in :meth:`prepare`.

    Args:
        colorizer: around a network with ``codes``, ``decode``, ``decoder``, ``latent``, ``width`` and ``field``.
        losses: none; the objective has its own.
        first_stage: the part of the training that the auto-encoder gets.
        kl: weight of the KL of one photo at the end of the first stage, from 0 at its start. The public code sums it
            over a batch of 32, with 0.01.
        components: K, of the principal components.
        prior_mix: how much of the uniform distribution the colour frequencies are mixed with.

    Raises:
        BadInput: another network, or losses.
    """

    players = ("colorizer",)
    bins: Tensor
    class_weights: Tensor

    def __init__(
        self,
        colorizer: Colorizer,
        losses: Mapping[str, tuple[float, Loss]],
        *,
        first_stage: float = 0.6,
        kl: float = 0.32,
        components: int = 20,
        prior_mix: float = 0.5,
    ):
        super().__init__()
        network: Any = colorizer.learner
        if not all(hasattr(network, name) for name in ("codes", "decode", "decoder", "latent", "width", "field")):
            raise BadInput(
                f"The objective 'variational' trains networks such as 'deshpande2017', not {colorizer.name}."
            )
        if losses:
            raise BadInput(f"The objective 'variational' has losses of its own; take {', '.join(losses)} out.")
        if not 0 < first_stage < 1:
            raise BadInput(f"objective 'variational': first_stage is {first_stage}; give a part between 0 and 1.")
        self._network = (network,)  # in a tuple: not part of this module's own state
        self._seen = colorizer.seen
        self.first_stage = first_stage
        self.field = int(network.field)
        self.kl = kl
        self.prior_mix = prior_mix
        self.encoder = FieldEncoder(network.field, latent=network.latent, width=network.width)
        self.noise = Noise()
        self.principal = PrincipalComponents(components, 2 * network.field**2)
        self.register_buffer("bins", gamut_bins().float(), persistent=False)
        self.register_buffer("class_weights", torch.ones(len(self.bins)))
        self.progress = 0.0

    @property
    def in_first_stage(self) -> bool:
        return self.progress < self.first_stage

    def prepare(self, data: TrainingData) -> None:
        """One pass: principal components of the first 2048 colour fields, frequencies of all colours."""
        fields: list[Tensor] = []
        counts = torch.zeros_like(self.class_weights)
        for batch in data:
            field = self._as_field(batch.ab)
            counts += torch.bincount(self._bin(field).flatten(), minlength=len(counts)).to(counts)
            if len(fields) * len(field) < FIELDS:
                fields.append(field.flatten(1).cpu())
        if fields:
            self.principal.fit(torch.cat(fields))
            self.class_weights.copy_(prior_weights(counts, self.prior_mix))

    def begin_step(self, progress: float) -> None:
        self.progress = progress
        network = self._network[0]
        network.requires_grad_(not self.in_first_stage)
        network.decoder.requires_grad_(self.in_first_stage)
        self.encoder.requires_grad_(self.in_first_stage)
        self.encoder.train(self.training and self.in_first_stage)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.encoder.train(mode and self.in_first_stage)
        return self

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]:
        return [*self._network[0].parameters(), *self.encoder.parameters()]

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of the stage, and its terms, unweighted and detached."""
        return self._autoencoder_loss(batch) if self.in_first_stage else self._mixture_loss(batch)

    def _autoencoder_loss(self, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        field = self._as_field(batch.ab)
        mean, log_variance = self.encoder(field)
        code = mean + self.noise.normal(mean) * (0.5 * log_variance).exp()
        decoded = self._network[0].decode(code, self._seen(batch.condition))
        with torch.autocast(field.device.type, enabled=False):
            terms = self.reconstruction(decoded, field)
            terms["kl"] = kl_to_standard_normal(mean, log_variance).mean()
            weights = {"error": 1.0, "components": 0.1, "rest": 0.1, "gradient": 1e-3, "kl": self._kl_weight()}
            total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        return total, {name: value.detach() for name, value in terms.items()}

    def reconstruction(self, decoded: Tensor, field: Tensor) -> dict[str, Tensor]:
        """The terms that compare two fields (N, 2, 64, 64), each the mean over photos (section 3.2)."""
        d = decoded - field
        rarity = self.class_weights[self._bin(field)]
        along, rest = self.principal.distance(d.flatten(1))
        across, down = torch.diff(d, dim=-1)[..., :-1, :], torch.diff(d, dim=-2)[..., :-1]
        return {
            "error": _norm(rarity.unsqueeze(1).sqrt() * d).mean(),
            "components": along.mean(),
            "rest": rest.mean(),
            "gradient": _norm(torch.cat((across, down), dim=1)).mean(),
        }

    def _mixture_loss(self, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        with torch.no_grad():
            mean, log_variance = self.encoder(self._as_field(batch.ab))
            code = mean + self.noise.normal(mean) * (0.5 * log_variance).exp()
        loss = self._network[0].codes(self._seen(batch.condition)).nearest_component_loss(code).mean()
        return loss, {"mixture": loss.detach()}

    def _as_field(self, ab: Tensor) -> Tensor:
        """(N, 2, H, W) to a colour field, whatever its proportions."""
        size = (self.field, self.field)
        return ab if ab.shape[-2:] == size else F.interpolate(ab, size, mode="bilinear", antialias=True)

    def _kl_weight(self) -> float:
        return self.kl * self.progress / self.first_stage

    def _bin(self, field: Tensor) -> Tensor:
        """The nearest colour bin of each pixel: (N, 64, 64) int64."""
        pixels = field.movedim(1, -1) * AB_SCALE
        return (self.bins.square().sum(1) - 2 * pixels @ self.bins.T).argmin(-1)


def _norm(d: Tensor) -> Tensor:
    """The norm of each photo's field: (N, …) to (N,)."""
    return d.flatten(1).square().sum(1).clamp_min(_TINY).sqrt()


class PrincipalComponents(nn.Module):
    """The ``count`` directions of largest variance. Distances are 0 before :meth:`fit`.

    Args:
        count: K, how many.
        size: D, the length of a vector.
    """

    basis: Tensor
    inverse_variance: Tensor
    residual_weight: Tensor

    def __init__(self, count: int, size: int):
        super().__init__()
        self.register_buffer("basis", torch.zeros(count, size))
        self.register_buffer("inverse_variance", torch.zeros(count))
        self.register_buffer("residual_weight", torch.zeros(()))

    @torch.no_grad()
    def fit(self, rows: Tensor) -> None:
        """From vectors (n, D), in float64. Where they span fewer than K directions, the others stay zero."""
        centred = rows.double() - rows.double().mean(0)
        if len(rows) < 2:
            return
        # n vectors of many dimensions: the n × n matrix of their products has the same spectrum as their covariance.
        squares, combinations = torch.linalg.eigh(centred @ centred.T)
        squares, combinations = squares.flip(0)[: len(self.basis)], combinations.flip(1)[:, : len(self.basis)]
        found = int((squares > _NEGLIGIBLE * squares[0].clamp_min(_NEGLIGIBLE)).sum())
        if found == 0:
            return
        basis = (combinations[:, :found] / squares[:found].sqrt()).T @ centred
        self.basis[:found] = basis.to(self.basis)
        self.inverse_variance[:found] = ((len(rows) - 1) / squares[:found]).to(self.inverse_variance)
        self.residual_weight.copy_(self.inverse_variance[found - 1])

    def distance(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        """How far apart two vectors are, from their difference (N, D).

        Returns:
            Σ_k p_k² / var_k over the components, and |r|² / var_K for the rest r (N,) each
            (arXiv:1612.01958, eq. 3).
        """
        projected = difference @ self.basis.T
        rest = difference - projected @ self.basis
        return (projected.square() * self.inverse_variance).sum(1), rest.square().sum(1) * self.residual_weight


class FieldEncoder(nn.Module):
    """A colour field (N, 2, S, S) to mean and log-variance (N, Z) of its latent code.

    Deshpande et al. 2017 (arXiv:1612.01958; layers as in its authors' code): 5×5 convolutions of stride 2 to 128, 256
    and 512 channels, 4×4 of stride 2 to 1024, each conv → ReLU → batch norm; dropout 0.3; a linear layer. It is needed
    for training only.

    Args:
        field: S, a multiple of 16.
        latent: Z.
        width: channels of the first convolution; the others in proportion.
    """

    def __init__(self, field: int, *, latent: int, width: int):
        super().__init__()
        widths = [2, width, 2 * width, 4 * width, 8 * width]
        kernels = [5, 5, 5, 4]
        layers: list[nn.Module] = []
        for before, after, kernel in zip(widths, widths[1:], kernels, strict=False):
            convolution = nn.Conv2d(before, after, kernel, stride=2, padding=(kernel - 1) // 2)
            layers += [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(after, eps=1e-4)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3))
        self.project = nn.Linear((field // 16) ** 2 * widths[-1], 2 * latent)

    def forward(self, field: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.project(self.layers(field)).float().chunk(2, dim=1)
        return mean, log_variance


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − log σ² − 1): (N, Z) twice to (N,) (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance).sum(1)
