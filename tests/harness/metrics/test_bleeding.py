import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb, rgb2lab

from zoo.harness.metrics.bleeding import Bleeding, near_lightness_edges

pytestmark = pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")


def tensor(image):
    return torch.tensor(image).permute(2, 0, 1)[None]


def with_chroma(photo, change):
    """The photo's lightness under a changed chroma, as uint8; scikit-image warns of what it clips."""
    lab = rgb2lab(photo)
    lab[..., 1:] = change(lab[..., 1:])
    return (lab2rgb(lab).clip(0, 1) * 255).round().astype("uint8")


def test_chroma_smeared_over_edges_scores_above_one(photos):
    """A blurred chroma is wrong where things meet and right inside them."""
    for photo in photos:
        smeared = with_chroma(photo, lambda ab: gaussian_filter(ab, (4, 4, 0)))
        assert Bleeding().per_image(tensor(smeared), tensor(photo)).item() > 1.1


@pytest.mark.slow
def test_more_smearing_scores_more_on_the_mean_photo(photos):
    means = []
    for sigma in (1, 2, 4):
        scores = [
            Bleeding().per_image(
                tensor(with_chroma(photo, lambda ab, s=sigma: gaussian_filter(ab, (s, s, 0)))), tensor(photo)
            )
            for photo in photos
        ]
        means.append(torch.cat(scores).mean().item())
    assert means == sorted(means)


def test_the_same_shift_everywhere_scores_about_one():
    """Middle greys under a constant cast: the error is the same at edges and away from them."""
    grey = torch.full((1, 3, 64, 64), 110, dtype=torch.uint8)
    grey[..., 32:] = 130
    cast = grey.clone()
    cast[:, 0] += 20
    assert abs(Bleeding().per_image(cast, grey).item() - 1) < 0.05


def test_identical_images_score_one_and_flat_ones_are_not_measured(photos):
    assert Bleeding().per_image(tensor(photos[0]), tensor(photos[0])).item() == 1
    flat = torch.full((1, 3, 32, 32), 100, dtype=torch.uint8)
    assert Bleeding().per_image(flat, flat).isnan().all()


def test_edges_are_where_lightness_steps():
    lightness = torch.full((1, 1, 40, 40), 30.0)
    lightness[..., 20:] = 60
    near = near_lightness_edges(lightness)[0, 0]
    assert near.any(dim=0).nonzero().flatten().tolist() == list(range(17, 23))
    assert (near == near[:1]).all()


def test_works_on_a_single_pixel():
    pixel = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    assert Bleeding().per_image(pixel, pixel).shape == (1,)
