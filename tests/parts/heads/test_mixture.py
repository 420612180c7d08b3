"""The mixture head: starts at grey, estimates, draws."""

from __future__ import annotations

import pytest
import torch

from zoo.core.color import AB_SCALE
from zoo.core.errors import BadInput
from zoo.parts.heads.mixture import MixtureHead


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(2, 16, 12, 9, generator=torch.Generator().manual_seed(0))


def test_starts_near_grey_with_components_apart(features: torch.Tensor) -> None:
    torch.manual_seed(0)  # one draw in a hundred brings two of them nearer
    prediction = MixtureHead(16)(features)
    assert float(prediction["ab"].detach().abs().max()) * AB_SCALE < 12
    means = prediction["mixture_means"].detach()[0, :, :, 0, 0]
    assert float(torch.pdist(means).min()) * AB_SCALE > 10


def test_mean_and_mode(features: torch.Tensor) -> None:
    mean, mode = MixtureHead(16), MixtureHead(16, estimate="mode")
    mode.load_state_dict(mean.state_dict())
    prediction = mean(features)
    share = prediction["mixture_logits"].softmax(1)
    expected = sum(share[:, m, None] * prediction["mixture_means"][:, m] for m in range(8))
    torch.testing.assert_close(prediction["ab"], expected)
    best = prediction["mixture_logits"].argmax(1)
    chosen = mode(features)["ab"]
    assert torch.equal(chosen[1, :, 3, 4], prediction["mixture_means"][1, best[1, 3, 4], :, 3, 4])


def test_scales_have_a_floor(features: torch.Tensor) -> None:
    assert float(MixtureHead(16)(1e4 * features)["mixture_scales"].detach().min()) >= 0.0099


def test_samples_differ_and_repeat(features: torch.Tensor) -> None:
    head = MixtureHead(16)
    first = head.sample(features, 4, torch.Generator().manual_seed(1))
    again = head.sample(features, 4, torch.Generator().manual_seed(1))
    other = head.sample(features, 4, torch.Generator().manual_seed(2))
    assert first.shape == (2, 4, 2, 12, 9)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float((first[:, 0] - first[:, 1]).detach().abs().mean()) > 0.01


def test_a_smaller_circle_starts_nearer(features: torch.Tensor) -> None:
    with torch.no_grad():
        wide, near = MixtureHead(16)(features), MixtureHead(16, radius=0.05)(features)
    for name in ("mixture_means", "mixture_scales"):
        torch.testing.assert_close(near[name].abs().mean(), wide[name].abs().mean() / 4, rtol=0.2, atol=0)
    with pytest.raises(BadInput, match="radius is 0; give a number above 0"):
        MixtureHead(16, radius=0)
