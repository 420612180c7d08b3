"""LRRU: its updates against torchvision's deformable convolution, where they start, what each learns from."""

import pytest
import torch
from torchvision.ops import deform_conv2d

import zoo
from zoo.core.errors import BadInput
from zoo.parts.networks.lrru import LRRU, Update
from zoo.parts.propagators.pyramid import PyramidPropagator


@pytest.fixture
def condition() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(2, 1, 32, 48, generator=generator) * 2 - 1
    mask = (torch.rand(2, 1, 32, 48, generator=generator) < 0.05).float()
    return torch.cat((lightness, (torch.rand(2, 2, 32, 48, generator=generator) - 0.5) * mask, mask), dim=1)


def test_it_starts_at_what_was_filled_in_before(condition: torch.Tensor) -> None:
    torch.manual_seed(0)
    found = zoo.build("lrru").eval()(condition)["ab"]
    torch.testing.assert_close(found, PyramidPropagator()(condition)[0])


def test_an_update_is_the_deformable_convolution_of_the_public_code() -> None:
    torch.manual_seed(0)
    update = Update(4).eval()
    torch.nn.init.normal_(update.weight.weight)
    colour, context = torch.randn(1, 2, 24, 24), torch.randn(1, 4, 24, 24)
    kept: dict[str, torch.Tensor] = {}
    update.weight.register_forward_hook(lambda _, __, out: kept.update(weight=out.sigmoid()))
    update.offset.register_forward_hook(lambda _, __, out: kept.update(offset=out))
    found = update(colour, context)
    # Here the pixel's own weight is the first, theirs in the middle of the eight.
    weight = torch.cat((kept["weight"][:, 1:5], kept["weight"][:, :1], kept["weight"][:, 5:]), dim=1)
    still = torch.zeros_like(kept["offset"][:, :2])
    offset = torch.cat((kept["offset"][:, :8], still, kept["offset"][:, 8:]), dim=1)
    weight = weight - weight.mean(1, keepdim=True)
    expected = colour + deform_conv2d(colour, offset, torch.ones(2, 1, 3, 3), padding=1, mask=weight)
    edge = 2 + int(kept["offset"].abs().max())  # beyond it theirs reads zeros
    inside = (..., slice(edge, -edge), slice(edge, -edge))
    assert edge < 10
    torch.testing.assert_close(found[inside], expected[inside])


def test_every_update_learns_from_its_own_result_alone(condition: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = zoo.build("lrru")
    network = model.network.network
    for update in network.updates:
        torch.nn.init.normal_(update.weight.weight)
    predicted = model(condition)
    assert [key for key in predicted if key.startswith("ab")] == ["ab", "ab_update1", "ab_update2", "ab_update3"]
    predicted["ab_update2"].square().sum().backward()
    reached = [any(p.grad is not None and p.grad.any() for p in each.parameters()) for each in network.updates]
    assert reached == [False, True, False, False]


def test_blocks_are_skipped_in_training_only(condition: torch.Tensor) -> None:
    torch.manual_seed(0)
    network = LRRU(base=2, survival=0.1)
    network(condition)
    network.eval()
    torch.testing.assert_close(network(condition)["context1"], network(condition)["context1"], atol=0, rtol=0)
    network.train()
    drawn = {float(network(condition)["context1"].detach().sum()) for _ in range(4)}
    assert len(drawn) > 1


def test_sizes_and_chances_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadInput, match="base=0"):
        LRRU(base=0)
    with pytest.raises(BadInput, match="survival=0"):
        LRRU(survival=0)
