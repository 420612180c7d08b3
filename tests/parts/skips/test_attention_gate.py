"""Both forms against their formulas, written with einsum and float64."""

import torch
import torch.nn.functional as F

from zoo.parts.skips.attention_gate import AttentionGate, GridGate, SameSizeGate


def test_the_port_equals_its_formula():
    torch.manual_seed(0)
    gate = SameSizeGate(8, 6).double().eval()
    _unsettle(gate)
    x, g = torch.randn(2, 8, 5, 7).double(), torch.randn(2, 6, 5, 7).double()
    inner = torch.relu(_normalised(gate.theta, x) + _normalised(gate.phi, g))
    alpha = torch.sigmoid(_normalised(gate.psi, inner))
    assert inner.shape[1] == 4  # F_int = C / 2
    assert alpha.shape == (2, 1, 5, 7)
    torch.testing.assert_close(gate(x, g), alpha * x)


def test_the_grid_form_equals_its_formula():
    torch.manual_seed(0)
    gate = GridGate(8, 6).double().eval()
    _unsettle(gate)
    x, g = torch.randn(2, 8, 6, 10).double(), torch.randn(2, 6, 6, 10).double()
    blocks = x.unfold(2, 2, 2).unfold(3, 2, 2)  # (N, C, 3, 5, 2, 2): the 2×2 cells of the grid
    theta = torch.einsum("nchwij,ocij->nohw", blocks, gate.theta.weight)
    phi = _pointwise(g, gate.phi.weight) + gate.phi.bias.view(1, -1, 1, 1)
    # A bilinear resize to half the size is the mean of 2×2 cells.
    psi = _pointwise(torch.relu(theta + F.avg_pool2d(phi, 2)), gate.psi.weight) + gate.psi.bias
    alpha = F.interpolate(torch.sigmoid(psi), (6, 10), mode="bilinear")
    torch.testing.assert_close(gate(x, g), _normalised(gate.output, alpha * x))
    assert gate.theta.bias is None


def test_a_gate_from_the_coarser_level_is_enlarged_to_the_grid_as_the_authors_do():
    torch.manual_seed(0)
    gate = GridGate(8, 6).eval()
    x, coarse = torch.randn(1, 8, 8, 8), torch.randn(1, 6, 2, 2)
    theta = gate.theta(x)
    phi = F.interpolate(gate.phi(coarse), theta.shape[-2:], mode="bilinear")
    alpha = F.interpolate(torch.sigmoid(gate.psi(torch.relu(theta + phi))), (8, 8), mode="bilinear")
    torch.testing.assert_close(gate(x, coarse), gate.output(alpha * x), atol=1e-6, rtol=1e-5)


def test_the_gated_skip_is_merged_with_the_gate():
    x, g = torch.randn(2, 8, 6, 6), torch.randn(2, 8, 6, 6)
    for form in ("port", "grid"):
        torch.manual_seed(0)
        joined = AttentionGate(8, 8, form=form).eval()
        added = AttentionGate(8, 8, form=form, merge="sum").eval()
        added.load_state_dict(joined.state_dict())
        gated = joined.gate(x, g)
        assert torch.equal(joined(x, g), torch.cat((gated, g), 1))
        assert torch.equal(added(x, g), gated + g)


def test_a_closed_gate_lets_nothing_of_the_skip_through():
    gate = SameSizeGate(4, 4).eval()
    torch.nn.init.zeros_(gate.psi[1].weight)
    torch.nn.init.constant_(gate.psi[1].bias, -50.0)
    assert gate(torch.randn(1, 4, 6, 6), torch.randn(1, 4, 6, 6)).abs().max() < 1e-12


def _pointwise(x, weight):
    return torch.einsum("nchw,oc->nohw", x, weight[:, :, 0, 0])


def _normalised(pair, x):
    convolution, norm = pair
    column = (1, -1, 1, 1)
    y = (_pointwise(x, convolution.weight) - norm.running_mean.view(column)) / (
        norm.running_var.view(column) + norm.eps
    ).sqrt()
    return y * norm.weight.view(column) + norm.bias.view(column)


def _unsettle(module):
    """Batch norms away from their neutral start, so that a missing one would show."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            for tensor in (part.weight.data, part.bias.data, part.running_mean):
                tensor.normal_()
            part.running_var.uniform_(0.5, 2)
