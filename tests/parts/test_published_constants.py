"""The papers' constants in the papers' own units: every expected number is computed from the original, not from us.

Each origin is named beside its number; files are of the repository that the recipe's or the row's ``source`` names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.color import split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.registry import current
from zoo.core.resolve import build
from zoo.core.spec import RecipeRow, part_ref
from zoo.harness.training.schedule import make_schedule
from zoo.parts.layers.gaussian_mixture import GaussianMixture
from zoo.parts.networks.chromagan import ChromaGAN
from zoo.parts.networks.deshpande2017 import Deshpande2017
from zoo.parts.networks.icolorit import IColoriT
from zoo.parts.networks.zhang2017 import GlobalHints


@pytest.fixture(scope="module")
def truth(photos: list[np.ndarray]) -> Batch:
    """Real photos, 64×64, in the units of the zoo."""
    lightness, ab = split_lab(torch.from_numpy(np.stack(photos)[:4, :64, :64]).permute(0, 3, 1, 2))
    return Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))


@pytest.fixture(scope="module")
def guess(truth: Batch) -> Tensor:
    return 0.6 * truth.ab + 0.03 * torch.randn(truth.ab.shape, generator=torch.Generator().manual_seed(0))


def weighted(recipe: RecipeRow, name: str, guess: Tensor, truth: Batch) -> float:
    """What the recipe adds to the objective for one of its losses."""
    given = recipe.losses[name]
    options = dict(given) if isinstance(given, dict) else {"weight": given}
    weight = float(options.pop("weight"))
    return weight * float(make("losses", name, **options)({"ab": guess}, truth))


def lab_units(ab: Tensor) -> Tensor:
    return ab.double() * 110


def rates(recipe: RecipeRow, parts: list[float]) -> list[float]:
    rate = make_schedule(recipe.schedule, recipe.warmup)
    return [recipe.lr * rate(part) for part in parts]


def test_chromagan_squares_the_error_of_8_bit_ab_over_255(truth: Batch, guess: Tensor) -> None:
    """SOURCE/dataClass.py: labels = 8-bit Lab / 255; ChromaGAN.py: loss 'mse', weights 1, 0.003, 0.1."""
    recipe = current().recipe("chromagan")
    theirs, target = ((lab_units(ab) + 128) / 255 for ab in (guess, truth.ab))
    assert weighted(recipe, "l2", guess, truth) == pytest.approx(float((theirs - target).square().mean()), rel=1e-5)
    assert recipe.losses["class_distribution"] == 0.003
    options = part_ref(recipe.objective, "").options
    assert (options["weight"], options["penalty"], recipe.lr, recipe.betas[0]) == (0.1, 10, 2e-5, 0.5)


def test_chromagans_critic_measures_distances_in_ab_over_255(truth: Batch, guess: Tensor) -> None:
    """A critic that is linear, of slope 1 in ab / 255, pays no penalty, and its distance is that of ab / 255."""

    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            slope = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
            self.slope = nn.Parameter(slope / slope.norm())

        def forward(self, x: Tensor) -> Tensor:
            return (x[:, -2:].double() * self.slope).sum((1, 2, 3)).view(-1, 1, 1, 1)

    class Given(nn.Module):
        stride = 1

        def forward(self, condition: Tensor) -> Tensor:
            return guess

    objective = make("objectives", current().recipe("chromagan").objective, Colorizer(Given()), {})
    objective.discriminator = Linear()
    _, terms = objective.loss("discriminator", truth)
    theirs, target = ((lab_units(ab) + 128) / 255 for ab in (guess, truth.ab))
    distance = ((target - theirs) * objective.discriminator.slope.detach()).sum((1, 2, 3)).mean()
    assert float(terms["penalty"]) == pytest.approx(0, abs=1e-6)
    assert float(terms["distance"]) == pytest.approx(float(distance), rel=1e-4)


def test_chromagans_sigmoid_spans_8_bit_ab() -> None:
    """ChromaGAN.py: the last layer is a sigmoid of (a* + 128) / 255: from −128 to 127 Lab units."""
    network = ChromaGAN(width=8).eval()
    for bias, lab in ((-60.0, -128.0), (60.0, 127.0)):
        nn.init.constant_(network.colour.bias, bias)
        with torch.no_grad():
            ab = network(torch.zeros(1, 4, 32, 32))["ab"]
        torch.testing.assert_close(ab * 110, torch.full_like(ab, lab))


def test_iizuka_squares_the_error_of_colours_in_0_to_1(truth: Batch, guess: Tensor) -> None:
    """Section 3.4: a* and b* scaled to [0, 1]; colorize.lua: ab = 100 · (2σ − 1), so σ = (ab + 100) / 200."""
    recipe = current().recipe("iizuka2016")
    theirs, target = ((lab_units(ab) + 100) / 200 for ab in (guess, truth.ab))
    assert weighted(recipe, "l2", guess, truth) == pytest.approx(float((theirs - target).square().mean()), rel=1e-5)
    assert recipe.losses["classification"] == pytest.approx(1 / 300)


def test_zhang2016_drops_its_rate_after_225000_and_450000_of_500000_steps() -> None:
    """train/solver.prototxt: base_lr 3e-5, stepsize 225000, gamma 0.1, max_iter 500000, Adam 0.9, 0.99, decay 1e-3."""
    recipe = current().recipe("zhang2016")
    steps = [0, 224_999, 225_000, 449_999, 450_000, 499_999]
    assert rates(recipe, [step / 500_000 for step in steps]) == pytest.approx([3e-5, 3e-5, 3e-6, 3e-6, 3e-7, 3e-7])
    assert (recipe.betas, recipe.weight_decay, recipe.batch) == ((0.9, 0.99), 1e-3, 40)
    assert recipe.epochs == pytest.approx(500_000 * 40 / 1_281_167, rel=0.03)


def test_zhang2017_classifies_at_1e_4_and_follows_hints_at_1e_5_and_1e_6() -> None:
    """scripts/train_siggraph.sh: 100 passes over a hundredth of the classes and 15; then 10 at 1e-5; 5 at 1e-6."""
    recipe = current().recipe("zhang2017")
    passes = 100 / 100 + 15 + 10 + 5
    assert recipe.epochs == passes
    middles = [0.5, 8, 15.9, 16.1, 25.9, 26.1, 30.9]
    expected = [1e-4, 1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6]
    assert rates(recipe, [middle / passes for middle in middles]) == pytest.approx(expected)


def test_zhang2017_adds_ten_times_the_l1_of_both_channels(truth: Batch, guess: Tensor) -> None:
    """models/pix2pix_model.py: loss_G_CE + 10 · mean of networks.L1Loss, which sums |d| over a and b, of ab / 110."""
    theirs = 10 * (guess.double() - truth.ab.double()).abs().sum(1).mean()
    assert weighted(current().recipe("zhang2017"), "l1", guess, truth) == pytest.approx(float(theirs), rel=1e-5)


def test_zhang2017s_huber_loss_is_that_of_the_paper(truth: Batch, guess: Tensor) -> None:
    """Eq. 2 with δ = 1 Lab step, as networks.HuberLoss has it: divided by δ, summed over a and b; times 10."""
    d, delta = (guess.double() - truth.ab.double()).abs(), 1 / 110
    theirs = torch.where(d < delta, d**2 / (2 * delta), d - delta / 2).sum(1).mean() * 10
    recipe = current().recipe("zhang2017_huber")
    assert weighted(recipe, "huber", guess, truth) == pytest.approx(float(theirs), rel=1e-5)


def test_global_hints_are_rectified_and_normalised_where_they_are_summed() -> None:
    """models/global_model of junyanz/interactive-deep-colorization, in float64: sum, ReLU, norm; three layers more."""
    torch.manual_seed(0)
    hints = GlobalHints(6, keep=1.0).double().eval()
    for module in hints.modules():
        if hasattr(module, "running_mean"):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    extras = {"histogram": torch.rand(3, 2, 4, 4).double() - 0.5, "saturation": torch.rand(3, 1).double()}

    def normalised(norm: Any, x: Tensor) -> Tensor:
        return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias

    def dense(layer: Any, x: Tensor) -> Tensor:
        return x @ layer.weight.T + layer.bias

    given = torch.ones(3, 1).double()
    histogram = torch.cat((hints.histogram(extras["histogram"]).double(), given), 1)
    summed = dense(hints.from_histogram, histogram) + dense(
        hints.from_saturation, torch.cat((extras["saturation"], given), 1)
    )
    norms = [module for module in hints.layers if hasattr(module, "running_mean")]
    layers = [module for module in hints.layers if isinstance(module, nn.Linear)]
    assert (len(norms), len(layers)) == (4, 3)
    x = normalised(norms[0], summed.relu())
    for layer, norm in zip(layers, norms[1:], strict=True):
        x = normalised(norm, dense(layer, x).relu())
    with torch.no_grad():
        torch.testing.assert_close(hints(extras)[..., 0, 0], x, rtol=1e-6, atol=1e-6)


def test_the_authors_attention_unet_has_gates_as_wide_as_their_skips() -> None:
    """unet_CT_single_att_dsv_3D.py: inter_size = in_size at levels 2 to 4, level 1 ungated; combine_gates behind."""
    rises = build("attention_unet_grid", width=8, depth=5).network.decoder.rises
    *gated, finest = [rise.skip for rise in rises]
    assert [skip.gate.theta.out_channels for skip in gated] == [64, 32, 16]  # the skips' own: 8 · 2 ** level
    for skip, channels in zip(gated, (64, 32, 16), strict=True):
        (convolution, norm), activation = skip.closing[0], skip.closing[1]
        assert (convolution.in_channels, convolution.out_channels, convolution.kernel_size) == (
            channels,
            channels,
            (1, 1),
        )
        assert isinstance(norm, nn.BatchNorm2d)
        assert isinstance(activation, nn.ReLU)
    assert not hasattr(finest, "gate")


def test_icolorit_sees_half_of_our_lightness_and_the_mask_as_it_is() -> None:
    """engine.py: rgb2lab(images, 50, 100, 110): (L* − 50) / 100 and ab / 110; modeling.py: the mask is 0 or 1."""
    network = IColoriT(width=16, depth=1).eval()
    seen: list[Tensor] = []
    network.embed.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    lightness = torch.rand(1, 1, 16, 16) * 100
    rest = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        network(torch.cat((lightness / 50 - 1, rest), 1))
    torch.testing.assert_close(seen[0], torch.cat(((lightness - 50) / 100, rest), 1))


def test_icolorits_rate_ends_at_1e_5() -> None:
    """train.py: --lr 5e-4, --min_lr 1e-5, --warmup_epochs 3 of 100; utils.cosine_scheduler; datasets.py: no flip."""
    recipe = current().recipe("icolorit")
    assert rates(recipe, [0.015, 0.03, 0.515, 1.0]) == pytest.approx([2.5e-4, 5e-4, 2.55e-4, 1e-5])
    assert (recipe.betas, recipe.weight_decay, recipe.batch, recipe.flip) == ((0.9, 0.95), 0.05, 256, False)


def test_icolorits_loss_is_divided_by_delta_and_summed_over_both_channels(truth: Batch, guess: Tensor) -> None:
    """losses.py: ½ d² / δ below δ = 0.01, else |d| − δ / 2; sum over a and b, mean over pixels."""
    d, delta = (guess.double() - truth.ab.double()).abs(), 0.01
    theirs = torch.where(d < delta, d**2 / (2 * delta), d - delta / 2).sum(1).mean()
    assert weighted(current().recipe("icolorit"), "huber", guess, truth) == pytest.approx(float(theirs), rel=1e-5)


def test_icolorits_hints_are_cells_of_a_grid_each_once(photos: list[np.ndarray]) -> None:
    """hint_generator.py: 0 to 128 of the photo's 2×2 cells, shuffled; modeling.py: each with its mean colour."""
    _, ab = split_lab(torch.from_numpy(np.stack(photos)[:, :40, :48]).permute(0, 3, 1, 2))
    ab = ab.repeat(50, 1, 1, 1)
    hint, mask = make("hints", current().recipe("icolorit").train_hints)(ab, torch.Generator().manual_seed(0))
    cells = mask.unfold(2, 2, 2).unfold(3, 2, 2)[:, 0]
    assert torch.equal(cells.amax((3, 4)), cells.amin((3, 4)))
    counts = cells.amax((3, 4)).sum((1, 2))
    assert (counts.min(), counts.max()) == (0, 128)  # of 480 cells: none was drawn twice
    assert counts.mean() == pytest.approx(64, abs=4 * 37.2 / len(ab) ** 0.5)
    means = torch.nn.functional.avg_pool2d(ab, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(hint, means * mask)
    everywhere = make("hints", {"name": "points", "count": 200, "sizes": 2, "positions": "grid"})
    _, full = everywhere(torch.zeros(2, 2, 9, 7), torch.Generator().manual_seed(0))
    assert full[..., :8, :6].all()
    assert full.sum() == 2 * 48  # the last row and column are no whole cells


def test_pix2pix_colours_imagenet_in_six_passes() -> None:
    """Appendix 6.2: Adam 2e-4, 0.5, 0.999; BW→color: about 6 passes over 1.2 million photos, batch 4; 100 · L1."""
    recipe = current().recipe("pix2pix")
    assert (recipe.lr, recipe.betas, recipe.batch, recipe.epochs) == (2e-4, (0.5, 0.999), 4, 6)
    assert recipe.losses == {"l1": 100.0}


def test_deshpandes_code_divides_by_sigma_as_by_a_variance() -> None:
    """mdn/mdn.py: ½ |z − μ|² / 0.1 of the nearest component; ours with the scale that the row's note gives."""
    torch.manual_seed(0)
    network = Deshpande2017(width=8, scale=0.3162)
    logits, means, z = torch.randn(2, 3), torch.randn(2, 3, 5), torch.randn(2, 5)
    mixture = GaussianMixture(logits, means, torch.full((2, 3), network.scale))
    distance = 0.5 * (z[:, None] - means).square().sum(2) / 0.1
    least, nearest = distance.min(1)
    theirs = least - logits.softmax(1).gather(1, nearest[:, None])[:, 0].log()
    torch.testing.assert_close(mixture.nearest_component_loss(z), theirs, rtol=1e-3, atol=1e-3)
    assert "scale=0.3162" in current().entry("models", "deshpande2017").row.note  # type: ignore[union-attr]
    assert "vae_wo_skipconn" in current().entry("models", "deshpande2017").row.note  # type: ignore[union-attr]
