"""The SSIM family against scikit-image and scipy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from zoo.core.contracts import Batch
from zoo.parts.losses.gaussian_window import blur
from zoo.parts.losses.l1_ms_ssim import L1MSSSIM
from zoo.parts.losses.ms_ssim import MSSSIM, ms_ssim_map
from zoo.parts.losses.ssim import SSIM
from zoo.parts.losses.structural_similarity import similarity_factors, unit_lab

C1, C2 = 0.01**2, 0.03**2


def as_float64(nearly, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Lab / 255 images, from the definition of 8-bit Lab."""
    x = (nearly["ab"].detach().double().numpy() * 110 + 128) / 255
    y = (batch.ab.double().numpy() * 110 + 128) / 255
    return x, y


def normalised_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian weights over what is there, nothing else: scipy's, borders renormalised."""
    options = {"sigma": sigma, "mode": "constant", "radius": max(image.shape)}
    return gaussian_filter(image, **options) / gaussian_filter(np.ones_like(image), **options)


def zhao_ms_ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """arXiv:1511.08861, one channel (H, W), float64."""
    product = np.ones_like(x)
    for sigma in (0.5, 1, 2, 4, 8):
        mx, my = normalised_blur(x, sigma), normalised_blur(y, sigma)
        vx, vy = normalised_blur(x * x, sigma) - mx**2, normalised_blur(y * y, sigma) - my**2
        product *= (2 * (normalised_blur(x * y, sigma) - mx * my) + C2) / (vx + vy + C2)
    return product * (2 * mx * my + C1) / (mx**2 + my**2 + C1)


def test_the_scale_is_that_of_8_bit_lab(batch: Batch) -> None:
    x, y = unit_lab({"ab": torch.zeros_like(batch.ab), "lightness": batch.lightness}, batch)
    assert torch.allclose(x[:, 1:], torch.tensor(128 / 255))
    assert torch.equal(x[:, 0], y[:, 0])
    assert y[:, 0].amin() >= 0
    assert y[:, 0].amax() <= 1


@pytest.mark.parametrize("sigma", [0.5, 1.5, 8.0])
def test_blur_is_a_renormalised_gaussian(batch: Batch, sigma: float) -> None:
    (blurred,) = blur(batch.ab, (sigma,))
    expected = normalised_blur(batch.ab[0, 1].double().numpy(), sigma)
    np.testing.assert_allclose(blurred[0, 1].numpy(), expected, atol=1e-6)


def test_blur_with_zero_padding_is_a_convolution(batch: Batch) -> None:
    (blurred,) = blur(batch.ab, (4.0,), radius=16, zero_padded=True)
    expected = gaussian_filter(batch.ab[0, 1].double().numpy(), 4.0, mode="constant", radius=16)
    np.testing.assert_allclose(blurred[0, 1].numpy(), expected, atol=1e-6)


def test_ssim_is_scikit_images(batch: Batch, nearly) -> None:
    x, y = as_float64(nearly, batch)
    luminance, (structure,) = similarity_factors(*unit_lab(nearly, batch), (1.5,), radius=5)
    ours = (luminance * structure).detach().numpy()
    for i in range(len(x)):
        for c in range(2):
            mean, full = structural_similarity(
                x[i, c], y[i, c], data_range=1, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False, full=True,
            )  # fmt: skip
            np.testing.assert_allclose(ours[i, c, 5:-5, 5:-5], full[5:-5, 5:-5], atol=2e-5)
            assert ours[i, c, 5:-5, 5:-5].mean() == pytest.approx(mean, abs=1e-5)
    assert SSIM()(nearly, batch).item() == pytest.approx(1 - ours.mean(), abs=1e-6)


def test_ms_ssim_is_zhaos_formula_everywhere(batch: Batch, nearly) -> None:
    x, y = as_float64(nearly, batch)
    expected = np.array([[zhao_ms_ssim(x[i, c], y[i, c]) for c in range(2)] for i in range(len(x))])
    ours = ms_ssim_map(*unit_lab(nearly, batch)).detach().numpy()
    np.testing.assert_allclose(ours, expected, atol=2e-4)
    assert MSSSIM()(nearly, batch).item() == pytest.approx(1 - expected.mean(), abs=2e-6)


def test_l1_ms_ssim_mixes_both(batch: Batch, nearly) -> None:
    x, y = as_float64(nearly, batch)
    l1 = np.mean([normalised_blur(np.abs(x[i, c] - y[i, c]), 8.0) for i in range(len(x)) for c in range(2)])
    ms_ssim = 1 - np.mean([zhao_ms_ssim(x[i, c], y[i, c]) for i in range(len(x)) for c in range(2)])
    for alpha in (0.84, 0.025):
        expected = alpha * ms_ssim + (1 - alpha) * l1
        assert L1MSSSIM(alpha)(nearly, batch).item() == pytest.approx(expected, abs=2e-6)


def test_gradient_of_ms_ssim_is_that_of_its_value() -> None:
    """Central differences in float64 of the independent formula."""
    rng = np.random.default_rng(0)
    ab = rng.uniform(-0.3, 0.3, (1, 2, 9, 7))
    target = torch.from_numpy(ab + rng.normal(0, 0.05, ab.shape)).float()
    plane = torch.zeros(1, 1, 9, 7)
    batch = Batch(plane, target, target, plane)
    prediction = torch.from_numpy(ab).float().requires_grad_()
    MSSSIM()({"ab": prediction}, batch).backward()

    def loss(chroma: np.ndarray) -> float:
        x, y = (chroma * 110 + 128) / 255, (target.double().numpy() * 110 + 128) / 255
        return 1 - np.mean([zhao_ms_ssim(x[0, c], y[0, c]) for c in range(2)])

    step = np.zeros_like(ab)
    for where in [(0, 0, 0, 0), (0, 1, 4, 3), (0, 0, 8, 2)]:
        step[:] = 0
        step[where] = 1e-5
        numeric = (loss(ab + step) - loss(ab - step)) / 2e-5
        assert prediction.grad[where].item() == pytest.approx(numeric, rel=1e-3, abs=1e-6)
