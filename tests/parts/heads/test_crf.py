"""The convolutional CRF against the mean field written out pixel by pixel, and on real photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.heads.crf import CRFHead, MeanField
from zoo.parts.layers.ab_bins import annealed_mean, gamut_bins


def naive(unary: np.ndarray, lightness: np.ndarray, window: int, sweeps: int, weights, scales) -> np.ndarray:
    """Algorithm 1 of arXiv:1210.5644 by loops in float64, with the Potts model as it stands there."""
    labels, height, width = unary.shape
    (w1, w2), (alpha, beta, gamma) = weights, scales
    pixels = [(i, j) for i in range(height) for j in range(width)]
    q = np.exp(unary) / np.exp(unary).sum(0)
    for _ in range(sweeps):
        new = np.zeros_like(q)
        for i, j in pixels:
            message = np.zeros(labels)
            for k, m in pixels:
                if (k, m) == (i, j) or max(abs(k - i), abs(m - j)) > window // 2:
                    continue
                away, unlike = (k - i) ** 2 + (m - j) ** 2, (lightness[k, m] - lightness[i, j]) ** 2
                kernel = w1 * np.exp(-away / (2 * alpha**2) - unlike / (2 * beta**2))
                message += (kernel + w2 * np.exp(-away / (2 * gamma**2))) * q[:, k, m]
            penalty = np.array([message.sum() - message[label] for label in range(labels)])
            new[:, i, j] = np.exp(unary[:, i, j] - penalty)
        q = new / new.sum(0)
    return q


@pytest.mark.parametrize("window", [3, 9])  # 9 reaches from everywhere to everywhere: the fully connected CRF
def test_the_distribution_is_that_of_the_mean_field_pixel_by_pixel(window):
    generator = torch.Generator().manual_seed(0)
    unary = torch.randn(2, 4, 5, 4, generator=generator, dtype=torch.float64)
    lightness = 50 + 8 * torch.randn(2, 1, 5, 4, generator=generator, dtype=torch.float64)
    field = MeanField(window=window, sweeps=3).double()
    weights, scales = (0.7, 0.4), (2.5, 6.0, 1.3)
    with torch.no_grad():
        field.weights.copy_(torch.tensor(weights).double().log())
        field.scales.copy_(torch.tensor(scales).double().log())
        found = field(unary, lightness).softmax(1)
    for k in range(2):
        expected = naive(unary[k].numpy(), lightness[k, 0].numpy(), window, 3, weights, scales)
        np.testing.assert_allclose(found[k].numpy(), expected, atol=1e-6)


def test_everything_has_the_gradient_of_what_it_computes():
    generator = torch.Generator().manual_seed(1)
    field = MeanField(window=3, sweeps=2).double()
    unary = torch.randn(1, 2, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    lightness = (5 * torch.randn(1, 1, 3, 3, generator=generator, dtype=torch.float64)).requires_grad_()

    def refined(unary, lightness, weights, scales):
        return torch.func.functional_call(field, {"weights": weights, "scales": scales}, (unary, lightness))

    assert torch.autograd.gradcheck(refined, (unary, lightness, field.weights, field.scales))


def test_noisy_colours_of_real_photos_come_nearer_to_the_truth(photos):
    rgb = torch.from_numpy(np.stack([photo[::6, ::6] for photo in photos[:4]])).permute(0, 3, 1, 2)
    lightness, ab = split_lab(rgb)
    bins = gamut_bins(100).float()
    distance = (110 * ab[:, None] - bins[None, :, :, None, None]).square().sum(2)
    noise = torch.randn(distance.shape, generator=torch.Generator().manual_seed(2))
    unary = -distance / (2 * 12**2) + 2 * noise
    field = MeanField(window=7, sweeps=5)

    def error(logits):
        return (annealed_mean(logits, bins) / 110 - ab).square().mean((1, 2, 3)).sqrt()

    with torch.no_grad():
        refined = error(field(unary, 50 * (lightness + 1)))
    assert (refined < error(unary)).all()
    assert refined.mean() < 0.9 * error(unary).mean()


def test_colour_spreads_where_lightness_is_alike_and_not_over_its_edges():
    lightness = torch.full((1, 1, 8, 8), 30.0)
    lightness[..., 4:] = 80
    unary = torch.zeros(1, 2, 8, 8)
    unary[:, 0, 4, 2] = 6  # one pixel on the left says the first colour
    field = MeanField(window=7, sweeps=4)
    with torch.no_grad():
        field.weights[1] = -40  # appearance alone
        found = field(unary, lightness).softmax(1)[0, 0]
    assert (found[2:7, 1:4] > 0.6).all()
    assert (found[:, 4:] - 0.5).abs().max() < 1e-4


def test_the_head_refines_at_the_logits_size_whatever_the_photos_is():
    head = CRFHead(8, bins=20, window=3, sweeps=1).eval()
    features = torch.randn(1, 8, 13, 18, generator=torch.Generator().manual_seed(3))
    condition = torch.rand(1, 4, 13, 18, generator=torch.Generator().manual_seed(4)) * 2 - 1
    with torch.no_grad():
        unary = head(features)
        prediction = head.refine(unary, condition)
    assert prediction["ab"].shape == (1, 2, 4, 5)
    assert not torch.equal(prediction["logits"], unary["logits"])
    assert torch.equal(prediction["bins"], unary["bins"])


@pytest.mark.parametrize("options", [{"window": 4}, {"window": 1}, {"sweeps": 0}])
def test_a_window_without_a_middle_is_refused(options):
    with pytest.raises(BadInput, match="give an odd window"):
        CRFHead(8, **options)
