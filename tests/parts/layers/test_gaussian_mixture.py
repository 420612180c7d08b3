"""Mixtures against torch.distributions and formulas in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from zoo.parts.layers.gaussian_mixture import GaussianMixture


def mixture_of(*shape: int, components: int = 5, channels: int = 3) -> tuple[GaussianMixture, Tensor]:
    generator = torch.Generator().manual_seed(1)
    n, *space = shape

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64)

    logits, means = normal(n, components, *space), normal(n, components, channels, *space)
    return GaussianMixture(logits, means, normal(n, components, *space).exp()), normal(n, channels, *space)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 5)])
def test_likelihood_equals_torch_distributions(shape: tuple[int, ...]) -> None:
    mixture, x = mixture_of(*shape)
    means = mixture.means.movedim((1, 2), (-2, -1))
    parts = Independent(Normal(means, mixture.scales.movedim(1, -1).unsqueeze(-1).expand_as(means)), 1)
    reference = MixtureSameFamily(Categorical(logits=mixture.logits.movedim(1, -1)), parts)
    torch.testing.assert_close(mixture.negative_log_likelihood(x), -reference.log_prob(x.movedim(1, -1)))
    torch.testing.assert_close(mixture.mean(), reference.mean.movedim(-1, 1))


def test_nearest_component_loss_is_the_papers() -> None:
    mixture, z = mixture_of(6, components=8, channels=64)
    mixture = mixture._replace(scales=torch.full_like(mixture.scales, 0.1))
    loss = mixture.nearest_component_loss(z)
    for i in range(6):
        exponents = [float((z[i] - mu).square().sum()) / (2 * 0.1**2) for mu in mixture.means[i]]
        nearest = exponents.index(min(exponents))
        expected = exponents[nearest] - float(torch.softmax(mixture.logits[i], 0)[nearest].log())
        assert float(loss[i]) == pytest.approx(expected, rel=1e-12)


def test_only_the_nearest_mean_learns() -> None:
    mixture, z = mixture_of(3)
    means = mixture.means.clone().requires_grad_()
    mixture._replace(means=means).nearest_component_loss(z).sum().backward()
    assert means.grad is not None
    assert (means.grad.abs().sum(2) > 0).sum(1).tolist() == [1, 1, 1]


def test_mode_is_the_most_probable_component() -> None:
    mixture, _ = mixture_of(2, 3, 5)
    mode = mixture.mode()
    best = int(mixture.logits[1, :, 2, 4].argmax())
    torch.testing.assert_close(mode[1, :, 2, 4], mixture.means[1, best, :, 2, 4])


def test_draws_follow_the_weights_and_scales() -> None:
    draws = 20_000
    logits = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log().expand(draws, 3)
    means = torch.tensor([-10.0, 0.0, 10.0], dtype=torch.float64).view(1, 3, 1).expand(draws, 3, 1)
    mixture = GaussianMixture(logits, means, torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64).expand(draws, 3))
    generator = torch.Generator().manual_seed(3)
    x = mixture.draw(torch.rand(draws, generator=generator), torch.randn(draws, 1, generator=generator))[:, 0]
    groups = [x[x < -5], x[(x > -5) & (x < 5)], x[x > 5]]
    # Six standard errors of a proportion and of a standard deviation.
    for group, share, scale in zip(groups, (0.2, 0.5, 0.3), (0.5, 1.0, 2.0), strict=True):
        assert len(group) / draws == pytest.approx(share, abs=6 * (share * (1 - share) / draws) ** 0.5)
        assert float(group.std()) == pytest.approx(scale, rel=6 / (2 * len(group)) ** 0.5)
