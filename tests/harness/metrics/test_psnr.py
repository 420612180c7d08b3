from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from zoo.harness.metrics.psnr import PSNR


def tensor(image):
    return torch.tensor(image).permute(2, 0, 1)[None]


def test_equals_scikit_image_on_real_photos(photos):
    for photo, other in pairwise(photos):
        expected = peak_signal_noise_ratio(photo, other, data_range=255)
        assert PSNR().per_image(tensor(other), tensor(photo)).item() == pytest.approx(expected, abs=1e-4)


def test_identical_images_score_100_and_nothing_scores_more(photos):
    photo = photos[0]
    nearly = photo.copy()
    nearly[0, 0, 0] ^= 1  # one step in one channel of one pixel: 101 dB
    scores = PSNR().per_image(torch.cat((tensor(photo), tensor(nearly))), tensor(photo).expand(2, -1, -1, -1))
    assert scores.tolist() == [100.0, 100.0]


def test_scores_every_image_of_a_batch_on_its_own(photos):
    batch = torch.cat([tensor(photo) for photo in photos])
    grey = batch.float().mean(dim=1, keepdim=True).round().to(torch.uint8).expand_as(batch)
    together = PSNR().per_image(grey, batch)
    alone = torch.cat([PSNR().per_image(grey[i : i + 1], batch[i : i + 1]) for i in range(len(batch))])
    assert together.shape == (len(photos),)
    assert torch.equal(together, alone)


def test_the_worst_image_scores_zero():
    black = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    assert PSNR().per_image(black, black + 255).item() == 0
    assert np.isfinite(PSNR().per_image(black, black).item())
