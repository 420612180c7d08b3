"""Principal components against numpy's SVD."""

from __future__ import annotations

import numpy as np
import torch

from zoo.parts.blocks.principal_components import PrincipalComponents


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
