"""The ready rows on timm's backbones."""

import pytest
import torch

import zoo
from zoo.core.assemble import assemble
from zoo.core.resolve import resolve

SPECS = {name: resolve(name) for name in zoo.list_models() if "encoder" in resolve(name).parts}
ROWS = [
    name
    for name, spec in SPECS.items()
    if spec.parts["encoder"].name == "timm" and not spec.parts["encoder"].options.get("pretrained")
]
"""Pretrained trunks are looked at in test_timm_backbone.py."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ROWS if SPECS[name].parts["decoder"].name == "unet"])
@pytest.mark.parametrize("size", [(64, 64), (65, 97), (1, 1)])
def test_any_size_comes_back_as_it_went_in(name, size):
    torch.manual_seed(0)
    model = zoo.build(name).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 4, *size))["ab"].shape == (1, 2, *size)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.slow
def test_a_suites_depth_does_not_reach_a_backbone_whose_maps_the_row_names(name):
    as_it_is = assemble(resolve(name)).network.encoder.levels
    under_a_suite = assemble(resolve(name, defaults={"width": 16, "depth": 5})).network.encoder.levels
    assert as_it_is == under_a_suite


def test_swin_and_its_nhwc_maps_make_a_u_net_too():
    torch.manual_seed(0)
    options = {"encoder.backbone": "swin_tiny_patch4_window7_224", "encoder.timm_options": {"strict_img_size": False}}
    model = zoo.build("convnext_unet", **options).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 4, 65, 97))["ab"].shape == (1, 2, 65, 97)
