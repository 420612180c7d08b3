from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from zoo.core.contracts import Level
from zoo.core.errors import BadInput
from zoo.parts.encoders.vgg import VGGEncoder


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_convolutions_have_the_published_number_of_parameters():
    with torch.device("meta"):
        published = count(torchvision.models.vgg16().features)
        assert count(VGGEncoder(3)) == published == 14_714_688
        # Our condition has a fourth channel: 64 more filters of 3×3.
        assert count(VGGEncoder(4)) == published + 64 * 9


def test_with_its_classifier_it_is_vgg16_up_to_fc7():
    with torch.device("meta"):
        theirs = torchvision.models.vgg16()
        up_to_fc7 = count(theirs) - count(theirs.classifier[-1])
        assert count(VGGEncoder(3, classifier=True)) == up_to_fc7 == 134_260_544


@pytest.mark.slow
def test_it_computes_what_torchvision_s_vgg16_computes():
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16().features.eval()
    ours = VGGEncoder(3).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(ours(x).maps[-1], theirs(x))


def test_taps_choose_the_maps():
    stages = VGGEncoder(4, width=2)
    assert stages.levels == tuple(Level(*level) for level in ((2, 1), (4, 2), (8, 4), (16, 8), (16, 16), (16, 32)))
    pools = VGGEncoder(4, width=2, taps="pools", classifier=True)
    assert pools.levels == tuple(Level(*level) for level in ((2, 2), (4, 4), (8, 8), (16, 16), (128, 32)))


def test_the_hypercolumn_of_all_layers_has_the_published_length():
    with torch.device("meta"):
        encoder = VGGEncoder(1, taps="all", classifier=True)
    assert sum(level.channels for level in encoder.levels) == 12_417  # Larsson et al. 2016, section 3.1
    assert len(encoder.levels) == 1 + 13 + 2


@pytest.mark.parametrize("taps", ["stages", "pools", "all"])
@pytest.mark.parametrize("classifier", [False, True])
def test_the_maps_are_what_the_levels_promise(taps, classifier):
    encoder = VGGEncoder(4, width=2, taps=taps, classifier=classifier)
    maps = encoder(torch.randn(1, 4, 64, 96)).maps
    assert [tuple(m.shape[1:]) for m in maps] == [(c, 64 // r, 96 // r) for c, r in encoder.levels]


def test_signals_keep_their_size_through_all_thirteen_convolutions():
    torch.manual_seed(0)
    with torch.no_grad():
        maps = VGGEncoder(4, width=32)(torch.randn(2, 4, 64, 64)).maps
    sizes = [float(m.square().mean().sqrt()) for m in maps]
    assert max(sizes) / min(sizes) < 6


def test_indices_need_the_maps_before_the_pooling():
    with pytest.raises(BadInput, match="taps: stages"):
        VGGEncoder(4, taps="pools", indices=True)
