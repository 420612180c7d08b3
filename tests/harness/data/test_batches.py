from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2lab
from torch import Tensor

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.harness.data.bank import centre, crop, reduced
from zoo.harness.data.batches import Batches, TrainingPass
from zoo.harness.data.extras import rgb as photo_itself

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def generator(seed: int, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture
def pixels(photos: list[np.ndarray]) -> Tensor:
    """Seven photos of 72×72: odd, so that epochs end within batches."""
    return torch.from_numpy(np.stack(photos[:7])).permute(0, 3, 1, 2)[:, :, ::3, ::3][:, :, :72, :72].contiguous()


@pytest.fixture
def batches(pixels: Tensor, one_percent):
    def make(seed: int = 0, device: str = "cpu", **options) -> Batches:
        settings = {"size": 64, "batch_size": 4, "flip": True} | options
        where = settings.pop("pixels", pixels)
        return Batches(
            where,
            device=device,
            order=generator(seed),
            augment=generator(seed + 1),
            hinting=generator(seed + 2, device),
            hint_sampler=one_percent,
            **settings,
        )

    return make


def equal(left: Batch, right: Batch) -> bool:
    return all(
        torch.equal(getattr(left, name), getattr(right, name)) for name in ("lightness", "ab", "hint_ab", "hint_mask")
    )


def test_crops_are_the_slices_they_name(pixels: Tensor):
    index, top, left = torch.tensor([5, 0, 5]), torch.tensor([0, 8, 3]), torch.tensor([8, 0, 2])
    flip = torch.tensor([0, 1, 1])
    cut = crop(pixels, index, top, left, flip, 64)
    for k in range(3):
        window = pixels[index[k], :, top[k] : top[k] + 64, left[k] : left[k] + 64]
        assert torch.equal(cut[k], window.flip(-1) if flip[k] else window)
    assert torch.equal(centre(pixels, index, 64), pixels[index, :, 4:68, 4:68])


def test_a_batch_is_the_lab_of_a_window_of_its_photo_and_its_hints_are_the_truth(batches, pixels: Tensor):
    source = batches(extras={"rgb": photo_itself(None)})
    for batch in islice(source.forever(), 3):
        rgb = batch.extras["rgb"]
        lab = rgb2lab(rgb.permute(0, 2, 3, 1).numpy())
        np.testing.assert_allclose(batch.lightness[:, 0].numpy(), lab[..., 0] / 50 - 1, atol=1e-5)
        np.testing.assert_allclose(batch.ab.permute(0, 2, 3, 1).numpy(), lab[..., 1:] / 110, atol=1e-5)
        assert torch.equal(batch.hint_ab, batch.ab * batch.hint_mask)
        assert batch.condition.shape == (4, 4, 64, 64)
        windows = pixels.unfold(2, 64, 1).unfold(3, 64, 1)  # (n, 3, 9, 9, 64, 64)
        for one in rgb:
            seen = [(windows == w[None, :, None, None]).all((1, 4, 5)).any() for w in (one, one.flip(-1))]
            assert any(seen)


def test_every_photo_comes_once_an_epoch_and_all_batches_are_full(batches):
    source = batches(extras={"place": lambda view: view.indices})
    places = torch.cat([batch.extras["place"] for batch in islice(source.forever(), 14)])
    assert places.shape == (56,)
    epochs = places.view(8, 7).tolist()
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 4


def test_a_batch_may_be_larger_than_the_bank(batches):
    (batch,) = islice(batches(batch_size=17).forever(), 1)
    assert batch.ab.shape[0] == 17


def test_the_same_seeds_give_the_same_batches_and_others_do_not(batches):
    first, again, other = (list(islice(batches(seed).forever(), 4)) for seed in (0, 0, 10))
    assert all(equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_global_random_state_is_neither_read_nor_moved(batches):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = list(islice(batches().forever(), 3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(equal(a, b) for a, b in zip(first, islice(batches().forever(), 3), strict=True))


@pytest.mark.parametrize("sizes", [None, [24, 48, 72]])
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_resumed_iterator_goes_on_exactly(batches, taken: int, sizes: list[int] | None, tmp_path):
    undisturbed = batches(sizes=sizes)
    stream = undisturbed.forever()
    for _ in islice(stream, taken):
        pass
    torch.save(undisturbed.state_dict(), tmp_path / "state.pt")
    expected = list(islice(stream, 6))
    resumed = batches(seed=99, sizes=sizes)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert all(equal(a, b) for a, b in zip(expected, islice(resumed.forever(), 6), strict=True))


def test_a_state_is_not_changed_by_going_on(batches):
    source = batches()
    stream = source.forever()
    next(stream)
    state = source.state_dict()
    expected = next(stream)
    source.load_state_dict(state)
    assert equal(next(source.forever()), expected)


def test_a_state_of_another_bank_is_refused(batches, pixels: Tensor):
    source = batches()
    next(source.forever())
    with pytest.raises(BadInput, match="7 training photos, and there are 5 now"):
        batches(pixels=pixels[:5]).load_state_dict(source.state_dict())


def test_without_flip_no_photo_is_mirrored_and_with_it_about_half(batches, pixels: Tensor):
    def mirrored(flip: bool) -> float:
        extras = {"rgb": lambda view: view.rgb, "place": lambda view: view.indices}
        source = batches(size=72, flip=flip, extras=extras)
        seen = [
            not torch.equal(rgb, pixels[place])
            for batch in islice(source.forever(), 50)
            for rgb, place in zip(batch.extras["rgb"], batch.extras["place"], strict=True)
        ]
        return sum(seen) / len(seen)

    assert mirrored(False) == 0
    assert 0.35 < mirrored(True) < 0.65


def test_crops_reach_every_corner(batches):
    source = batches(batch_size=64)
    corners = torch.cat([source._choices(64, 64)[1:3] for _ in range(20)], dim=1)
    assert corners.amin(1).tolist() == [0, 0]
    assert corners.amax(1).tolist() == [8, 8]


def test_sizes_that_do_not_fit_are_refused(batches):
    with pytest.raises(BadInput, match="crop size 73"):
        batches(size=73)
    with pytest.raises(BadInput, match="crop size 80"):
        batches(sizes=[24, 80])
    with pytest.raises(BadInput, match="batch size 0"):
        batches(batch_size=0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bank_device", DEVICES)
def test_the_order_and_crops_are_the_same_on_every_device(batches, pixels, device: str, bank_device: str):
    extras = {"rgb": lambda view: view.rgb}
    here = batches(extras=extras)
    there = batches(extras=extras, device=device, pixels=pixels.to(bank_device))
    for a, b in islice(zip(here.forever(), there.forever(), strict=False), 4):
        assert b.ab.device.type == device
        assert torch.equal(a.extras["rgb"], b.extras["rgb"].cpu())


def test_a_training_pass_repeats_itself_and_covers_every_photo(pixels: Tensor, one_percent):
    data = TrainingPass(
        pixels, size=64, batch_size=3, device="cpu", seed=5, hint_sampler=one_percent, extras={"rgb": lambda v: v.rgb}
    )
    first, second = list(data), list(data)
    assert [len(batch.ab) for batch in first] == [3, 3, 1]
    assert len(data) == 3
    assert all(equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(torch.cat([batch.extras["rgb"] for batch in first]), pixels[:, :, 4:68, 4:68])


def test_augmentations_change_the_photo_before_it_has_a_truth_and_hints(batches):
    def darker(photos: Tensor, generator: torch.Generator) -> Tensor:
        return photos // torch.randint(2, 5, (len(photos), 1, 1, 1), generator=generator).to(torch.uint8)

    def inverted(photos: Tensor, generator: torch.Generator) -> Tensor:
        return 255 - photos

    extras = {"rgb": photo_itself(None)}
    plain, changed, again = (
        next(batches(extras=extras, augmentations=augmentations).forever())
        for augmentations in ((), (darker, inverted), (darker, inverted))
    )
    ratio = plain.extras["rgb"].float().amax((1, 2, 3)) / (255 - changed.extras["rgb"].float()).amax((1, 2, 3))
    assert all(any(abs(r - k) < 0.1 for k in (2, 3, 4)) for r in ratio.tolist())
    lab = rgb2lab(changed.extras["rgb"].permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(changed.lightness[:, 0].numpy(), lab[..., 0] / 50 - 1, atol=1e-5)
    np.testing.assert_allclose(changed.ab.permute(0, 2, 3, 1).numpy(), lab[..., 1:] / 110, atol=1e-5)
    assert torch.equal(changed.hint_ab, changed.ab * changed.hint_mask)
    assert torch.equal(changed.hint_mask, plain.hint_mask)  # the hints have a generator of their own
    assert equal(changed, again)


def test_each_batch_is_shown_at_one_of_the_sizes_in_the_asked_shares_with_about_as_many_pixels(batches):
    source = batches(size=48, sizes=(24, 48, 48, 72))
    seen = Counter(batch.ab.shape for batch in islice(source.forever(), 200))
    assert seen.keys() == {(16, 2, 24, 24), (4, 2, 48, 48), (2, 2, 72, 72)}
    assert source.photos == [16, 4, 4, 2]
    assert seen[4, 2, 48, 48] / 200 == pytest.approx(1 / 2, abs=0.1)
    assert seen[16, 2, 24, 24] / 200 == pytest.approx(1 / 4, abs=0.1)


def test_the_smaller_the_size_the_more_of_the_photo_a_crop_may_have(batches):
    """On photos that grow brighter from left to right by 3 a pixel: a crop's span says how much of one it is."""
    ramp = (3 * torch.arange(72)).to(torch.uint8).expand(2, 3, 72, 72).contiguous()
    options = {"pixels": ramp, "batch_size": 1, "flip": False, "extras": {"rgb": lambda view: view.rgb}}

    def spans(size: int) -> list[float]:
        shown = (batch.extras["rgb"] for batch in islice(batches(size=size, sizes=[size], **options).forever(), 200))
        return [float(rgb.float().amax() - rgb.float().amin()) / 3 / (size - 1) * size for rgb in shown]

    assert min(spans(24)) == pytest.approx(24, abs=2)
    assert max(spans(24)) == pytest.approx(72, abs=2)
    assert min(spans(72)) == max(spans(72)) == 72


def test_hints_are_drawn_of_the_photo_as_it_is_shown(batches):
    for batch in islice(batches(sizes=[32, 72], extras={"rgb": photo_itself(None)}).forever(), 6):
        lab = rgb2lab(batch.extras["rgb"].permute(0, 2, 3, 1).numpy())
        np.testing.assert_allclose(batch.ab.permute(0, 2, 3, 1).numpy(), lab[..., 1:] / 110, atol=1e-5)
        assert torch.equal(batch.hint_ab, batch.ab * batch.hint_mask)


@pytest.mark.parametrize("side", [200, 128, 64])
def test_a_photo_is_reduced_as_pillow_does_it(photos: list[np.ndarray], side: int):
    """Channel by channel as floats: of bytes Pillow rounds and clips between across and down."""
    channels = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)
    for ours, channel in zip(reduced(channels, side).flatten(0, 1), channels.flatten(0, 1), strict=True):
        floats = Image.fromarray(channel.numpy().astype(np.float32))
        theirs = np.asarray(floats.resize((side, side), Image.Resampling.BICUBIC))
        assert np.abs(ours.numpy() - theirs.clip(0, 255)).max() <= 0.51
