"""Features, clusters, networks and filter of deep colorization."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.classical.cheng2015 import (
    COLOUR_GAIN,
    Cheng2015,
    adaptive_clusters,
    grey_features,
    hint_features,
    joint_bilateral,
    k_means,
    patch,
    photo_descriptor,
)


def _batches(hinted: Callable) -> Iterator[Batch]:
    photos = hinted(8, 0.02)
    for part in range(0, 8, 3):
        condition, ab = photos.condition[part : part + 3], photos.ab[part : part + 3]
        yield Batch(condition[:, :1], ab, condition[:, 1:3], condition[:, 3:])


def test_the_features_are_the_papers_128(hinted: Callable) -> None:
    lightness = hinted(8, 0.0).condition[:, :1]
    found = grey_features(lightness)
    assert found.shape == (8, 49 + 32 + 47, 32, 32)
    assert torch.isfinite(found).all()


def test_a_full_size_network_has_64_neurons_a_layer_and_the_clusters_do_not_mix() -> None:
    one, four = Cheng2015(clusters=1, hints=False), Cheng2015(clusters=4, hints=False)
    expected = (128 * 64 + 64) + 2 * (64 * 64 + 64) + (64 * 2 + 2)
    assert sum(p.numel() for p in one.parameters()) == expected
    assert sum(p.numel() for p in four.parameters()) == 4 * expected


def test_the_patch_holds_the_pixels_around(hinted: Callable) -> None:
    lightness = hinted(8, 0.0).condition[:1, :1]
    assert torch.equal(patch(lightness)[0, :, 10, 12], lightness[0, 0, 7:14, 9:16].flatten())


def test_hints_of_one_colour_are_gathered_as_that_colour_where_there_are_any() -> None:
    hints = torch.zeros(1, 3, 64, 64)
    hints[0, :, 4:16:3, 4:16:3] = torch.tensor([0.4, -0.3, 1.0]).view(3, 1, 1)
    found = hint_features(hints)[0]
    near, far = found[:, 10, 10], found[:, 63, 63]
    torch.testing.assert_close(near[3:5] / COLOUR_GAIN, torch.tensor([0.4, -0.3]), atol=0.03, rtol=0)
    assert near[5] > 0.7
    assert far[3:6].abs().max() < 1e-6


def test_the_clusters_of_separate_clouds_are_the_clouds_and_tiny_ones_are_merged() -> None:
    draw = torch.Generator().manual_seed(0)
    clouds = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    vectors = torch.cat([c + 0.3 * torch.randn(40, 2, generator=draw) for c in clouds] + [torch.tensor([[13.0, 0.0]])])
    centres, labels = adaptive_clusters(vectors, 3)
    assert torch.cdist(clouds, centres).amin(1).max() < 0.5
    assert labels[-1] == labels[40]
    assert torch.bincount(labels).min() >= 40


def test_k_means_is_as_good_as_scipys(hinted: Callable) -> None:
    vectors = grey_features(hinted(8, 0.0).condition[:, :1])[:, :, ::8, ::8].flatten(2).transpose(1, 2).reshape(-1, 128)
    centres, labels = k_means(vectors.double(), 5)
    ours = float(((vectors.double() - centres[labels]) ** 2).sum())
    other, theirs = kmeans2(vectors.double().numpy(), 5, minit="++", seed=0)
    assert ours < 1.1 * ((vectors.double().numpy() - other[theirs]) ** 2).sum()


def test_fewer_photos_than_clusters_still_give_that_many_centres() -> None:
    centres, labels = adaptive_clusters(torch.rand(2, 5), 4)
    assert centres.shape == (4, 5)
    assert labels.tolist() in ([0, 1], [1, 0])


def test_fitting_finds_the_clusters_of_the_training_photos(hinted: Callable) -> None:
    model = Cheng2015(width=8, clusters=2)
    lightness = hinted(8, 0.0).condition[:, :1]
    torch.testing.assert_close(model.membership(lightness), torch.full((8, 2), 0.5))
    model.fit(_batches(hinted))
    share = model.membership(lightness)
    torch.testing.assert_close(share.sum(1), torch.ones(8))
    assert share.amax(1).mean() > 0.7
    assert 0 < share.argmax(1).sum() < 8


def test_without_photos_there_is_nothing_to_fit() -> None:
    with pytest.raises(BadInput, match="no training photo"):
        Cheng2015(width=8).fit([])


def test_each_pixel_is_coloured_from_its_own_features_alone() -> None:
    model = Cheng2015(width=8, hints=False).train()
    draw = torch.Generator().manual_seed(0)
    features = torch.rand(1, 128, 3, 3, generator=draw)
    changed = features.clone()
    changed[..., 1, 1] += 1
    differs = (model.networks(features) != model.networks(changed)).any(1)[0]
    assert differs.nonzero().tolist() == [[1, 1]]


def test_the_descriptor_knows_a_photo_at_half_its_size(hinted: Callable) -> None:
    large, small = (photo_descriptor(hinted(step, 0.0).condition[:, :1]) for step in (2, 4))
    assert torch.equal((large @ small.T).argmax(1), torch.arange(8))


def test_the_filter_is_the_sum_written_out() -> None:
    draw = torch.Generator().manual_seed(1)
    ab, lightness = torch.rand(1, 2, 9, 9, generator=draw), torch.rand(1, 1, 9, 9, generator=draw)
    y, x = np.mgrid[-2:3, -2:3]
    guide = lightness[0, 0, 2:7, 2:7].numpy()
    weights = np.exp(-((guide - guide[2, 2]) ** 2) / (2 * 0.3**2) - (y**2 + x**2) / 2)
    expected = (ab[0, :, 2:7, 2:7].numpy() * weights).sum((1, 2)) / weights.sum()
    found = joint_bilateral(ab, lightness, reach=2, spread=0.3)
    np.testing.assert_allclose(found[0, :, 4, 4].numpy(), expected, rtol=1e-5)
    assert torch.equal(joint_bilateral(ab, lightness, reach=0, spread=0.3), ab)


def test_the_filter_does_not_smooth_over_a_strong_edge() -> None:
    side = (torch.arange(20) >= 10).float().expand(1, 1, 20, 20)
    ab = torch.cat((side, 1 - side), dim=1)
    torch.testing.assert_close(joint_bilateral(ab, 2 * side - 1, reach=3, spread=0.2), ab, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_a_few_steps_on_hinted_photos_beat_grey(hinted: Callable) -> None:
    torch.manual_seed(0)
    photos = hinted(8, 0.05)
    model = Cheng2015(width=16, clusters=2).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(15):
        loss = (model(photos.condition) - photos.ab).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = model.eval()(photos.condition)
    assert photos.psnr(found) > photos.psnr(torch.zeros_like(found)) + 1


@pytest.mark.parametrize("options", [{"width": 0}, {"clusters": 0}, {"hidden_layers": 0}])
def test_an_option_that_cannot_be_is_refused(options: dict) -> None:
    with pytest.raises(BadInput, match="cheng2015"):
        Cheng2015(**options)
