"""CBAM against the paper's formulas and parameter count, on a skip, and the rows that put it on their skips."""

import numpy as np
import pytest
import timm
import torch
from scipy.signal import correlate2d

import zoo
from zoo.parts.blocks.multi_scale import MultiScale
from zoo.parts.skips.attention_gate import GridGate
from zoo.parts.skips.cbam import CBAM, CBAMSkip, ChannelAttention, SpatialAttention
from zoo.parts.skips.concat import Concat


@pytest.mark.parametrize(("merge", "channels"), [("concat", 20), ("sum", 12)])
def test_the_refined_skip_is_merged_with_the_gate(merge, channels):
    torch.manual_seed(0)
    skip = CBAMSkip(8, 12, merge=merge)
    x, gate = torch.randn(2, 8, 6, 5), torch.randn(2, 12, 6, 5)
    assert skip.channels == channels
    assert torch.equal(skip(x, gate), skip.merge(skip.attention(x), gate))


def test_the_attention_does_not_depend_on_the_gate():
    torch.manual_seed(0)
    skip = CBAMSkip(8, 8)
    x = torch.randn(1, 8, 6, 6)
    refined = [skip(x, torch.randn(1, 8, 6, 6))[:, :8] for _ in range(2)]
    assert torch.equal(*refined)


def test_cbam_unet_refines_every_skip():
    rises = zoo.build("cbam_unet", width=8).network.decoder.rises
    assert [type(rise.skip) for rise in rises] == [CBAMSkip] * 4


def test_msau_net_is_multi_scale_blocks_and_channel_and_spatial_attention():
    network = zoo.build("msau_net", width=4).network
    assert [type(stage) for stage in network.encoder.stages] == [MultiScale] * 5
    assert [(type(rise.block), type(rise.skip)) for rise in network.decoder.rises] == [(MultiScale, CBAMSkip)] * 4


def test_the_grid_gates_leave_the_finest_skip_ungated():
    *gated, finest = zoo.build("attention_unet_grid", width=8).network.decoder.rises
    assert [type(rise.skip.gate) for rise in gated] == [GridGate] * 3
    assert type(finest.skip) is Concat


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_channel_attention_equals_equation_2():
    torch.manual_seed(0)
    attention = ChannelAttention(64, ratio=16).double()
    x = torch.randn(2, 64, 5, 7).double()
    w0, b0, w1, b1 = (p.detach().numpy().squeeze() for p in attention.mlp.parameters())
    assert w0.shape == (4, 64)
    features = x.numpy()

    def mlp(pooled):
        return np.maximum(pooled @ w0.T + b0, 0) @ w1.T + b1

    gate = sigmoid(mlp(features.mean((2, 3))) + mlp(features.max((2, 3))))
    np.testing.assert_allclose(attention(x).detach().numpy(), features * gate[:, :, None, None], rtol=1e-12)


def test_spatial_attention_equals_equation_3():
    torch.manual_seed(0)
    attention = SpatialAttention().double()
    x = torch.randn(1, 6, 9, 11).double()
    kernels = attention.convolution.weight.detach().numpy()[0]
    assert kernels.shape == (2, 7, 7)
    features = x.numpy()[0]
    pooled = features.mean(0), features.max(0)
    gate = sigmoid(sum(correlate2d(p, k, mode="same") for p, k in zip(pooled, kernels, strict=True)))
    np.testing.assert_allclose(attention(x).detach().numpy()[0], features * gate, rtol=1e-10)


def test_channels_come_before_places():
    torch.manual_seed(0)
    cbam = CBAM(32)
    x = torch.randn(2, 32, 6, 6)
    channel, spatial = cbam
    assert torch.equal(cbam(x), spatial(channel(x)))


@pytest.mark.parametrize(("channels", "count"), [(64, 678), (128, 2_282), (512, 33_410)])
def test_parameter_counts(channels, count):
    hidden = channels // 16
    assert 2 * channels * hidden + hidden + channels + 2 * 7 * 7 == count
    assert sum(p.numel() for p in CBAM(channels).parameters()) == count


def test_resnet_50_with_it_has_the_papers_28_09_million_parameters():
    with torch.device("meta"):
        resnet = timm.create_model("resnet50")
        modules = [CBAM(block.conv3.out_channels) for block in resnet.modules() if hasattr(block, "conv3")]
    count = sum(p.numel() for network in (resnet, *modules) for p in network.parameters())
    assert len(modules) == 16
    assert round(count / 1e6, 2) == 28.09


def test_no_perceptron_starts_closed_on_features_behind_a_rectifier():
    """A closed one gets no gradient from any photo; with torch's own biases one in about thirty starts so."""
    for seed in range(300):
        torch.manual_seed(seed)
        attention = ChannelAttention(16)
        average = torch.randn(8, 16, 8, 8).relu().mean((2, 3), keepdim=True)
        assert (attention.mlp[0](average) > 0).any()
