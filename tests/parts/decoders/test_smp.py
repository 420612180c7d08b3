"""Every architecture on both kinds of pyramid, and against the library's own whole models."""

from __future__ import annotations

from typing import get_args

import pytest
import segmentation_models_pytorch as library
import torch

import zoo
from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.core.resolve import resolve
from zoo.parts.decoders import smp
from zoo.parts.decoders.smp import SmpDecoder

ROWS = [name for name in zoo.list_models() if (decoder := resolve(name).parts.get("decoder")) and decoder.name == "smp"]
ON_A_LADDER = [name for name in ROWS if name != "dpt"]

CONV = [Level(8, 1), Level(16, 2), Level(32, 4), Level(64, 8), Level(128, 16)]
BACKBONE = [Level(16, 2), Level(24, 4), Level(40, 8), Level(80, 16), Level(160, 32)]
CONVNEXT = [Level(40, 4), Level(80, 8), Level(160, 16), Level(320, 32)]
VIT = [Level(48, 16)] * 4


def pyramid(levels, batch=2, height=64, width=96):
    return Pyramid([torch.randn(batch, c, height // r, width // r) for c, r in levels])


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("size", [(64, 64), (65, 97)])
def test_every_row_colorizes_photos_of_any_size(name, size):
    torch.manual_seed(0)
    model = zoo.build(name, width=16).eval()
    with torch.no_grad():
        assert model(torch.randn(2, 4, *size))["ab"].shape == (2, 2, *size)


def test_every_architecture_has_its_row():
    assert {resolve(name).parts["decoder"].options["architecture"] for name in ROWS} == set(get_args(smp.Architecture))


@pytest.mark.parametrize("architecture", ON_A_LADDER)
@pytest.mark.parametrize("levels", [CONV, BACKBONE, CONVNEXT], ids=["conv", "backbone", "convnext"])
def test_the_output_has_the_channels_and_the_reduction_it_says(architecture, levels):
    torch.manual_seed(0)
    decoder = SmpDecoder(levels, architecture=architecture, width=16)
    features = decoder(pyramid(levels))
    assert features.shape == (2, decoder.channels, 64 // decoder.reduction, 96 // decoder.reduction)
    features.square().mean().backward()
    assert [name for name, p in decoder.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("architecture", ROWS)
def test_a_batch_of_one_can_be_trained(architecture):
    torch.manual_seed(0)
    levels = VIT if architecture == "dpt" else CONV
    decoder = SmpDecoder(levels, architecture=architecture, width=16).train()
    assert torch.isfinite(decoder(pyramid(levels, batch=1))).all()


# The encoder of the library that gives a pyramid such as ours (its own may be dilated), and a photo's side.
WHOLE_MODELS = {
    "unetplusplus": (library.UnetPlusPlus, {}, 64),
    "manet": (library.MAnet, {}, 64),
    "linknet": (library.Linknet, {}, 64),
    "fpn": (library.FPN, {}, 64),
    "pspnet": (library.PSPNet, {}, 64),
    "deeplabv3plus": (library.DeepLabV3Plus, {"encoder_depth": 4}, 64),
    "pan": (library.PAN, {"encoder_output_stride": 32}, 512),  # a coarsest map of 16 × 16
    "upernet": (library.UPerNet, {}, 64),
    "segformer": (library.Segformer, {}, 64),
}


@pytest.mark.parametrize("architecture", WHOLE_MODELS)
@pytest.mark.slow
def test_the_adapter_gives_what_the_librarys_whole_model_gives(architecture, monkeypatch):
    """At full width, with its weights, but for the norms behind a global pooling, which stay the library's here."""
    monkeypatch.setattr(smp, "norms_per_sample", lambda decoder: None)
    torch.manual_seed(0)
    make, options, side = WHOLE_MODELS[architecture]
    whole = make("resnet18", encoder_weights=None, in_channels=4, classes=2, **options).eval()
    features = whole.encoder(torch.randn(1, 4, side, side))
    levels = [Level(f.shape[1], side // f.shape[2]) for f in features[1:]]
    adapter = SmpDecoder(levels, architecture=architecture).eval()
    theirs = {k.replace("fpa.", "fpa.network."): v for k, v in whole.decoder.state_dict().items()}
    adapter.decoder.load_state_dict(theirs if architecture == "pan" else whole.decoder.state_dict())
    with torch.no_grad():
        ours = adapter(Pyramid(features[1:]))
        torch.testing.assert_close(ours, whole.decoder(list(features)))
        assert ours.shape == (1, adapter.channels, side // adapter.reduction, side // adapter.reduction)
        # The library's head ends with the enlargement that ours leaves to the colorizer.
        assert whole.segmentation_head(ours).shape == (1, 2, side, side)


@pytest.mark.slow
def test_dpt_gives_what_the_librarys_whole_model_gives():
    torch.manual_seed(0)
    whole = library.DPT(
        "tu-vit_tiny_patch16_224",
        encoder_weights=None,
        in_channels=4,
        classes=2,
        decoder_readout="ignore",
        dynamic_img_size=True,
    ).eval()
    condition = torch.randn(1, 4, 64, 96)
    maps, _ = whole.encoder(condition)
    adapter = SmpDecoder([Level(192, 16)] * 4, architecture="dpt").eval()
    adapter.decoder.decoder.load_state_dict(whole.decoder.state_dict())
    adapter.decoder.refine[0].load_state_dict(whole.segmentation_head.head[:3].state_dict())
    with torch.no_grad():
        ab = whole.segmentation_head.head[-1](adapter(Pyramid(maps)))
        ab = torch.nn.functional.interpolate(ab, scale_factor=2, mode="bilinear", align_corners=True)
        torch.testing.assert_close(ab, whole(condition))


def test_pspnets_encoder_ends_where_its_decoder_looks():
    """Built whole on a ResNet-18, PSPNet has 11.3 M parameters, of which 10.49 M never get a gradient."""
    whole = library.PSPNet("resnet18", encoder_weights=None, in_channels=4, classes=2)
    ours = zoo.build("pspnet", width=64)
    count = sum(p.numel() for p in ours.parameters())
    assert sum(p.numel() for p in whole.parameters()) > 11.3e6
    assert 0.8e6 < count < 0.9e6
    assert ours.network.decoder.reduction == 8


@pytest.mark.parametrize(
    ("levels", "architecture", "sentence"),
    [
        (CONV, "dpt", "'dpt' needs levels of one reduction"),
        (VIT, "fpn", "'fpn' needs levels from 1, 2 or 4 that double"),
        (CONV[:1], "linknet", "'linknet' needs levels from 1, 2 or 4 that double"),
        (CONV[::2], "unetplusplus", "'unetplusplus' needs levels from 1, 2 or 4 that double"),
        (BACKBONE[:3], "fpn", "'fpn' needs four levels"),
        (CONV[:3], "segformer", "'segformer' needs levels to 8 or coarser"),
        ([Level(8, 1), Level(6, 2)], "pspnet", "divisible by 4"),
    ],
)
def test_levels_that_do_not_fit_are_one_sentence(levels, architecture, sentence):
    with pytest.raises(BadInput, match=sentence):
        SmpDecoder(levels, architecture=architecture)


def test_dpt_takes_an_odd_number_of_tokens():
    torch.manual_seed(0)
    decoder = SmpDecoder(VIT, architecture="dpt", width=8).eval()
    with torch.no_grad():
        assert decoder(pyramid(VIT, height=80, width=112)).shape == (2, 32, 40, 56)
        assert decoder(pyramid(VIT, height=16, width=16)).shape == (2, 32, 8, 8)
