"""The faulty mix, against the fault itself: 15 stacked filters and a grouped convolution."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.contracts import Batch
from zoo.parts.losses.mix_legacy import SIGMAS_OF_CHANNEL, MixLegacy

SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)


def window(sigma: float) -> Tensor:
    offset = torch.arange(-16, 17, dtype=torch.float64)
    line = torch.exp(-(offset**2) / (2 * sigma**2))
    line = line / line.sum()
    return line[:, None] * line[None, :]


def stacked_windows() -> Tensor:
    """(15, 1, 33, 33): three of each σ, scale by scale."""
    return torch.stack([window(sigma) for sigma in SIGMAS for _ in range(3)])[:, None]


def filtered(x: Tensor) -> Tensor:
    return F.conv2d(x, stacked_windows(), groups=3, padding=16)


def test_an_impulse_shows_which_channel_gets_which_sigma() -> None:
    impulse = torch.zeros(1, 3, 33, 33, dtype=torch.float64)
    impulse[:, :, 16, 16] = 1
    offset = torch.arange(-16, 17, dtype=torch.float64)
    profile = filtered(impulse)[0].sum(dim=1)
    measured = [(line * offset**2).sum().item() ** 0.5 for line in profile]
    for channel, multiplicity in enumerate(SIGMAS_OF_CHANNEL):
        expected = [sigma for sigma, times in multiplicity.items() for _ in range(times)]
        assert measured[5 * channel : 5 * channel + 5] == pytest.approx(expected, rel=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("predicts_lightness", [False, True])
def test_value_and_gradient_are_those_of_the_grouped_convolution(predicts_lightness, batch: Batch, nearly) -> None:
    prediction = dict(nearly)
    if predicts_lightness:
        prediction["lightness"] = (0.9 * batch.lightness).requires_grad_()
    MixLegacy()(prediction, batch).backward()

    ab = nearly["ab"].detach().double().requires_grad_()
    lightness = prediction.get("lightness", batch.lightness).detach().double()
    x = torch.cat(((lightness + 1) / 2, (ab * 110 + 128) / 255), dim=1)
    y = torch.cat(((batch.lightness.double() + 1) / 2, (batch.ab.double() * 110 + 128) / 255), dim=1)
    mx, my = filtered(x), filtered(y)
    covariance = filtered(x * y) - mx * my
    variances = filtered(x * x) - mx**2 + filtered(y * y) - my**2
    luminance = (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
    structure = ((2 * covariance + 0.03**2) / (variances + 0.03**2)).prod(dim=1)
    ms_ssim = 1 - luminance[:, -3:].prod(dim=1) * structure
    l1 = F.conv2d((x - y).abs(), stacked_windows()[-3:], groups=3, padding=16).mean(dim=1)
    expected = 200 * (0.025 * ms_ssim + 0.975 * l1).mean()
    expected.backward()

    assert MixLegacy()(prediction, batch).item() == pytest.approx(expected.item(), rel=1e-4)
    torch.testing.assert_close(nearly["ab"].grad.double(), ab.grad, rtol=1e-2, atol=1e-6)


def test_truth_scores_zero(batch: Batch) -> None:
    assert MixLegacy()({"ab": batch.ab}, batch).item() == pytest.approx(0, abs=1e-3)
