"""The networks of Zhang 2017: size, the public checkpoint's layout, global hints."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import HINT_GAIN
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import grid_bins
from zoo.parts.networks.zhang2017 import GlobalHints, Zhang2017

# Stage → (index, in, out) of its 3×3 convolutions, dilation, index of the BatchNorm.
TABLE = {
    "model1": ([(0, 4, 64), (2, 64, 64)], 1, 4),
    "model2": ([(0, 64, 128), (2, 128, 128)], 1, 4),
    "model3": ([(0, 128, 256), (2, 256, 256), (4, 256, 256)], 1, 6),
    "model4": ([(0, 256, 512), (2, 512, 512), (4, 512, 512)], 1, 6),
    "model5": ([(i, 512, 512) for i in (0, 2, 4)], 2, 6),
    "model6": ([(i, 512, 512) for i in (0, 2, 4)], 2, 6),
    "model7": ([(i, 512, 512) for i in (0, 2, 4)], 1, 6),
    "model8": ([(1, 256, 256), (3, 256, 256)], 1, 5),
    "model9": ([(1, 128, 128)], 1, 3),
    "model10": ([(1, 128, 128)], 1, None),
    "model3short8": ([(0, 256, 256)], 1, None),
    "model2short9": ([(0, 128, 128)], 1, None),
    "model1short10": ([(0, 64, 128)], 1, None),
}

UP = {"model8up": (512, 256), "model9up": (256, 128), "model10up": (128, 128)}

OUT = {"model_class": (256, 529), "model_out": (128, 2)}


@pytest.fixture(scope="module")
def published():
    """A state dict as the public file has it, filled with noise that keeps the signal's size."""
    generator = torch.Generator().manual_seed(0)

    def weight(*shape, fan_in):
        return torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5

    state = {}
    for name, (convolutions, _, norm) in TABLE.items():
        for index, before, after in convolutions:
            state[f"{name}.{index}.weight"] = weight(after, before, 3, 3, fan_in=9 * before)
            state[f"{name}.{index}.bias"] = weight(after, fan_in=200)
        if norm is not None:
            channels = convolutions[-1][2]
            state[f"{name}.{norm}.weight"] = torch.rand(channels, generator=generator) + 0.5
            state[f"{name}.{norm}.bias"] = weight(channels, fan_in=50)
            state[f"{name}.{norm}.running_mean"] = torch.rand(channels, generator=generator)
            state[f"{name}.{norm}.running_var"] = torch.rand(channels, generator=generator) + 0.5
            state[f"{name}.{norm}.num_batches_tracked"] = torch.tensor(7)
    for name, (before, after) in UP.items():
        state[f"{name}.0.weight"] = weight(before, after, 4, 4, fan_in=4 * before)
        state[f"{name}.0.bias"] = weight(after, fan_in=200)
    for name, (before, after) in OUT.items():
        state[f"{name}.0.weight"] = weight(after, before, 1, 1, fan_in=8 * before)
        state[f"{name}.0.bias"] = weight(after, fan_in=200)
    return state


def published_forward(state, lightness, ab, mask, mask_cent):
    """The public forward pass, written out, in Lab units: ab (N, 2, H, W), logits (N, 529, H/4, W/4)."""

    def convolve(name, x, index):
        dilation = TABLE[name][1]
        weight, bias = state[f"{name}.{index}.weight"], state[f"{name}.{index}.bias"]
        return F.conv2d(x, weight, bias, padding=dilation, dilation=dilation)

    def stage(name, x):
        convolutions, _, norm = TABLE[name]
        for index, _, _ in convolutions:
            x = convolve(name, x, index).relu()
        names = (f"{name}.{norm}.{part}" for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *(state[key] for key in names))

    def up(name, x):
        return F.conv_transpose2d(x, state[f"{name}.0.weight"], state[f"{name}.0.bias"], stride=2, padding=1)

    one = stage("model1", torch.cat(((lightness - 50) / 100, ab / 110, mask - mask_cent), 1))
    two = stage("model2", one[:, :, ::2, ::2])
    three = stage("model3", two[:, :, ::2, ::2])
    x = three[:, :, ::2, ::2]
    for name in ("model4", "model5", "model6", "model7"):
        x = stage(name, x)
    eight = stage("model8", (up("model8up", x) + convolve("model3short8", three, 0)).relu())
    nine = stage("model9", (up("model9up", eight) + convolve("model2short9", two, 0)).relu())
    x = (up("model10up", nine) + convolve("model1short10", one, 0)).relu()
    x = F.leaky_relu(convolve("model10", x, 1), 0.2)
    regressed = torch.tanh(F.conv2d(x, state["model_out.0.weight"], state["model_out.0.bias"])) * 110
    return regressed, F.conv2d(eight, state["model_class.0.weight"], state["model_class.0.bias"])


@pytest.mark.parametrize("hint_gain", [1.0, HINT_GAIN])
@pytest.mark.parametrize("mask_cent", [0.0, 0.5])
@pytest.mark.slow
def test_the_published_weights_give_the_published_output(published, mask_cent, hint_gain):
    network = Zhang2017(mask_cent=mask_cent)
    network.load_state_dict(Zhang2017.from_published(published, hint_gain=hint_gain))
    colorizer = Colorizer(network, hint_gain=hint_gain).eval()
    generator = torch.Generator().manual_seed(1)
    lightness = torch.rand(1, 1, 32, 40, generator=generator) * 100
    mask = (torch.rand(1, 1, 32, 40, generator=generator) < 0.1).float()
    ab = (torch.rand(1, 2, 32, 40, generator=generator) - 0.5) * 150 * mask
    with torch.no_grad():
        ours = colorizer(torch.cat((lightness / 50 - 1, ab / 110, mask), dim=1))
        regressed, logits = published_forward(published, lightness, ab, mask, mask_cent)
    assert 1 < regressed.std() < 90  # neither constant nor saturated
    torch.testing.assert_close(ours["ab"] * 110, regressed, atol=5e-3, rtol=1e-4)
    torch.testing.assert_close(ours["logits"], logits, atol=1e-3, rtol=1e-3)


def test_wrong_weights_are_named(published):
    with pytest.raises(BadInput, match=r"model_class\.0\.weight, model_class\.0\.bias missing"):
        Zhang2017.from_published({key: v for key, v in published.items() if "model_class" not in key})
    with pytest.raises(BadInput, match=r"model1\.0\.weight has shape \(64, 1, 3, 3\)"):
        Zhang2017.from_published({**published, "model1.0.weight": torch.zeros(64, 1, 3, 3)})


def test_parameters_at_full_size():
    with torch.device("meta"):
        network = Zhang2017()
    head = sum(p.numel() for p in network.quantized.parameters())
    total = sum(p.numel() for p in network.parameters())
    assert head == 256 * 529 + 529
    assert round((total - head) / 1e6, 2) == 34.05  # OpenVINO's card of colorization-siggraph, which has no such head


def test_the_grid_is_sorted_as_the_public_encoding_counts():
    """Bin number 23 · (a + 110) / 10 + (b + 110) / 10."""
    grid = Zhang2017(width=4).quantized.bins.double()
    assert torch.equal(grid, grid_bins())
    number = 23 * (grid[:, 0] + 110) / 10 + (grid[:, 1] + 110) / 10
    assert torch.equal(number, torch.arange(529, dtype=torch.float64))


def extras(n=2):
    generator = torch.Generator().manual_seed(4)
    return {
        "histogram": torch.rand(n, 2, 8, 8, generator=generator) - 0.5,
        "saturation": torch.rand(n, 1, generator=generator),
    }


def test_global_hints_change_the_colours_only_where_they_are_given():
    torch.manual_seed(0)
    network = Zhang2017(width=4, global_hints=True)
    colorizer = Colorizer(network, extras=network.extras).eval()
    condition = torch.rand(2, 4, 32, 32, generator=torch.Generator().manual_seed(5))
    vivid, dull = extras(), extras()
    dull["saturation"] = vivid["saturation"] * torch.tensor([[1.0], [0.0]])
    absent = {key: value.clone() for key, value in vivid.items()}
    absent["saturation"][0] = float("nan")
    with torch.no_grad():
        one, two, three = (colorizer(condition, each)["ab"] for each in (vivid, dull, absent))
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[1], two[1])
    assert not torch.equal(one[0], three[0])
    assert three.isfinite().all()


def test_the_histogram_of_one_colour_is_that_colour():
    hints = GlobalHints(8)
    colour = hints.bins[100]
    ab = (colour / 110).view(1, 2, 1, 1).expand(1, 2, 6, 5)
    histogram = hints.histogram(ab)[0]
    torch.testing.assert_close(histogram.sum(), torch.tensor(1.0))
    assert histogram.argmax() == 100
    assert (histogram > 0).sum() == 10  # neighbours of the soft encoding


def test_what_is_not_given_is_all_zeros_flag_included():
    hints = GlobalHints(8).eval()
    values = torch.tensor([[0.3, 0.7], [float("nan"), 0.7]])
    assert hints.flagged(values).tolist() == [[values[0, 0].item(), values[0, 1].item(), 1], [0, 0, 0]]


def test_training_drops_whole_rows_as_often_as_asked():
    hints = GlobalHints(8, keep=0.25).train()
    torch.manual_seed(0)
    flagged = hints.flagged(torch.ones(4000, 3))
    kept = flagged[:, -1] == 1
    assert torch.equal(flagged[kept], torch.ones(int(kept.sum()), 4))
    assert not flagged[~kept].any()
    assert abs(kept.float().mean() - 0.25) < 0.03  # more than four standard errors
    assert hints.eval().flagged(torch.ones(50, 3))[:, -1].all()


def test_dropping_is_per_photo_and_per_hint():
    hints = GlobalHints(8, keep=0.5).train()
    torch.manual_seed(1)
    first, second = (hints.flagged(torch.ones(200, 1))[:, -1] for _ in range(2))
    assert 0 < (first == second).float().mean() < 1


def test_global_hints_train_on_a_batch_of_one():
    hints = GlobalHints(8).train()
    hints(extras(n=1)).sum().backward()
    assert hints.from_histogram.weight.grad is not None
    assert hints(extras(n=1)).shape == (1, 8, 1, 1)
