from __future__ import annotations

import torch
from torch import nn

from zoo.parts.decoders.enet import ENetDecoder
from zoo.parts.encoders.enet import ENetEncoder
from zoo.parts.layers.enet_bottleneck import RegularBottleneck


def count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def enet(in_channels: int = 4, classes: int = 20) -> tuple[ENetEncoder, ENetDecoder]:
    encoder = ENetEncoder(in_channels)
    return encoder, ENetDecoder(encoder.levels, classes=classes)


def test_it_has_the_reference_implementation_s_number_of_parameters():
    # What ENet(20) and ENet(12) of github.com/davidtvs/PyTorch-ENet (models/enet.py at e17d404) count.
    assert count(*enet(3, classes=20)) == 351_804
    assert count(*enet(3, classes=12)) == 350_652
    # A fourth input channel: 12 filters of 4 × 9 weights where 13 have 3 × 9.
    assert count(*enet(4, classes=20)) == 351_804 + 12 * 36 - 13 * 27


def test_the_stages_have_the_sizes_of_table_1():
    encoder, decoder = enet()
    sizes: list[tuple[int, int]] = []
    stages = [encoder.initial, encoder.stage1, encoder.stage2, encoder.stage3, *decoder.stages]
    for stage in stages:
        stage.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[1:])))
    with torch.no_grad():
        result = decoder.eval()(encoder.eval()(torch.zeros(1, 4, 512, 512)))
    assert sizes == [
        (16, 256, 256),
        (64, 128, 128),
        (128, 64, 64),
        (128, 64, 64),
        (64, 128, 128),
        (16, 256, 256),
    ]
    assert result.shape == (1, 20, 512, 512)


def test_the_bottlenecks_alternate_as_in_table_1():
    encoder, decoder = enet()
    for stage in (encoder.stage2, encoder.stage3):
        kinds = []
        for bottleneck in stage:
            shapes = [m for m in bottleneck.branch if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
            kinds.append((shapes[0].kernel_size, shapes[0].dilation[0]))
        regular, asymmetric = ((3, 3), 1), ((5, 1), 1)
        assert kinds == [
            *(regular, ((3, 3), 2), asymmetric, ((3, 3), 4)),
            *(regular, ((3, 3), 8), asymmetric, ((3, 3), 16)),
        ]
    assert [len(stage) for stage in (encoder.stage1, *decoder.stages)] == [4, 2, 1]


def test_the_encoder_has_prelus_and_the_decoder_relus():
    encoder, decoder = enet()
    assert not any(isinstance(m, nn.ReLU) for m in encoder.modules())
    assert not any(isinstance(m, nn.PReLU) for m in decoder.modules())


def test_dropout_is_spatial_and_weaker_in_the_first_stage():
    encoder, decoder = enet()

    def rates(module: nn.Module) -> set[float]:
        return {m.p for m in module.modules() if isinstance(m, nn.Dropout2d)}

    assert rates(encoder.down1) == rates(encoder.stage1) == {0.01}
    assert rates(encoder.stage2) == rates(encoder.stage3) == rates(decoder) == {0.1}


def test_an_asymmetric_bottleneck_sees_five_pixels_a_side():
    torch.manual_seed(0)
    bottleneck = RegularBottleneck(8, activation=nn.PReLU, dropout=0.0, asymmetric=5).eval()
    x = torch.randn(1, 8, 15, 15, requires_grad=True)
    bottleneck(x)[0, :, 7, 7].sum().backward()
    rows, columns = x.grad[0].abs().sum(0).nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 9, 5, 9)


def test_a_width_as_small_as_the_condition_still_convolves():
    encoder = ENetEncoder(4, width=4)
    assert encoder.levels[0].channels == 5
    assert encoder(torch.randn(2, 4, 32, 32)).maps[0].shape == (2, 5, 16, 16)
