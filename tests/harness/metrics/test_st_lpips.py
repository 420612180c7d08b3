import importlib
import sys
import types

import numpy as np
import pytest
import torch
from skimage.color import hsv2rgb, rgb2hsv

from zoo.core.errors import Unavailable
from zoo.harness.metrics import st_lpips
from zoo.harness.metrics.st_lpips import STLPIPS


def batch(images):
    return torch.stack([torch.tensor(image).permute(2, 0, 1) for image in images])


@pytest.fixture(scope="module")
def package():
    """The package's own network, with the two imports it does not need for scoring stubbed."""
    stubs = {"IPython": types.ModuleType("IPython"), "torchsummary": types.ModuleType("torchsummary")}
    stubs["IPython"].embed = stubs["torchsummary"].summary = None
    before = {name: sys.modules.get(name) for name in stubs}
    sys.modules.update(stubs)
    try:
        module = importlib.import_module("stlpips_pytorch.stlpips")
    except ModuleNotFoundError:
        pytest.skip("stlpips-pytorch is not installed")
    finally:
        for name, was in before.items():
            sys.modules.pop(name) if was is None else sys.modules.update({name: was})
    return module.LPIPS(net="alex", variant="shift_tolerant", verbose=False)


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(256, 256), (64, 97), (21, 33)])
def test_equals_the_packages_own_network(package, photos, height, width):
    prediction = batch(photos[:3])[..., :height, :width]
    target = batch(photos[3:6])[..., :height, :width]
    with torch.no_grad():
        expected = package(prediction.float() / 255, target.float() / 255, normalize=True).flatten()
    torch.testing.assert_close(STLPIPS().per_image(prediction, target), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_a_shift_costs_little_and_wrong_colours_cost_much(photos):
    """Measured once on four photos with the package: .005 a pixel's shift, .060 saturation × 0.7,
    .425 grey, .679 hue rotated."""
    photos, metric = [photo[::2, ::2] for photo in photos[:4]], STLPIPS()

    def mean(change):
        return metric.per_image(batch([change(p) for p in photos]), batch(photos)).mean().item()

    def saturate(photo):
        hsv = rgb2hsv(photo)
        return (hsv2rgb(hsv * (1, 0.7, 1)) * 255).round().astype(np.uint8)

    def rotate(photo):
        hsv = rgb2hsv(photo)
        return (hsv2rgb((hsv + np.array((0.5, 0, 0))) % (1, 2, 2)) * 255).round().astype(np.uint8)

    def grey(photo):
        return photo.mean(axis=2, keepdims=True).round().repeat(3, axis=2).astype(np.uint8)

    assert mean(lambda photo: photo) == 0
    shift = metric.per_image(batch(photos)[..., 1:], batch(photos)[..., :-1]).mean().item()
    assert 0 < shift < 0.03
    assert shift < mean(saturate) < 0.15 < mean(grey) < mean(rotate) < 1


def test_small_images_are_not_measured():
    small = torch.zeros(2, 3, 20, 64, dtype=torch.uint8)
    assert STLPIPS().per_image(small, small).isnan().tolist() == [True, True]


def test_many_images_score_as_one_by_one(photos):
    target = batch(photos)[..., :32, :32].repeat(3, 1, 1, 1)
    prediction = target.flip(0)
    alone = torch.cat([STLPIPS().per_image(p[None], t[None]) for p, t in zip(prediction, target, strict=True)])
    torch.testing.assert_close(STLPIPS().per_image(prediction, target), alone, atol=1e-6, rtol=1e-5)


def test_without_the_package_it_is_unavailable(monkeypatch):
    monkeypatch.setattr(st_lpips.importlib.util, "find_spec", lambda name: None)
    st_lpips._pretrained.cache_clear()
    with pytest.raises(Unavailable, match="pip install stlpips-pytorch"):
        STLPIPS()


@pytest.mark.slow
def test_the_same_target_again_gives_the_bits_of_a_fresh_ruler(photos):
    first, second, target = (batch([photo[::4, ::4] for photo in photos[k : k + 2]]) for k in (0, 2, 4))
    metric = STLPIPS()
    metric.per_image(first, target)
    assert torch.equal(metric.per_image(second, target), STLPIPS().per_image(second, target))
    target[:] = 255 - target  # another one, in the same memory
    assert torch.equal(metric.per_image(second, target), STLPIPS().per_image(second, target))
