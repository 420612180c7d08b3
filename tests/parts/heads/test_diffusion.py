"""Learnt diffusion against a naive loop, and what diffusion keeps."""

import math

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.heads.diffusion import STEP, DiffusionHead


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def condition(share: float) -> torch.Tensor:
    mask = (drawn(1, 1, 6, 5, seed=0) < share).double()
    return torch.cat((2 * drawn(1, 1, 6, 5, seed=1) - 1, (drawn(1, 2, 6, 5, seed=2) - 0.5) * mask, mask), dim=1)


def predicted() -> dict[str, torch.Tensor]:
    return {"ab": drawn(1, 2, 6, 5, seed=3) - 0.5, "embedding": 0.1 * drawn(1, 3, 6, 5, seed=4)}


def naive(given: np.ndarray, prediction: dict[str, torch.Tensor], edge: float, steps: int) -> np.ndarray:
    lightness, features = (given[0] + 1) / 2, prediction["embedding"][0].numpy()
    colour = np.where(given[3] > 0, given[1:3], prediction["ab"][0].numpy())
    height, width = lightness.shape
    for _ in range(steps):
        after = colour.copy()
        for y, x in zip(*np.nonzero(given[3] == 0), strict=True):
            for i, j in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= i < height and 0 <= j < width:
                    apart = np.abs(features[:, y, x] - features[:, i, j]).mean()
                    distance = abs(lightness[y, x] - lightness[i, j]) + apart
                    after[:, y, x] += STEP * (colour[:, i, j] - colour[:, y, x]) / (1 + (distance / edge) ** 2)
        colour = after
    return colour


def test_steps_are_perona_and_maliks() -> None:
    given = condition(0.2)
    found = DiffusionHead(4, before=2, sweeps=3, edge=0.2).double().refine(predicted(), given)["ab"]
    np.testing.assert_allclose(found[0].detach().numpy(), naive(given[0].numpy(), predicted(), 0.2, 5), atol=1e-8)


def test_without_hints_no_colour_is_lost_and_none_comes_up() -> None:
    prediction = predicted()
    found = DiffusionHead(4, before=0, sweeps=50).double().refine(prediction, condition(0))["ab"].detach()
    torch.testing.assert_close(found.sum((2, 3)), prediction["ab"].sum((2, 3)))
    assert float(found.max()) <= float(prediction["ab"].max())
    assert float(found.min()) >= float(prediction["ab"].min())


def test_colour_flows_inside_a_region_and_not_across_its_edge() -> None:
    given = torch.zeros(1, 4, 4, 8)
    given[:, 0, :, 4:] = 1
    given[0, 1:, 0, 0] = torch.tensor([0.4, -0.1, 1])
    head = DiffusionHead(4, before=200, sweeps=1)
    still = {"ab": torch.zeros(1, 2, 4, 8), "embedding": torch.zeros(1, 3, 4, 8)}
    found = head.refine(still, given)["ab"][0, 0].detach()
    assert float(found[:, :4].min()) > 0.3
    assert float(found[:, 4:].max()) < 0.03


def test_the_steps_before_cost_the_edge_its_gradient_and_leave_the_start_its_own() -> None:
    given, prediction = condition(0.2), predicted()
    prediction["ab"].requires_grad_()
    head = DiffusionHead(4, before=30, sweeps=1).double()
    head.refine(prediction, given)["ab"].sum().backward()
    gradient = prediction["ab"].grad
    assert gradient is not None
    assert not gradient[given[:, 3:].expand(-1, 2, -1, -1) > 0].any()
    assert gradient[given[:, 3:].expand(-1, 2, -1, -1) == 0].abs().amin() > 0
    assert head.log_edge.grad is not None
    assert math.isfinite(float(head.log_edge.grad))


def test_options_that_do_not_flow_are_refused() -> None:
    with pytest.raises(BadInput, match="sweeps=0"):
        DiffusionHead(4, sweeps=0)
    with pytest.raises(BadInput, match="edge=-1"):
        DiffusionHead(4, edge=-1)
