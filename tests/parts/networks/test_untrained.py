"""gray, mean_ab and oracle_quarter, on real photos."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from skimage.measure import block_reduce

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput, ContractError
from zoo.core.resolve import build
from zoo.parts.networks.mean_ab import MeanAb
from zoo.parts.networks.oracle_quarter import OracleQuarter

SIZES = [(1, 1), (1, 7), (5, 3), (64, 97)]


@pytest.mark.parametrize("size", SIZES)
def test_gray_has_no_colour_and_no_parameters(size):
    gray = build("gray")
    assert not gray(torch.randn(2, 4, *size))["ab"].any()
    assert gray(torch.randn(2, 4, *size))["ab"].shape == (2, 2, *size)
    assert not gray.state_dict()


def test_mean_ab_is_the_mean_over_all_pixels_of_all_photos(photos):
    chroma = [rgb2lab(photo)[..., 1:] / 110 for photo in photos]
    sizes = [256, 256, 256, 128, 64, 64, 64, 32]
    chroma = [ab[:side] for ab, side in zip(chroma, sizes, strict=True)]
    expected = np.concatenate([ab.reshape(-1, 2) for ab in chroma]).mean(0)
    network = MeanAb()
    network.fit(_batch(torch.from_numpy(ab).permute(2, 0, 1)[None].float()) for ab in chroma)
    np.testing.assert_allclose(network.mean, expected, atol=1e-6)
    ab = network(torch.randn(2, 4, 3, 5))
    np.testing.assert_allclose(ab, np.broadcast_to(expected[None, :, None, None], (2, 2, 3, 5)), atol=1e-6)


def test_mean_ab_keeps_its_mean_in_the_state():
    network, copy = MeanAb(), MeanAb()
    network.fit([_batch(torch.full((1, 2, 4, 4), 0.25))])
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy.mean, torch.full((2,), 0.25))


def test_mean_ab_of_no_photos_is_refused():
    with pytest.raises(BadInput, match="photo"):
        MeanAb().fit([])


@pytest.mark.parametrize("size", SIZES)
def test_oracle_quarter_takes_any_size_and_keeps_constants(size):
    oracle = build("oracle_quarter")
    truth = torch.full((2, 2, *size), 0.3)
    ab = oracle(torch.randn(2, 4, *size), {"truth_ab": truth})["ab"]
    torch.testing.assert_close(ab, truth)


def test_oracle_quarter_averages_cells_of_four_by_four(photos):
    chroma = rgb2lab(photos[0])[..., 1:] / 110
    cells = block_reduce(chroma, (4, 4, 1), np.mean)
    row, column = 20, 33
    truth = torch.from_numpy(chroma).permute(2, 0, 1)[None].float()
    ab = OracleQuarter()(truth, {"truth_ab": truth})[0].permute(1, 2, 0).numpy()
    # Enlarged by four, pixel 2 of a cell lies half a pixel, an eighth of a cell, past the cell's middle.
    near, next_ = 7 / 8, 1 / 8
    top = near * cells[row, column] + next_ * cells[row, column + 1]
    bottom = near * cells[row + 1, column] + next_ * cells[row + 1, column + 1]
    expected = near * top + next_ * bottom
    np.testing.assert_allclose(ab[4 * row + 2, 4 * column + 2], expected, atol=1e-5)
    assert 0 < np.abs(ab - chroma).mean() < 0.05


def test_oracle_quarter_without_the_truth_says_so():
    with pytest.raises(ContractError, match="truth_ab"):
        build("oracle_quarter")(torch.randn(1, 4, 8, 8))


def _batch(ab):
    plain = torch.zeros_like(ab[:, :1])
    return Batch(lightness=plain, ab=ab, hint_ab=torch.zeros_like(ab), hint_mask=plain)
