"""The two stages of Deshpande et al. 2017; principal components against numpy's SVD."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.networks.deshpande2017 import Deshpande2017
from zoo.parts.networks.gray import Gray
from zoo.parts.objectives.variational import PrincipalComponents, Variational, kl_to_standard_normal


def batch_of(seed: int, n: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 2, 4, 4, generator=generator) - 0.5
    ab = torch.nn.functional.interpolate(coarse, (64, 64), mode="bilinear")
    lightness = torch.rand(n, 1, 64, 64, generator=generator) * 2 - 1
    return Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))


@pytest.fixture
def objective() -> Variational:
    torch.manual_seed(0)
    made = Variational(Colorizer(Deshpande2017(width=8)), {}, components=4)
    made.prepare([batch_of(1), batch_of(2), batch_of(3)])
    return made


def network_of(objective: Variational) -> Deshpande2017:
    return objective._network[0]


def test_reconstruction_equals_the_formulas_in_float64(objective: Variational) -> None:
    truth = batch_of(4).ab
    decoded = truth + 0.05 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(5))
    terms = {name: float(value) for name, value in objective.reconstruction(decoded, truth).items()}
    d = (decoded - truth).double()
    distance = torch.cdist(truth.permute(0, 2, 3, 1).reshape(-1, 2).double() * 110, objective.bins.double())
    weight = objective.class_weights.double()[distance.argmin(1)].view(3, 1, 64, 64)
    assert terms["error"] == pytest.approx(float((weight * d**2).sum((1, 2, 3)).sqrt().mean()), rel=1e-4)
    basis, inverse = objective.principal.basis.double(), objective.principal.inverse_variance.double()
    p = d.flatten(1) @ basis.T
    rest = d.flatten(1) - p @ basis
    assert terms["components"] == pytest.approx(float((p**2 * inverse).sum(1).mean()), rel=1e-3)
    assert terms["rest"] == pytest.approx(float(((rest**2).sum(1) * inverse[-1]).mean()), rel=1e-3)
    across = d[..., :-1, 1:] - d[..., :-1, :-1]
    down = d[..., 1:, :-1] - d[..., :-1, :-1]
    gradient = ((across**2).sum((1, 2, 3)) + (down**2).sum((1, 2, 3))).sqrt().mean()
    assert terms["gradient"] == pytest.approx(float(gradient), rel=1e-4)


def test_kl_equals_torch_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(5, 64, generator=generator, dtype=torch.float64) for _ in range(2))
    normal = torch.distributions.Normal
    reference = torch.distributions.kl_divergence(
        normal(mean, (0.5 * log_variance).exp()), normal(torch.zeros_like(mean), torch.ones_like(mean))
    ).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), reference)


def test_prepare_weighs_colours_to_one_on_average(objective: Variational) -> None:
    bins = torch.cat([objective._bin(batch_of(seed).ab).flatten() for seed in (1, 2, 3)])
    assert float(objective.class_weights[bins].mean()) == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(objective.principal.basis @ objective.principal.basis.T, torch.eye(4), atol=1e-4, rtol=0)


def trained_by(objective: Variational, progress: float) -> set[str]:
    """Which parts get a gradient in a step."""
    objective.zero_grad(set_to_none=True)
    network = network_of(objective)
    network.zero_grad(set_to_none=True)
    objective.train()
    objective.begin_step(progress)
    loss, terms = objective.loss("colorizer", batch_of(6))
    assert not any(term.requires_grad for term in terms.values())
    loss.backward()
    parts = {"encoder": objective.encoder, **dict(network.named_children())}
    return {name for name, part in parts.items() if any(p.grad is not None for p in part.parameters())}


def test_stages_train_different_parts(objective: Variational) -> None:
    assert trained_by(objective, 0.0) == {"encoder", "decoder"}
    assert objective.encoder.training
    assert trained_by(objective, 0.7) == {"features", "density"}
    assert not objective.encoder.training


def test_everything_that_trains_is_handed_to_the_optimizer(objective: Variational) -> None:
    given = {id(p) for p in objective.parameters_of("colorizer")}
    parts = (network_of(objective), objective.encoder)
    assert given == {id(p) for part in parts for p in part.parameters()}


def test_kl_is_phased_in(objective: Variational) -> None:
    objective.begin_step(0.0)
    assert objective._kl_weight() == 0
    objective.begin_step(0.3)
    assert objective._kl_weight() == pytest.approx(0.16)


@pytest.mark.slow
def test_autoencoder_learns_the_field() -> None:
    torch.manual_seed(0)
    objective = Variational(Colorizer(Deshpande2017(width=8)), {}, components=4)
    batch = batch_of(7, n=8)
    objective.prepare([batch])
    optimizer = torch.optim.Adam(objective.parameters_of("colorizer"), lr=5e-3)
    objective.train()
    errors = []
    for _ in range(50):
        objective.begin_step(0.0)
        loss, terms = objective.loss("colorizer", batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(float(terms["error"]))
    assert errors[-1] < 0.8 * errors[0]


def test_other_networks_and_losses_are_refused() -> None:
    with pytest.raises(BadInput, match="deshpande2017"):
        Variational(Colorizer(Gray(), name="gray"), {})
    with pytest.raises(BadInput, match="take l1 out"):
        Variational(Colorizer(Deshpande2017(width=8)), {"l1": (1.0, lambda prediction, batch: prediction["ab"].sum())})


def rows(n: int, d: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, d, generator=generator) * torch.linspace(3, 0.1, d) + 5


def test_basis_is_orthonormal_and_explains_what_svd_explains() -> None:
    data = rows(30, 200)
    principal = PrincipalComponents(6, 200)
    principal.fit(data)
    torch.testing.assert_close(principal.basis @ principal.basis.T, torch.eye(6), atol=1e-5, rtol=0)
    centred = data.double().numpy() - data.double().numpy().mean(0)
    _, singular, right = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(1 / principal.inverse_variance.numpy(), singular[:6] ** 2 / 29, rtol=1e-5)
    np.testing.assert_allclose(np.abs((principal.basis.numpy() * right[:6]).sum(1)), 1, rtol=1e-5)


def test_distance_is_mahalanobis_and_rest() -> None:
    principal = PrincipalComponents(4, 50)
    principal.fit(rows(40, 50))
    d = torch.randn(3, 50, generator=torch.Generator().manual_seed(2))
    along, rest = principal.distance(d)
    basis, inverse = principal.basis.double(), principal.inverse_variance.double()
    p = d.double() @ basis.T
    torch.testing.assert_close(along.double(), (p**2 * inverse).sum(1), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        rest.double(), ((d.double() ** 2).sum(1) - (p**2).sum(1)) * inverse[-1], rtol=1e-4, atol=1e-6
    )


def test_fewer_photos_than_components_leave_the_others_empty() -> None:
    principal = PrincipalComponents(8, 20)
    principal.fit(rows(4, 20))
    assert (principal.inverse_variance > 0).sum() == 3
    assert principal.residual_weight == principal.inverse_variance[2]
    assert torch.isfinite(principal.basis).all()
    lonely = PrincipalComponents(8, 20)
    lonely.fit(rows(1, 20))
    along, rest = lonely.distance(torch.ones(2, 20))
    assert not along.any()
    assert not rest.any()
