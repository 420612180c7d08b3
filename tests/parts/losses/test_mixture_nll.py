"""The mixture's likelihood as a loss on photos."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.heads.mixture import MixtureHead
from zoo.parts.losses.mixture_nll import MixtureNLL


@pytest.fixture
def prediction(batch: Batch) -> dict[str, Tensor]:
    height, width = batch.ab.shape[-2:]
    features = torch.randn(len(batch.ab), 8, height, width, generator=torch.Generator().manual_seed(0))
    return {key: value.detach() for key, value in MixtureHead(8, components=3)(features).items()}


def test_equals_the_density_written_out_in_float64(batch: Batch, prediction: dict[str, Tensor]) -> None:
    share = prediction["mixture_logits"].double().softmax(1)
    means, scales = prediction["mixture_means"].double(), prediction["mixture_scales"].double()
    squares = (batch.ab.double().unsqueeze(1) - means).square().sum(2)
    density = (share * torch.exp(-squares / (2 * scales**2)) / (2 * torch.pi * scales**2)).sum(1)
    assert float(MixtureNLL()(prediction, batch)) == pytest.approx(float(-density.log().mean()), rel=1e-5)


def test_nearest_charges_one_component(batch: Batch, prediction: dict[str, Tensor]) -> None:
    log_share = prediction["mixture_logits"].double().log_softmax(1)
    means, scales = prediction["mixture_means"].double(), prediction["mixture_scales"].double()
    exponents = (batch.ab.double().unsqueeze(1) - means).square().sum(2) / (2 * scales**2)
    least, which = exponents.min(1)
    expected = (least - log_share.gather(1, which.unsqueeze(1)).squeeze(1)).mean()
    assert float(MixtureNLL(components="nearest")(prediction, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_a_smaller_prediction_meets_a_smaller_truth(batch: Batch, prediction: dict[str, Tensor]) -> None:
    half = {key: value[..., ::2, ::2] for key, value in prediction.items()}
    assert torch.isfinite(MixtureNLL()(half, batch))


def test_a_mixture_over_codes_is_not_one_over_colours(batch: Batch) -> None:
    codes = {"ab": batch.ab, "mixture_logits": torch.zeros(3, 8), "mixture_means": torch.zeros(3, 8, 64)}
    with pytest.raises(BadInput, match="mixture of colours"):
        MixtureNLL()(codes, batch)
