"""CBAM on a skip, and the rows that put attention on their skips."""

import pytest
import torch

import zoo
from zoo.parts.blocks.multi_scale import MultiScale
from zoo.parts.skips.attention_gate import GridGate
from zoo.parts.skips.cbam import CBAMSkip
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
