"""NLSPN's sweeps against torchvision's deformable convolution, and where they start."""

import torch
from torchvision.ops import deform_conv2d

from zoo.parts.heads.nlspn import NLSPNHead, bounded

SIDE, EDGE = 12, 4


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def predicted() -> dict[str, torch.Tensor]:
    return {
        "ab": drawn(1, 2, SIDE, SIDE, seed=0),
        "offsets": drawn(1, 16, SIDE, SIDE, seed=1).clamp(-1, 1),
        "affinity8": drawn(1, 8, SIDE, SIDE, seed=2) / 4,
        "trust": drawn(1, 1, SIDE, SIDE, seed=3).sigmoid(),
    }


def condition() -> torch.Tensor:
    mask = (drawn(1, 1, SIDE, SIDE, seed=4) > 1).double()
    return torch.cat((drawn(1, 1, SIDE, SIDE, seed=5), 0.3 * drawn(1, 2, SIDE, SIDE, seed=6) * mask, mask), dim=1)


def by_torchvision(prediction: dict[str, torch.Tensor]) -> torch.Tensor:
    """One sweep as the public code makes it: a modulated deformable convolution with the pixel's own share in its
    middle; the neighbours' confidence by one of its own for each of them."""
    middle = 4
    offsets = prediction["offsets"].unflatten(1, (8, 2))
    ones = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    trust = [
        deform_conv2d(prediction["trust"], offsets[:, k] + torch.tensor(step, dtype=torch.float64)[:, None, None], ones)
        for k, step in enumerate(steps)
    ]
    weights = prediction["affinity8"] * torch.cat(trust, dim=1)
    size = weights.abs().sum(1, keepdim=True) + 1e-4
    weights = weights / torch.where(size < 1, torch.ones_like(size), size)
    own = 1 - weights.sum(1, keepdim=True)
    mask = torch.cat((weights[:, :middle], own, weights[:, middle:]), dim=1)
    still = torch.zeros_like(offsets[:, :1])
    offset = torch.cat((offsets[:, :middle], still, offsets[:, middle:]), dim=1).flatten(1, 2)
    kernel = torch.ones(2, 1, 3, 3, dtype=torch.float64)
    return deform_conv2d(prediction["ab"], offset, kernel, padding=1, mask=mask)


def test_a_sweep_is_the_deformable_convolution_of_the_public_code() -> None:
    found = NLSPNHead(4, sweeps=1).refine(predicted(), condition())["ab"]
    inside = (..., slice(EDGE, -EDGE), slice(EDGE, -EDGE))  # beyond the edge theirs reads zeros
    torch.testing.assert_close(found[inside], by_torchvision(predicted())[inside])


def test_the_weights_are_bounded_only_where_they_are_too_much() -> None:
    weights = drawn(1, 8, 3, 3, seed=7)
    torch.testing.assert_close(bounded(0.01 * weights), 0.01 * weights)
    assert float(bounded(10 * weights).abs().sum(1).max()) < 1


def test_it_starts_as_the_identity() -> None:
    head = NLSPNHead(4)
    prediction = head(drawn(1, 4, SIDE, SIDE, seed=8).float())
    prediction["ab"] = drawn(1, 2, SIDE, SIDE, seed=9).float()
    torch.testing.assert_close(head.refine(prediction, condition().float())["ab"], prediction["ab"])


def test_a_photo_of_one_colour_keeps_it() -> None:
    prediction, given = predicted(), condition()
    prediction["ab"] = torch.full_like(prediction["ab"], 0.25)
    torch.testing.assert_close(NLSPNHead(4).refine(prediction, given)["ab"], prediction["ab"])


def test_held_hints_spread_with_every_sweep() -> None:
    given = condition()
    loose = NLSPNHead(4, sweeps=6).refine(predicted(), given)["ab"]
    held = NLSPNHead(4, sweeps=6, hold=True).refine(predicted(), given)["ab"]
    started = {**predicted(), "ab": torch.where(given[:, 3:] > 0, given[:, 1:3], predicted()["ab"])}
    once = NLSPNHead(4, sweeps=1).refine(started, given)["ab"]
    torch.testing.assert_close(NLSPNHead(4, sweeps=1, hold=True).refine(predicted(), given)["ab"], once)
    assert (held - loose).abs().max() > 1e-2
