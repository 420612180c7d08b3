"""The pyramids against dense solvers of their equations; on one grid, against Levin's and Huang's on real photos."""

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
from zoo.parts.propagators.spun_pyramid import SpunPyramidPropagator

either = pytest.mark.parametrize("pyramid", [PyramidPropagator, SpunPyramidPropagator])


def spread(condition: torch.Tensor, **options: float) -> torch.Tensor:
    return PyramidPropagator(**options)(condition)[0]


@pytest.mark.slow
def test_hints_at_random_pixels_reach_further_than_by_levin_and_huang(hinted: Callable) -> None:
    photos = hinted(1, 0.005)
    found = photos.psnr(spread(photos.condition))
    assert found > photos.psnr(Levin2004()(photos.condition))
    assert found > photos.psnr(Huang2005()(photos.condition))


def test_a_level_solves_levins_equations_screened_towards_the_level_above(hinted: Callable) -> None:
    """Against a dense solve in float64 of (1 + λ) U − W U = λ U_above on the free pixels."""
    photo = hinted(8, 0.05).condition[:1].double()
    pyramid = PyramidPropagator(sweeps=400, screening=0.02)
    level = pyramid.levels(photo)[0]
    above = torch.rand(1, 2, *photo.shape[-2:], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = affinity(level.lightness, share=pyramid.share)[0].numpy()
    known = level.known.flatten().numpy()
    system = 1.02 * np.eye(len(known)) - weight_matrix(weights).toarray()
    right = 0.02 * above[0].flatten(1).numpy()
    system[known], right[:, known] = np.eye(len(known))[known], level.colour[0].flatten(1).numpy()[:, known]
    solution = np.linalg.solve(system, right.T).T.reshape(above[0].shape)
    torch.testing.assert_close(pyramid.spread(above, level)[0], torch.from_numpy(solution), atol=1e-6, rtol=0)


@pytest.mark.slow
def test_many_sweeps_settle_where_few_left_off(hinted: Callable) -> None:
    """Levin's weights are not symmetric: Chebyshev's sweeps for their whole radius ran away after some fifty."""
    photos = hinted(4, 0.02).condition
    usual, many, more = (spread(photos, sweeps=sweeps) for sweeps in (24, 300, 400))
    torch.testing.assert_close(many, more, atol=1e-4, rtol=0)
    assert float((usual - more).abs().mean()) < 2e-3


@either
def test_hints_are_kept_to_the_bit_and_grey_stays_grey_without_any(
    hinted: Callable, pyramid: type[PyramidPropagator]
) -> None:
    condition = hinted(4, 0.02).condition.clone()
    condition[0, 1:] = 0
    found, confidence = pyramid()(condition)
    mask = condition[:, 3:] > 0
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])
    assert not found[0].any()
    assert not confidence[0].any()
    alone = pyramid()(condition[:1])  # with nothing to spread, nothing is computed
    assert all(torch.equal(ours, its[:1]) for ours, its in zip(alone, (found, confidence), strict=True))


def test_confidence_is_one_at_hints_and_falls_with_the_distance_to_them() -> None:
    condition = torch.zeros(1, 4, 64, 64)
    condition[0, 1:, 0, 0] = torch.tensor([0.5, 0.2, 1.0])
    confidence = PyramidPropagator()(condition)[1][0, 0]
    assert confidence[0, 0] == 1
    along = [float(confidence[i, i]) for i in (0, 1, 3, 7, 15, 31, 63)]
    assert along == sorted(along, reverse=True)
    assert along[-1] == 2**-6


def test_a_photo_of_one_colour_is_reproduced(hinted: Callable) -> None:
    condition = hinted(4, 0.01).condition.clone()
    condition[:, 1:3] = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1) * condition[:, 3:]
    found = spread(condition)
    torch.testing.assert_close(found, torch.tensor([0.3, -0.2]).view(1, 2, 1, 1).expand_as(found), atol=1e-5, rtol=0)


@either
def test_each_photo_of_a_batch_is_spread_alone(hinted: Callable, pyramid: type[PyramidPropagator]) -> None:
    condition = hinted(8, 0.05).condition
    together = pyramid()(condition)[0]
    alone = torch.cat([pyramid()(photo[None])[0] for photo in condition])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


@pytest.mark.slow
@either
def test_the_gradient_is_that_of_finite_differences(pyramid: type[PyramidPropagator]) -> None:
    generator = torch.Generator().manual_seed(0)
    condition = torch.rand(1, 4, 5, 6, dtype=torch.float64, generator=generator)
    condition[:, 3] = (condition[:, 3] > 0.7).double()
    condition[:, 1:3] *= condition[:, 3:]
    colours = condition[:, 1:3].clone().requires_grad_()

    def found(colours: torch.Tensor) -> torch.Tensor:
        return pyramid(sweeps=6)(torch.cat((condition[:, :1], colours, condition[:, 3:]), 1))[0]

    assert torch.autograd.gradcheck(found, colours)


@either
@pytest.mark.parametrize("gradient", [False, True])
def test_in_mixed_precision_the_colours_are_those_of_float32(
    hinted: Callable, pyramid: type[PyramidPropagator], gradient: bool
) -> None:
    """In place no sum is promoted, as it is out of place."""
    condition = hinted(8, 0.05).condition
    with torch.set_grad_enabled(gradient), torch.autocast("cpu", torch.bfloat16):
        found = pyramid()(condition.clone().requires_grad_(gradient))[0]
    torch.testing.assert_close(found.detach(), pyramid()(condition)[0], atol=1e-5, rtol=0)


def test_options_that_spread_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="sweeps=1"):
        PyramidPropagator(sweeps=1)
    with pytest.raises(BadInput, match="above 0"):
        PyramidPropagator(screening=0.0)
    with pytest.raises(BadInput, match="share=-1"):
        PyramidPropagator(share=-1)
