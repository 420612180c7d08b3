"""The floor for hints: better than grey, a constant and the nearest hint; exact where it must be."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from zoo.parts.classical.levin2004 import Levin2004


def test_two_percent_of_hints_beat_grey_the_mean_colour_and_the_nearest_hint(hinted: Callable) -> None:
    photos = hinted(2, 0.02)
    ab, mask = photos.ab.numpy(), photos.condition[:, 3].numpy() > 0
    nearest = np.empty_like(ab)
    for number, known in enumerate(mask):
        rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
        nearest[number] = ab[number][:, rows, columns]
    found = photos.psnr(Levin2004()(photos.condition))
    assert found > photos.psnr(torch.zeros_like(photos.ab)) + 3
    assert found > photos.psnr(photos.ab.mean((0, 2, 3), keepdim=True).expand_as(photos.ab)) + 3
    assert found > photos.psnr(torch.from_numpy(nearest)) + 1


def test_hints_are_kept_to_the_bit_and_grey_stays_grey_without_any(hinted: Callable) -> None:
    condition = hinted(4, 0.02).condition.clone()
    condition[0, 1:] = 0
    found = Levin2004()(condition)
    mask = condition[:, 3:] > 0
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])
    assert not found[0].any()


def test_a_photo_of_one_colour_is_reproduced(hinted: Callable) -> None:
    condition = hinted(4, 0.01).condition.clone()
    condition[:, 1:3] = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1) * condition[:, 3:]
    found = Levin2004()(condition)
    torch.testing.assert_close(found, torch.tensor([0.3, -0.2]).view(1, 2, 1, 1).expand_as(found), atol=1e-6, rtol=0)


def test_each_photo_of_a_batch_is_solved_alone(hinted: Callable) -> None:
    condition = hinted(8, 0.05).condition
    together = Levin2004()(condition)
    alone = torch.cat([Levin2004()(photo[None]) for photo in condition])
    assert torch.equal(together, alone)
