"""What every loss promises, whatever it measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from zoo.core.contracts import Batch, Loss
from zoo.core.errors import BadInput
from zoo.core.registry import current
from zoo.parts.layers.ab_bins import gamut_bins
from zoo.parts.losses.classification import Classification
from zoo.parts.losses.gradient import Gradient
from zoo.parts.losses.huber import Huber
from zoo.parts.losses.l1 import L1
from zoo.parts.losses.l1_ms_ssim import L1MSSSIM
from zoo.parts.losses.l2 import L2
from zoo.parts.losses.mix_legacy import MixLegacy
from zoo.parts.losses.ms_ssim import MSSSIM
from zoo.parts.losses.perceptual import Perceptual
from zoo.parts.losses.rebalanced_ce import RebalancedCE
from zoo.parts.losses.scale_invariant import ScaleInvariant
from zoo.parts.losses.ssim import SSIM
from zoo.parts.losses.style import Style
from zoo.parts.losses.tv import TV

built = cache(lambda make: make())
"""No loss has a state, so each is built once."""

COMPARING = [L1, L2, Huber, SSIM, MSSSIM, L1MSSSIM, Gradient, ScaleInvariant, Perceptual, Style]


ELSEWHERE = {
    "auxiliary": "test_auxiliary.py",
    "class_distribution": "test_class_distribution.py",
    "log_l2": "test_pointwise.py",
    "lpips": "test_on_features.py",
    "mixture_nll": "test_mixture_nll.py",
}
"""Losses that need a prediction of their own, or weights, or are not zero at the truth, and where they are tested."""


def test_every_registered_loss_is_looked_at() -> None:
    here = {*COMPARING, MixLegacy, TV, Classification, RebalancedCE}
    others = {name for name in current().names("losses") if current().load("losses", name) not in here}
    assert others == set(ELSEWHERE)
    for name, file in ELSEWHERE.items():
        assert current().load("losses", name).__name__ in Path(__file__).with_name(file).read_text(encoding="utf-8")


@pytest.mark.parametrize("make", [*COMPARING, MixLegacy, TV])
def test_is_a_finite_scalar_with_a_finite_gradient(make: Callable[[], Loss], batch: Batch, nearly) -> None:
    value = built(make)(nearly, batch)
    value.backward()
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert nearly["ab"].grad.isfinite().all()
    assert nearly["ab"].grad.abs().sum() > 0


@pytest.mark.parametrize("make", COMPARING)
def test_truth_scores_zero_with_a_finite_gradient(make: Callable[[], Loss], batch: Batch) -> None:
    truth = batch.ab.clone().requires_grad_()
    value = built(make)({"ab": truth}, batch)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-5)
    assert truth.grad.isfinite().all()


@pytest.mark.parametrize("make", COMPARING)
def test_a_step_against_the_gradient_helps(make: Callable[[], Loss], batch: Batch, nearly) -> None:
    loss = built(make)
    value = loss(nearly, batch)
    value.backward()
    gradient = nearly["ab"].grad
    step = 0.01 * value / gradient.square().sum()
    assert loss({"ab": nearly["ab"].detach() - step * gradient}, batch) < value


@pytest.mark.parametrize("make", [*COMPARING, MixLegacy, TV])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_predictions_are_compared_in_float32(make, dtype, batch: Batch, nearly) -> None:
    half = nearly["ab"].detach().to(dtype)
    expected = built(make)({"ab": half.float()}, batch)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(built(make)({"ab": half}, batch), expected)


@pytest.mark.parametrize("make", [*COMPARING, MixLegacy, TV])
def test_the_batch_is_averaged(make: Callable[[], Loss], batch: Batch, nearly) -> None:
    loss = built(make)
    one = [
        loss(
            {"ab": nearly["ab"][i : i + 1]},
            Batch(batch.lightness[i : i + 1], batch.ab[i : i + 1], batch.hint_ab[:1], batch.hint_mask[:1]),
        )
        for i in range(3)
    ]
    torch.testing.assert_close(torch.stack(one).mean(), loss(nearly, batch), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [L1, L2, Huber, SSIM, MSSSIM, L1MSSSIM, MixLegacy, Gradient, ScaleInvariant, TV])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3)])
def test_tiny_photos_are_no_exception(make: Callable[[], Loss], size: tuple[int, int]) -> None:
    ab = torch.full((1, 2, *size), 0.2, requires_grad=True)
    plane = torch.zeros(1, 1, *size)
    value = built(make)({"ab": ab}, Batch(plane, torch.zeros(1, 2, *size), torch.zeros(1, 2, *size), plane))
    value.backward()
    assert value.isfinite()
    assert ab.grad.isfinite().all()


@pytest.mark.parametrize("make", [SSIM, MSSSIM, L1MSSSIM, MixLegacy, Perceptual])
def test_scoring_first_does_not_spoil_training(make: Callable[[], Loss]) -> None:
    """What a loss keeps between calls must not have become an inference tensor."""
    side = 37  # of no other test, so that nothing is kept yet
    plane, ab = torch.zeros(1, 1, side, side), torch.full((1, 2, side, side), 0.1)
    batch = Batch(plane, ab, ab, plane)
    loss = built(make)
    with torch.inference_mode():
        loss({"ab": ab}, batch)
    prediction = torch.zeros_like(ab, requires_grad=True)
    loss({"ab": prediction}, batch).backward()
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("make", [SSIM, MSSSIM, L1MSSSIM])
def test_structure_counts_lightness_only_where_it_is_predicted(make, batch: Batch, nearly) -> None:
    loss = built(make)
    alone = loss(nearly, batch)
    wrong = loss(nearly | {"lightness": batch.lightness.flip(3)}, batch)
    right = loss(nearly | {"lightness": batch.lightness}, batch)
    assert wrong > alone > right


@pytest.mark.parametrize(
    "make",
    [
        lambda: Huber(delta=0),
        lambda: L1MSSSIM(alpha=1.5),
        lambda: MixLegacy(alpha=-1),
        lambda: RebalancedCE(k=0),
        lambda: Perceptual(trunk="vgg61"),
        lambda: Perceptual(levels=(2, 1)),
        lambda: Perceptual(levels=(5,)),
        lambda: Style(levels=(0, 1), weights=(1.0,)),
        lambda: Perceptual(trunk_file="nowhere.pth"),
    ],
)
def test_an_impossible_option_is_refused(make: Callable[[], Loss]) -> None:
    with pytest.raises(BadInput):
        make()


@pytest.mark.parametrize("loss", [Classification(), RebalancedCE()])
def test_a_missing_head_is_named(loss: Loss, batch: Batch, nearly) -> None:
    with pytest.raises(BadInput, match="logits"):
        loss(nearly, batch)


@pytest.mark.parametrize("make", [Classification, RebalancedCE])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_class_losses_reach_every_logit(make: Callable[[], Loss], dtype, batch: Batch) -> None:
    generator = torch.Generator().manual_seed(0)
    colours = torch.randn(3, 313, 16, 12, generator=generator, dtype=dtype).requires_grad_()
    labels = torch.randn(3, 7, generator=generator, dtype=dtype).requires_grad_()
    prediction = {"ab": batch.ab, "logits": colours, "bins": gamut_bins(), "label_logits": labels}
    value = built(make)(prediction, replace(batch, extras={"label": torch.tensor([0, 3, 6])}))
    value.backward()
    gradient = labels.grad if make is Classification else colours.grad
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert gradient.isfinite().all()
    assert (gradient.float().abs().flatten(1).sum(1) > 0).all()
