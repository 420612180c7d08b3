"""Two players, each with gradients of its own; the discriminator sees what the paper says it sees."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.objectives.adversarial import Adversarial, PatchGAN


def absolute(prediction: Prediction, batch: Batch) -> Tensor:
    return (prediction["ab"] - batch.ab).abs().mean()


class Counting(nn.Module):
    """A colorizer that counts how often it is asked."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 2, 3, padding=1)
        self.calls = 0

    def forward(self, condition: Tensor) -> Tensor:
        self.calls += 1
        return self.convolution(condition)


def objective_of(**options: object) -> tuple[Adversarial, Counting]:
    torch.manual_seed(3)
    network = Counting()
    return Adversarial(Colorizer(network), {"l1": (100.0, absolute)}, discriminator_width=4, **options), network  # type: ignore[arg-type]


@pytest.mark.parametrize("gan", ["vanilla", "lsgan", "wgan_gp"])
def test_each_player_moves_only_itself(batch: Batch, gan: str) -> None:
    objective, network = objective_of(gan=gan)
    objective.begin_step(0.0)
    loss, _ = objective.loss("discriminator", batch)
    loss.backward()
    assert all(p.grad is None for p in network.parameters())
    assert all(p.grad is not None and p.grad.any() for p in objective.discriminator.layers.parameters() if p.ndim > 1)
    objective.zero_grad(set_to_none=True)
    loss, _ = objective.loss("colorizer", batch)
    loss.backward()
    assert all(p.grad is None for p in objective.parameters())
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
    assert network.calls == 1


def test_a_step_after_the_discriminators_sees_its_new_weights(batch: Batch) -> None:
    objective, _ = objective_of()
    fooled = []
    for shift in (0.0, 1.0):
        objective.begin_step(0.0)
        objective.loss("discriminator", batch)[0].backward()
        with torch.no_grad():
            objective.discriminator.layers[-1].bias.add_(shift)
        total, terms = objective.loss("colorizer", batch)
        total.backward()
        fooled.append(float(terms["fool"]))
        assert float(total.detach()) == pytest.approx(100 * float(terms["l1"]) + float(terms["fool"]), rel=1e-5)
    assert fooled[1] < fooled[0]


def test_losses_are_the_papers(batch: Batch) -> None:
    for gan in ("vanilla", "lsgan"):
        objective, network = objective_of(gan=gan)
        objective.eval()
        d, _ = objective.loss("discriminator", batch)
        g = objective.loss("colorizer", batch)[1]["fool"]
        with torch.no_grad():
            real = objective.discriminator(torch.cat((batch.condition, batch.ab), 1)).double()
            fake = objective.discriminator(torch.cat((batch.condition, network(batch.condition)), 1)).double()
        if gan == "vanilla":
            told = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
            fool = -fake.sigmoid().log().mean()
        else:
            told, fool = (real - 1).square().mean() + fake.square().mean(), (fake - 1).square().mean()
        assert float(d.detach()) == pytest.approx(float(told.detach() / 2), rel=1e-5)
        assert float(g) == pytest.approx(float(fool), rel=1e-5)


def test_gradient_penalty_equals_finite_differences(batch: Batch) -> None:
    objective, network = objective_of(gan="wgan_gp", penalty=10.0)
    objective.double()
    wide = Batch(*(t.double() for t in (batch.lightness, batch.ab, batch.hint_ab, batch.hint_mask)))
    fake = network(batch.condition).detach().double()
    state = objective.noise.get_extra_state()
    penalty = objective._gradient_penalty(wide, wide.ab, fake)
    objective.noise.set_extra_state(state)
    share = objective.noise.uniform(wide.ab[:, :1, :1, :1])
    between = (share * wide.ab + (1 - share) * fake.float()).requires_grad_()

    def critic(ab: Tensor) -> Tensor:
        return objective.discriminator(torch.cat((wide.condition, ab), 1)).sum((1, 2, 3))

    gradient = torch.autograd.grad(critic(between).sum(), between)[0]
    # The gradient itself, along random directions, against central differences.
    for seed in range(3):
        direction = torch.randn(between.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        direction = direction / 1e6
        with torch.no_grad():
            slope = critic(between + direction) - critic(between - direction)
        torch.testing.assert_close(slope / 2, (gradient * direction).sum((1, 2, 3)), rtol=1e-3, atol=1e-12)
    expected = sum((float(g.norm()) - 1) ** 2 for g in gradient) / len(gradient)
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-5)
    penalty.backward()
    assert objective.discriminator.layers[0].weight.grad.any()


def test_wasserstein_discriminator_does_not_mix_photos() -> None:
    wasserstein, _ = objective_of(gan="wgan_gp")
    vanilla, _ = objective_of()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in wasserstein.discriminator.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in vanilla.discriminator.modules())


def test_state_does_not_repeat_the_colorizer() -> None:
    objective, _ = objective_of()
    assert all(key.startswith(("discriminator.", "noise.")) for key in objective.state_dict())


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_one_logit_sees_a_patch(layers: int, side: int) -> None:
    discriminator = PatchGAN(6, width=2, layers=layers, norm="none")
    x = torch.randn(1, 6, 256, 256, generator=torch.Generator().manual_seed(0), requires_grad=True)
    logits = discriminator(x)
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    assert x.grad is not None
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    columns = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == side
    assert int(columns[-1] - columns[0]) + 1 == side


def test_full_size_has_the_published_map_and_count() -> None:
    with torch.device("meta"):
        discriminator = PatchGAN(6)
        assert discriminator(torch.empty(1, 6, 256, 256)).shape == (1, 1, 30, 30)
    count = sum(p.numel() for p in discriminator.parameters())
    # The authors' code prints 2.769 M; its three convolutions before a batch norm have no bias.
    assert count - (128 + 256 + 512) == 2_768_705


def test_a_photo_below_one_patch_is_refused() -> None:
    with pytest.raises(BadInput, match="too small"):
        PatchGAN(6, width=2)(torch.zeros(1, 6, 16, 16))
    assert PatchGAN(6, width=2)(torch.zeros(2, 6, 24, 24)).shape == (2, 1, 1, 1)
