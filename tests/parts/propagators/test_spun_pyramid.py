"""The pyramid on several grids against Levin's and Huang's solvers on real photos, and against dense solves."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.classical.huang2005 import Huang2005
from zoo.parts.classical.levin2004 import Levin2004
from zoo.parts.layers.affinity import affinity
from zoo.parts.layers.propagation import weight_matrix
from zoo.parts.propagators.pyramid import PyramidPropagator
from zoo.parts.propagators.spun_pyramid import SpunPyramidPropagator, on_two_grids


def spread(condition: torch.Tensor, **options: float) -> torch.Tensor:
    return SpunPyramidPropagator(**options)(condition)[0]


def test_hints_reach_further_than_by_levin_huang_and_on_one_grid(hinted: Callable) -> None:
    photos = hinted(8, 0.02)
    found = photos.psnr(spread(photos.condition))
    assert found > photos.psnr(PyramidPropagator()(photos.condition)[0])
    assert found > photos.psnr(Levin2004()(photos.condition))
    assert found > photos.psnr(Huang2005()(photos.condition))


def test_a_photo_that_is_cut_a_pixel_further_changes_less_than_on_one_grid(hinted: Callable) -> None:
    """What spinning is for: the same pixels with the same hints, in other cells."""
    condition = hinted(8, 0.02).condition

    def change(propagator: PyramidPropagator) -> float:
        return float((propagator(condition[..., 1:, 1:])[0] - propagator(condition)[0][..., 1:, 1:]).abs().mean())

    assert change(SpunPyramidPropagator()) < 0.75 * change(PyramidPropagator())


def test_coarse_levels_settle_where_a_dense_solver_does(hinted: Callable) -> None:
    """Against (1 + λ) U − W U = λ U_above in float64, of all grids of a level."""
    photo = hinted(8, 0.02).condition[:1].double()
    pyramid = SpunPyramidPropagator()
    levels = pyramid.levels(photo)
    assert [len(level.colour) for level in levels[:4]] == [1, 2, 4, 4]
    for level in levels[3:-1]:
        above = torch.rand(level.colour.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        screening = pyramid.screening_at(level.number)
        weights = affinity(level.lightness, share=pyramid.share_at(level.number)).numpy()
        found = pyramid.spread(above, level)
        for grid in range(len(found)):
            known = level.known[grid].flatten().numpy()
            system = (1 + screening) * np.eye(len(known)) - weight_matrix(weights[grid]).toarray()
            right = screening * above[grid].flatten(1).numpy()
            system[known], right[:, known] = np.eye(len(known))[known], level.colour[grid].flatten(1).numpy()[:, known]
            expected = torch.from_numpy(np.linalg.solve(system, right.T).T).view_as(found[grid])
            torch.testing.assert_close(found[grid], expected, atol=2e-2, rtol=0)


def test_no_sweeps_run_away(hinted: Callable) -> None:
    """A solution is a mean of what is known and what came from above, and so within their range."""
    condition = hinted(8, 0.01).condition
    pyramid = SpunPyramidPropagator()
    for level in pyramid.levels(condition)[:-1]:
        above = torch.zeros_like(level.colour)
        found = pyramid.spread(above, level)
        assert found.abs().amax() <= level.colour.abs().amax() * 1.02


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (1, 9), (3, 2), (33, 20), (40, 64)])
@pytest.mark.parametrize("splits", [0, 1, 2, 4])
def test_a_photo_of_one_colour_is_reproduced_at_any_size(size: tuple[int, int], splits: int) -> None:
    condition = torch.rand(2, 4, *size, generator=torch.Generator().manual_seed(0))
    colour = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1)
    condition[:, 3:] = 0
    condition[:, 3:, -1, 0] = 1
    condition[:, 1:3] = colour * condition[:, 3:]
    found = spread(condition, splits=splits)
    torch.testing.assert_close(found, colour.expand_as(found), atol=1e-4, rtol=0)


def test_on_two_grids_lies_the_same_image_a_pixel_apart() -> None:
    for height, width in ((4, 5), (1, 2), (7, 6)):
        image = torch.rand(3, 2, height, width)
        first, second = on_two_grids(image, mode="replicate").chunk(2)
        assert torch.equal(first[..., :height, :width], image)
        assert torch.equal(second[..., 1 : 1 + height, 1 : 1 + width], image)
        assert not any(side % 2 for side in first.shape[-2:])
        sums = on_two_grids(image, mode="constant")
        torch.testing.assert_close(sums.sum(), 2 * image.sum())


def test_options_that_spread_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="sweeps=1"):
        SpunPyramidPropagator(sweeps=1)
    for splits in (-1, 5):
        with pytest.raises(BadInput, match=f"splits={splits}"):
            SpunPyramidPropagator(splits=splits)
