import pytest
import torch

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.parts.heads.ab import AbHead


@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
@pytest.mark.parametrize("channels", [16, 256])
def test_starts_near_grey_whatever_its_width_but_not_at_it(activation, channels):
    torch.manual_seed(0)
    head = AbHead(channels, activation=activation)
    features = torch.randn(4, channels, 16, 16, requires_grad=True)
    ab = head(features)["ab"]
    assert ab.shape == (4, 2, 16, 16)
    assert 0.001 < ab.detach().std() < 0.05
    (ab - 0.3).square().mean().backward()
    assert features.grad.any()
    assert all(p.grad.any() for p in head.parameters())


@pytest.mark.parametrize(("activation", "reach"), [("tanh", 1.0), ("sigmoid", 100 / 110)])
def test_bounded_activations_reach_their_bounds(activation, reach):
    head = AbHead(1, activation=activation)
    torch.nn.init.ones_(head.project.weight)
    ab = head(torch.tensor([-100.0, 0.0, 100.0]).view(1, 1, 1, 3))["ab"]
    torch.testing.assert_close(ab[0, 0, 0], torch.tensor([-reach, 0.0, reach]))


def test_the_answer_is_float32_under_autocast():
    head = AbHead(8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert head(torch.randn(1, 8, 4, 4))["ab"].dtype == torch.float32


def test_an_unknown_activation_is_refused():
    with pytest.raises(BadInput, match="activation"):
        make("heads", "ab", 8, activation="relu")
