"""Losses that look through a classifier."""

from __future__ import annotations

from pathlib import Path

import lpips
import numpy as np
import pytest
import skimage.color
import torch
import torchvision
from safetensors.torch import save_file

from zoo.core import download
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput, Unavailable
from zoo.parts.losses.feature_trunk import FeatureTrunk
from zoo.parts.losses.lpips import LPIPS
from zoo.parts.losses.perceptual import Perceptual
from zoo.parts.losses.style import Style, gram
from zoo.parts.weights import imagenet


@pytest.fixture(scope="session")
def alexnet_file(tmp_path_factory) -> Path:
    """Any weights at all: what is tested is the way they go."""
    path = tmp_path_factory.mktemp("trunk") / "alexnet.pth"
    features = torchvision.models.alexnet().features
    torch.save({f"features.{key}": value for key, value in features.state_dict().items()}, path)
    return path


def rgb_by_scikit_image(lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    lab = torch.cat(((lightness + 1) * 50, ab * 110), dim=1).permute(0, 2, 3, 1).double().numpy()
    return torch.from_numpy(np.clip(skimage.color.lab2rgb(lab), 0, 1)).permute(0, 3, 1, 2).float()


def photos_of(nearly, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    ab = nearly["ab"].detach()
    return rgb_by_scikit_image(batch.lightness, ab), rgb_by_scikit_image(batch.lightness, batch.ab)


def test_perceptual_is_half_the_mean_square_of_feature_differences(batch: Batch, nearly) -> None:
    x, y = photos_of(nearly, batch)
    trunk = FeatureTrunk("efficientnet_lite0", (0, 2))
    by_hand = [(f.double() - p.double()).square().mean() / 2 for f, p in zip(trunk(x), trunk(y), strict=True)]
    loss = Perceptual(levels=(0, 2), weights=(0.25, 3.0))
    assert loss(nearly, batch).item() == pytest.approx((0.25 * by_hand[0] + 3 * by_hand[1]).item(), rel=1e-3)


def test_style_is_gatys_equation_on_undivided_gram_matrices(batch: Batch, nearly) -> None:
    x, y = photos_of(nearly, batch)
    trunk = FeatureTrunk("efficientnet_lite0", (1,))
    (f,), (a,) = trunk(x), trunk(y)
    n, m = f.shape[1], f.shape[2] * f.shape[3]
    energies = []
    for predicted, true in zip(f.double().flatten(2).numpy(), a.double().flatten(2).numpy(), strict=True):
        energies.append(((predicted @ predicted.T - true @ true.T) ** 2).sum() / (4 * n**2 * m**2))
    assert Style(levels=(1,))(nearly, batch).item() == pytest.approx(np.mean(energies), rel=1e-3)


def test_style_does_not_mind_where_things_are() -> None:
    features = torch.randn(2, 8, 5, 6, generator=torch.Generator().manual_seed(0))
    moved = features.flatten(2)[..., torch.randperm(30, generator=torch.Generator().manual_seed(1))]
    torch.testing.assert_close(gram(features), gram(moved.view_as(features)))
    assert not torch.allclose(gram(features), gram(features.flip(1)))


@pytest.mark.slow
def test_gradients_at_the_border_of_the_gamut_are_finite() -> None:
    ab = torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, 1.0], [0.9, -1.0]]).view(4, 2, 1, 1).repeat(1, 1, 32, 32)
    lightness = torch.tensor([-1.0, 1.0, 0.99, -0.99]).view(4, 1, 1, 1).expand(4, 1, 32, 32)
    batch = Batch(lightness, torch.zeros_like(ab), ab, lightness)
    leaf = ab.clone().requires_grad_()
    (Perceptual()({"ab": leaf}, batch) + Style()({"ab": leaf}, batch)).backward()
    assert leaf.grad.isfinite().all()


def test_trunks_are_frozen_and_leave_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    loss = Perceptual().train()
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(p.requires_grad for p in loss.parameters())
    assert not loss.trunk.net.training


def test_the_shipped_trunk_is_trained_not_random(batch: Batch) -> None:
    """A trained stem has oriented filters: their energy is far from evenly spread."""
    stem = next(iter(FeatureTrunk("efficientnet_lite0", (0,)).net.parameters()))
    norms = stem.flatten(1).norm(dim=1)
    assert norms.max() / norms.median() > 2


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_vgg16_file_gives_the_papers_levels(tmp_path: Path, suffix: str) -> None:
    vgg = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"], batch_norm=False)
    state = {f"features.{key}": value for key, value in vgg.state_dict().items()}
    path = tmp_path / f"vgg{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    rgb = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    relu1_2, relu2_2 = FeatureTrunk("vgg16", (0, 1), str(path))(rgb)
    normal = torchvision.transforms.functional.normalize(rgb, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    torch.testing.assert_close(relu1_2, vgg[:4](normal))
    torch.testing.assert_close(relu2_2, vgg[:9](normal))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
def test_lpips_is_the_packages_value(batch: Batch, nearly, alexnet_file: Path) -> None:
    package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trunk = torch.load(alexnet_file, weights_only=True)
    for part in (package.net.slice1, package.net.slice2, package.net.slice3, package.net.slice4, package.net.slice5):
        for index, layer in part.named_children():
            layer.load_state_dict({k: trunk[f"features.{index}.{k}"] for k in layer.state_dict()})
    x, y = photos_of(nearly, batch)
    expected = package(2 * x - 1, 2 * y - 1).mean()
    value = LPIPS(trunk_file=str(alexnet_file))(nearly, batch)
    assert value.item() == pytest.approx(expected.item(), rel=1e-3)
    value.backward()
    assert nearly["ab"].grad.isfinite().all()


@pytest.mark.slow
def test_lpips_has_a_gradient_where_no_feature_is_active(batch: Batch, alexnet_file: Path, tmp_path: Path) -> None:
    state = {key: value * 0 for key, value in torch.load(alexnet_file, weights_only=True).items()}
    torch.save(state, tmp_path / "dead.pth")
    leaf = batch.ab.clone().requires_grad_()
    LPIPS(trunk_file=str(tmp_path / "dead.pth"))({"ab": leaf}, batch).backward()
    assert leaf.grad.isfinite().all()


def test_lpips_refuses_photos_its_trunk_cannot_take(alexnet_file: Path) -> None:
    plane, ab = torch.zeros(1, 1, 31, 40), torch.zeros(1, 2, 31, 40)
    with pytest.raises(BadInput, match="32"):
        LPIPS(trunk_file=str(alexnet_file))({"ab": ab}, Batch(plane, ab, ab, plane))


def test_weights_out_of_reach_are_unavailable_not_random(monkeypatch, tmp_path) -> None:
    def unreachable(*args, **kwargs):
        raise OSError("no route")

    monkeypatch.setattr(download, "_connect", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for make in (LPIPS, lambda: Perceptual(trunk="vgg16")):
        with pytest.raises(Unavailable, match="trunk_file"):
            make()


@pytest.mark.slow
def test_files_that_are_no_state_dict_are_refused(tmp_path: Path, alexnet_file: Path) -> None:
    (tmp_path / "text.pth").write_text("not weights")
    (tmp_path / "text.safetensors").write_text("not weights")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    for name in ("text.pth", "text.safetensors", "tensor.pth", "missing.pth"):
        with pytest.raises(BadInput, match=name):
            imagenet.trunk_state("alexnet", str(tmp_path / name))
    with pytest.raises(BadInput, match="lack"):
        LPIPS(net="vgg", trunk_file=str(alexnet_file))
