"""Losses a hand can compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.losses.gradient import Gradient
from zoo.parts.losses.huber import Huber
from zoo.parts.losses.l1 import L1
from zoo.parts.losses.l2 import L2
from zoo.parts.losses.log_l2 import LogL2
from zoo.parts.losses.scale_invariant import ScaleInvariant
from zoo.parts.losses.tv import TV


def against_zero(ab: torch.Tensor) -> Batch:
    plane = torch.zeros_like(ab[:, :1])
    return Batch(plane, torch.zeros_like(ab), torch.zeros_like(ab), plane)


def difference(nearly, batch: Batch) -> np.ndarray:
    return (nearly["ab"].detach() - batch.ab).double().numpy()


def test_l1_and_l2_are_means(batch: Batch, nearly) -> None:
    d = difference(nearly, batch)
    assert L1()(nearly, batch).item() == pytest.approx(np.abs(d).mean(), rel=1e-5)
    assert L2()(nearly, batch).item() == pytest.approx((d**2).mean(), rel=1e-5)


def test_log_l2_falls_by_a_decibel_where_psnr_rises_by_one(batch: Batch, nearly) -> None:
    """Against scikit-image's PSNR of each photo; data of range 1."""
    ab, truth = nearly["ab"].detach(), batch.ab
    decibels = [peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1) for a, b in zip(ab, truth, strict=True)]
    assert LogL2(epsilon=1e-12)(nearly, batch).item() == pytest.approx(-np.mean(decibels), rel=1e-4)


def test_every_photo_pulls_alike_in_log_l2() -> None:
    ab = (torch.ones(2, 2, 4, 4) * torch.tensor([0.1, 0.5]).view(2, 1, 1, 1)).requires_grad_()
    LogL2()({"ab": ab}, against_zero(ab)).backward()
    assert ab.grad is not None
    torch.testing.assert_close((ab.grad * ab)[0], (ab.grad * ab)[1], rtol=2e-3, atol=0)
    with pytest.raises(BadInput, match="epsilon is 0"):
        LogL2(epsilon=0)


def test_huber_is_quadratic_within_delta_and_linear_beyond() -> None:
    ab = torch.tensor([0.004, 0.5]).view(1, 2, 1, 1)
    by_hand = (0.5 * 0.004**2 + 0.01 * (0.5 - 0.005)) / 2
    assert Huber(delta=0.01)({"ab": ab}, against_zero(ab)).item() == pytest.approx(by_hand, rel=1e-5)


def test_tv_counts_the_height_of_steps_not_their_number() -> None:
    ab = torch.zeros(1, 2, 8, 10)
    ab[:, :, :, 4:] = 0.3
    ramp = torch.linspace(0, 0.3, 10).expand(1, 2, 8, 10)
    for shape in (ab, ramp):
        assert TV()({"ab": shape}, against_zero(shape)).item() == pytest.approx(0.3 / 10, rel=1e-5)


def test_gradient_does_not_see_a_constant_offset(batch: Batch, nearly) -> None:
    shifted = {"ab": nearly["ab"] + 0.1}
    torch.testing.assert_close(Gradient()(shifted, batch), Gradient()(nearly, batch), rtol=1e-4, atol=1e-7)
    d = difference(nearly, batch)
    pixels = d.size
    by_hand = (np.abs(np.diff(d, axis=3)).sum() + np.abs(np.diff(d, axis=2)).sum()) / pixels
    assert Gradient()(nearly, batch).item() == pytest.approx(by_hand, rel=1e-5)


def test_scale_invariant_is_eigens_equation(batch: Batch, nearly) -> None:
    d = difference(nearly, batch)
    n = d.shape[2] * d.shape[3]
    per_channel = [
        (x**2).sum() / n
        - x.sum() ** 2 / (2 * n**2)
        + ((np.diff(x, axis=0) ** 2).sum() + (np.diff(x, axis=1) ** 2).sum()) / n
        for x in d.reshape(-1, *d.shape[2:])
    ]
    assert ScaleInvariant()(nearly, batch).item() == pytest.approx(np.mean(per_channel), rel=1e-5)


def test_a_cast_over_the_photo_costs_half() -> None:
    cast = torch.full((1, 2, 6, 6), 0.2)
    batch = against_zero(cast)
    half, nothing = ScaleInvariant(), ScaleInvariant(invariance=1.0)
    assert half({"ab": cast}, batch).item() == pytest.approx(0.2**2 / 2, rel=1e-5)
    assert nothing({"ab": cast}, batch).item() == pytest.approx(0, abs=1e-7)
