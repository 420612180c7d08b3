"""Hints: what every sampler promises, and the statistics of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from zoo.core.color import split_lab
from zoo.core.contracts import HintSampler
from zoo.core.errors import BadInput
from zoo.core.registry import current
from zoo.parts.hints.mixed import Mixed
from zoo.parts.hints.none import NoHints
from zoo.parts.hints.pixels import Pixels
from zoo.parts.hints.points import Points

SAMPLERS: list[Callable[[], HintSampler]] = [
    NoHints,
    Pixels,
    Points,
    lambda: Points(colour="exact"),
    lambda: Points(count=10, sizes=6),
    lambda: Points(count=(0, 128), sizes=2, positions="uniform"),
    lambda: Points(count=(0, 128), sizes=2, positions="grid"),
    lambda: Points(count=0),
    Mixed,
    lambda: Mixed(["none", {"name": "pixels", "densities": [0.1]}, {"name": "points", "count": 3}], [1, 2, 1]),
]


def test_every_registered_sampler_is_looked_at() -> None:
    assert {current().load("hints", name) for name in current().names("hints")} <= {type(make()) for make in SAMPLERS}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def ab(photos: list[np.ndarray]) -> torch.Tensor:
    return split_lab(torch.from_numpy(np.stack(photos)[:, :64, :80]).permute(0, 3, 1, 2))[1]


@pytest.mark.parametrize("make", SAMPLERS)
def test_hints_are_masked_and_the_mask_is_0_or_1(make: Callable[[], HintSampler], ab: torch.Tensor) -> None:
    hint, mask = make()(ab, generator())
    assert hint.shape == ab.shape
    assert mask.shape == ab[:, :1].shape
    assert hint.dtype == mask.dtype == ab.dtype
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(hint * mask, hint)


@pytest.mark.parametrize("make", SAMPLERS)
def test_only_the_generator_decides(make: Callable[[], HintSampler], ab: torch.Tensor) -> None:
    before = torch.get_rng_state()
    first, again = make()(ab, generator(1)), make()(ab, generator(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


@pytest.mark.parametrize("make", [Pixels, lambda: Points(stop=0.01)])
def test_another_seed_gives_other_hints(make: Callable[[], HintSampler], ab: torch.Tensor) -> None:
    assert not torch.equal(make()(ab, generator(1))[1], make()(ab, generator(2))[1])


@pytest.mark.parametrize("make", SAMPLERS)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 3)])
def test_any_photo_can_be_hinted(make: Callable[[], HintSampler], size: tuple[int, int]) -> None:
    ab = torch.full((2, 2, *size), 0.25)
    hint, mask = make()(ab, generator())
    torch.testing.assert_close(hint, ab * mask)


def test_no_hints_are_none(ab: torch.Tensor) -> None:
    hint, mask = NoHints()(ab, generator())
    assert not hint.any()
    assert not mask.any()


@pytest.mark.parametrize("make", [Pixels, lambda: Points(colour="exact"), lambda: Points(sizes=1)])
def test_exact_hints_are_the_true_colours(make: Callable[[], HintSampler], ab: torch.Tensor) -> None:
    hint, mask = make()(ab, generator())
    assert torch.equal(hint, ab * mask)


def test_each_density_is_drawn_as_often_and_kept() -> None:
    _, mask = Pixels((0.2, 0.05))(torch.zeros(600, 2, 40, 40), generator())
    density = mask.mean((1, 2, 3)).numpy()
    dense = density > 0.12
    assert stats.binomtest(int(dense.sum()), 600).pvalue > 0.001
    assert density[dense].mean() == pytest.approx(0.2, abs=0.004)
    assert density[~dense].mean() == pytest.approx(0.05, abs=0.002)


def test_hinted_pixels_are_spread_evenly() -> None:
    _, mask = Pixels((0.03,))(torch.zeros(400, 2, 16, 16), generator())
    assert stats.chisquare(mask.sum((0, 1)).flatten().numpy()).pvalue > 0.001


def test_the_number_of_points_is_geometric() -> None:
    """P(k hints) = (7/8)ᵏ / 8, none included: χ² over the first thirty counts and the rest."""
    counts = Points()._draw_count(20_000, torch.device("cpu"), generator()).flatten().numpy().astype(int)
    observed = np.bincount(np.minimum(counts, 30), minlength=31)
    expected = np.append((7 / 8) ** np.arange(30) / 8, (7 / 8) ** 30) * len(counts)
    assert stats.chisquare(observed, expected).pvalue > 0.001
    assert counts.mean() == pytest.approx(7, abs=0.2)


@pytest.mark.slow
def test_photos_without_any_point_are_one_in_eight() -> None:
    _, mask = Points()(torch.zeros(4000, 2, 24, 24), generator())
    empty = int((mask.sum((1, 2, 3)) == 0).sum())
    assert stats.binomtest(empty, 4000, 1 / 8).pvalue > 0.001


def test_always_stopping_means_no_points(ab: torch.Tensor) -> None:
    assert not Points(stop=1.0)(ab, generator())[1].any()


def single_patches(sampler: Points, side: int, photos: int = 6000) -> tuple[np.ndarray, ...]:
    """Top, left, height and width of the only patch of each photo, read off the mask."""
    _, mask = sampler(torch.zeros(photos, 2, side, side), generator())
    rows, columns = mask.amax((1, 3)).numpy(), mask.amax((1, 2)).numpy()
    return rows.argmax(1), columns.argmax(1), rows.sum(1), columns.sum(1)


def test_patches_are_squares_of_side_1_to_9_equally_often() -> None:
    _, _, height, width = single_patches(Points(count=1), 32)
    np.testing.assert_array_equal(height, width)
    assert stats.chisquare(np.bincount(height.astype(int), minlength=10)[1:]).pvalue > 0.001


@pytest.mark.slow
def test_gaussian_positions_are_centred_with_a_quarter_of_the_range_and_clipped() -> None:
    side, size = 70, 6
    room = side - size
    top, left, _, _ = single_patches(Points(count=1, sizes=size), side)
    # The distribution of floor(clip(N((room + 1) / 2, (room + 1) / 4), 0, room)), cell by cell.
    normal = stats.norm((room + 1) / 2, (room + 1) / 4)
    upper = normal.cdf(np.arange(1, room + 1))
    probability = np.diff(np.concatenate(([0.0], upper, [1.0])))
    position = np.arange(room + 1)
    mean = (probability * position).sum()
    std = np.sqrt((probability * (position - mean) ** 2).sum())
    for corner in (top, left):
        assert corner.min() == 0
        assert corner.max() == room
        assert corner.mean() == pytest.approx(mean, abs=4 * std / np.sqrt(len(corner)))
        assert corner.std() == pytest.approx(std, rel=0.04)
        groups = position // 8
        observed = np.bincount(corner // 8, minlength=groups.max() + 1)
        expected = np.bincount(groups, weights=probability) * len(corner)
        assert stats.chisquare(observed, expected).pvalue > 0.001
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.05


def test_uniform_positions_are_uniform_over_where_the_patch_fits() -> None:
    top, left, height, _ = single_patches(Points(count=1, sizes=2, positions="uniform"), 21)
    assert (height == 2).all()
    for corner in (top, left):
        assert stats.chisquare(np.bincount(corner, minlength=20)).pvalue > 0.001


def test_counts_are_uniform_over_their_interval() -> None:
    sampler = Points(count=(0, 12), sizes=1, positions="uniform")
    counts = sampler._draw_count(5000, torch.device("cpu"), generator()).flatten().numpy()
    assert stats.chisquare(np.bincount(counts, minlength=13)).pvalue > 0.001


def test_a_patch_has_its_mean_colour(ab: torch.Tensor) -> None:
    hint, mask = Points(count=1, sizes=(3, 9))(ab, generator())
    for photo, given, where in zip(ab, hint, mask[:, 0].bool(), strict=True):
        mean = photo[:, where].double().mean(1)
        torch.testing.assert_close(given[:, where].double(), mean[:, None].expand(2, int(where.sum())))


def test_of_overlapping_patches_the_later_counts(ab: torch.Tensor) -> None:
    """The same draws with one hint fewer differ only within the last patch, and there in its colour."""
    photo = ab[:1]

    class Drawn(Points):
        def __init__(self, given: int) -> None:
            super().__init__(count=40, sizes=9)
            self.given = given

        def _draw_count(self, n, device, generator):
            super()._draw_count(n, device, generator)
            return torch.full((n, 1), self.given)

    seen_overlap = False
    for given in range(1, 40):
        (before, mask_before), (after, mask_after) = (Drawn(k)(photo, generator(3)) for k in (given - 1, given))
        changed = (before != after).any(1)[0] | (mask_before != mask_after)[0, 0]
        rows, columns = changed.any(1).nonzero(), changed.any(0).nonzero()
        assert rows.max() - rows.min() < 9
        assert columns.max() - columns.min() < 9
        assert after[0, :, changed].unique(dim=1).shape[1] == 1
        seen_overlap |= bool((changed & mask_before[0, 0].bool()).any())
    assert seen_overlap


def test_photos_of_a_batch_are_drawn_independently() -> None:
    _, mask = Points(count=3)(torch.zeros(2, 2, 64, 64), generator())
    assert not torch.equal(mask[0], mask[1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pixels(()),
        lambda: Pixels((1.2,)),
        lambda: Points(stop=0),
        lambda: Points(count=-1),
        lambda: Points(count=(5, 2)),
        lambda: Points(sizes=0),
        lambda: Points(sizes=(1, 2, 3)),
        lambda: Points(positions="normal"),
        lambda: Points(positions="grid"),
        lambda: Points(colour="median"),
    ],
)
def test_an_impossible_option_is_refused(make: Callable[[], HintSampler]) -> None:
    with pytest.raises(BadInput):
        make()


def test_a_mixture_draws_each_sampler_by_its_weight() -> None:
    mixed = Mixed(
        ["none", {"name": "points", "count": 1, "sizes": 3}, {"name": "pixels", "densities": [1.0]}], [1, 2, 5]
    )
    hinted = mixed(torch.ones(4000, 2, 8, 8), generator())[1].sum((1, 2, 3)).int()
    observed = [int((hinted == count).sum()) for count in (0, 9, 64)]
    assert sum(observed) == 4000, "every photo's hints come from one sampler, whole"
    assert stats.chisquare(observed, [500, 1000, 2500]).pvalue > 0.001


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -1]])
def test_a_mixture_refuses_weights_that_are_none(weights: list[float]) -> None:
    with pytest.raises(BadInput, match="a positive number for each"):
        Mixed(["pixels", "points"], weights)
    with pytest.raises(BadInput, match="no hints to mix"):
        Mixed([])


def test_dropout_leaves_a_uniform_part_of_the_hints_of_its_share_of_photos():
    ab = torch.ones(4000, 2, 16, 16)
    everywhere = [{"name": "pixels", "densities": [1.0]}]
    hint_ab, mask = Mixed(everywhere, dropout=0.5)(ab, generator())
    kept = mask.mean((1, 2, 3))
    assert torch.equal(hint_ab, ab * mask)
    whole = int((kept == 1).sum())
    assert stats.binomtest(whole, 4000, 0.5).pvalue > 0.001
    assert stats.kstest(kept[kept < 1].numpy(), "uniform").pvalue > 0.001
    assert torch.equal(Mixed(everywhere)(ab, generator())[1], torch.ones_like(mask))


@pytest.mark.parametrize("dropout", [-0.1, 1.1])
def test_a_dropout_that_is_no_share_is_refused(dropout):
    with pytest.raises(BadInput, match="from 0 to 1"):
        Mixed(dropout=dropout)
