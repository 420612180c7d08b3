"""The network of Zhang 2016: its size, and the public checkpoint's layout, from a table of its own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.parts.networks.zhang2016 import Zhang2016

# Stage → (index, in, out, stride, dilation) of its 3×3 convolutions, index of the BatchNorm.
TABLE = {
    "model1": ([(0, 1, 64, 1, 1), (2, 64, 64, 2, 1)], 4),
    "model2": ([(0, 64, 128, 1, 1), (2, 128, 128, 2, 1)], 4),
    "model3": ([(0, 128, 256, 1, 1), (2, 256, 256, 1, 1), (4, 256, 256, 2, 1)], 6),
    "model4": ([(0, 256, 512, 1, 1), (2, 512, 512, 1, 1), (4, 512, 512, 1, 1)], 6),
    "model5": ([(i, 512, 512, 1, 2) for i in (0, 2, 4)], 6),
    "model6": ([(i, 512, 512, 1, 2) for i in (0, 2, 4)], 6),
    "model7": ([(i, 512, 512, 1, 1) for i in (0, 2, 4)], 6),
    "model8": ([(2, 256, 256, 1, 1), (4, 256, 256, 1, 1)], None),
}


@pytest.fixture(scope="module")
def published():
    """A state dict as the public file has it, filled with noise that keeps the signal's size."""
    generator = torch.Generator().manual_seed(0)

    def weight(*shape, fan_in):
        return torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5

    state = {}
    for name, (convolutions, norm) in TABLE.items():
        for index, before, after, _, _ in convolutions:
            state[f"{name}.{index}.weight"] = weight(after, before, 3, 3, fan_in=9 * before)
            state[f"{name}.{index}.bias"] = weight(after, fan_in=200)
        if norm is not None:
            channels = convolutions[-1][2]
            state[f"{name}.{norm}.weight"] = torch.rand(channels, generator=generator) + 0.5
            state[f"{name}.{norm}.bias"] = weight(channels, fan_in=50)
            state[f"{name}.{norm}.running_mean"] = torch.rand(channels, generator=generator)
            state[f"{name}.{norm}.running_var"] = torch.rand(channels, generator=generator) + 0.5
            state[f"{name}.{norm}.num_batches_tracked"] = torch.tensor(7)
    state["model8.0.weight"] = weight(512, 256, 4, 4, fan_in=4 * 512)
    state["model8.0.bias"] = weight(256, fan_in=200)
    state["model8.6.weight"] = weight(313, 256, 1, 1, fan_in=256)
    state["model8.6.bias"] = weight(313, fan_in=10)
    # as in the public file: the bins' ab divided by 110
    state["model_out.weight"] = (torch.rand(2, 313, 1, 1, generator=generator) - 0.5) * 200 / 110
    return state


def published_forward(state, lightness):
    """The public forward pass, written out: L* in 0…100 (N, 1, H, W) to ab in Lab units (N, 2, H, W).

    After ``eccv16.py`` and ``base_color.py`` of richzhang/colorization: the lightness is centred at 50 and divided by
    100; softmax without temperature; a 1×1 convolution; bilinear ×4; the whole times 110.
    """
    x = (lightness - 50) / 100
    for name, (convolutions, norm) in TABLE.items():
        if name == "model8":
            x = F.conv_transpose2d(x, state["model8.0.weight"], state["model8.0.bias"], stride=2, padding=1).relu()
        for index, _, _, stride, dilation in convolutions:
            key = f"{name}.{index}"
            x = F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], stride, dilation, dilation).relu()
        if norm is not None:
            key = f"{name}.{norm}"
            x = F.batch_norm(
                x,
                state[f"{key}.running_mean"],
                state[f"{key}.running_var"],
                state[f"{key}.weight"],
                state[f"{key}.bias"],
            )
    logits = F.conv2d(x, state["model8.6.weight"], state["model8.6.bias"])
    ab = F.conv2d(logits.softmax(1), state["model_out.weight"])
    return F.interpolate(ab, scale_factor=4, mode="bilinear", align_corners=False) * 110


@pytest.mark.slow
def test_the_published_weights_give_the_published_output_whatever_the_hints(published):
    network = Zhang2016(temperature=1.0)
    network.load_state_dict(Zhang2016.from_published(published))
    colorizer = Colorizer(network).eval()
    generator = torch.Generator().manual_seed(1)
    lightness = torch.rand(1, 1, 40, 48, generator=generator) * 100
    hints = torch.rand(1, 3, 40, 48, generator=generator)
    with torch.no_grad():
        ours = colorizer(torch.cat((lightness / 50 - 1, hints), dim=1))["ab"] * 110
        theirs = published_forward(published, lightness)
    assert theirs.std() > 1  # the comparison is not between two constants
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=1e-4)


def test_parameters_at_full_size():
    with torch.device("meta"):
        automatic, hinted = Zhang2016(hints=False), Zhang2016()
    count, more = (sum(p.numel() for p in network.parameters()) for network in (automatic, hinted))
    assert round(count / 1e6, 2) == 32.24  # OpenVINO's card of colorization-v2
    assert more - count == 3 * 9 * 64


@pytest.mark.parametrize("size", [(8, 8), (32, 40)])
def test_it_predicts_at_a_quarter_of_the_size(size):
    prediction = Zhang2016(width=4).eval()(torch.rand(1, 4, *size))
    quarter = (size[0] // 4, size[1] // 4)
    assert prediction["ab"].shape == (1, 2, *quarter)
    assert prediction["logits"].shape == (1, 313, *quarter)


def test_without_hints_they_are_not_seen():
    network = Zhang2016(width=4, hints=False).eval()
    condition = torch.rand(1, 4, 16, 16)
    other = torch.cat((condition[:, :1], torch.rand(1, 3, 16, 16)), dim=1)
    assert torch.equal(network(condition)["ab"], network(other)["ab"])


def test_wrong_weights_are_named(published):
    missing = {key: value for key, value in published.items() if not key.startswith("model5.2.")}
    with pytest.raises(BadInput, match=r"model5\.2\.weight, model5\.2\.bias missing"):
        Zhang2016.from_published(missing)
    with pytest.raises(BadInput, match=r"model_out\.weight has shape \(2, 10, 1, 1\)"):
        Zhang2016.from_published({**published, "model_out.weight": torch.zeros(2, 10, 1, 1)})
    with pytest.raises(BadInput, match=r"no module\.conv"):
        Zhang2016.from_published({**published, "module.conv": torch.zeros(1)})
    old = {key: value for key, value in published.items() if "num_batches" not in key}
    Zhang2016().load_state_dict(Zhang2016.from_published(old))
