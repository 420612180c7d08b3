"""CSPN's sweeps against a naive loop in float64, and their limits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.heads.cspn import CSPNHead
from zoo.parts.layers.affinity import affinity


def condition(height: int, width: int, share: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    lightness = torch.rand(1, 1, height, width, generator=generator, dtype=torch.float64) * 2 - 1
    mask = (torch.rand(1, 1, height, width, generator=generator) < share).double()
    ab = torch.rand(1, 2, height, width, generator=generator, dtype=torch.float64) - 0.5
    return torch.cat((lightness, ab * mask, mask), dim=1)


def prediction(side: int, height: int, width: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    raw = torch.randn(1, side**2 - 1, height, width, generator=generator, dtype=torch.float64)
    return {"ab": torch.rand(1, 2, height, width, generator=generator, dtype=torch.float64), f"affinity{side}": raw}


def naive(raw: np.ndarray, start: np.ndarray, hints: np.ndarray, mask: np.ndarray, sweeps: int) -> np.ndarray:
    """h ← (1 − m)((1 − Σκ) h₀ + Σ κ_n h(n)) + m h₀, κ = a / Σ|a| over the neighbours that there are."""
    side = round((len(raw) + 1) ** 0.5)
    reach = range(-(side // 2), side // 2 + 1)
    steps = [(y, x) for y in reach for x in reach if (y, x) != (0, 0)]
    height, width = mask.shape
    begun = np.where(mask > 0, hints, start)
    colour = begun
    for _ in range(sweeps):
        after = begun.copy()
        for y, x in zip(*np.nonzero(mask == 0), strict=True):
            inside = [(k, y + dy, x + dx) for k, (dy, dx) in enumerate(steps)]
            inside = [(k, i, j) for k, i, j in inside if 0 <= i < height and 0 <= j < width]
            size = sum(abs(raw[k, y, x]) for k, _, _ in inside)
            kappa = [raw[k, y, x] / size for k, _, _ in inside]
            near = sum(share * colour[:, i, j] for share, (_, i, j) in zip(kappa, inside, strict=True))
            after[:, y, x] = (1 - sum(kappa)) * begun[:, y, x] + near
        colour = after
    return colour


@pytest.mark.parametrize("side", [3, 5])
def test_sweeps_are_the_formula_of_the_public_code(side: int) -> None:
    given, predicted = condition(7, 6), prediction(side, 7, 6)
    found = CSPNHead(4, sweeps=3, kernels=[side]).refine(predicted, given)["ab"]
    raw, start = predicted[f"affinity{side}"][0].numpy(), predicted["ab"][0].numpy()
    expected = naive(raw, start, given[0, 1:3].numpy(), given[0, 3].numpy(), 3)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-12)


def test_affinities_of_zero_leave_what_was_spread() -> None:
    given, predicted = condition(7, 6), prediction(3, 7, 6)
    predicted["affinity3"].zero_()
    found = CSPNHead(4).refine(predicted, given)["ab"]
    torch.testing.assert_close(found, torch.where(given[:, 3:] > 0, given[:, 1:3], predicted["ab"]))


@pytest.mark.parametrize("kind", ["signed", "absolute", "levin"])
def test_a_photo_of_one_colour_keeps_it_and_hints_are_held(kind: str) -> None:
    given, predicted = condition(9, 8), prediction(3, 9, 8)
    colour = torch.tensor([0.3, -0.2], dtype=torch.float64).view(1, 2, 1, 1)
    predicted["ab"] = colour.expand(1, 2, 9, 8)
    given[:, 1:3] = colour * given[:, 3:]
    found = CSPNHead(4, affinity=kind).refine(predicted, given)["ab"]
    torch.testing.assert_close(found, predicted["ab"])


def test_upon_levins_weights_it_starts_as_sweeps_of_levins_equations(hinted: Callable) -> None:
    photo = hinted(8, 0.05).condition[:1].double()
    head = CSPNHead(4, affinity="levin").double()
    predicted = head(torch.rand(1, 4, *photo.shape[-2:], dtype=torch.float64))
    weights = head.normalised(predicted["affinity3"], photo[:, :1])
    torch.testing.assert_close(weights, affinity((photo[:, :1] + 1) / 2))


def test_kernels_are_mixed_as_their_logits_say() -> None:
    given = condition(9, 8)
    predicted = prediction(3, 9, 8) | prediction(5, 9, 8)
    alone = [CSPNHead(4, kernels=[side]).refine(predicted, given)["ab"] for side in (3, 5)]
    logits = torch.tensor([0.0, 1.0], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 9, 8)
    found = CSPNHead(4, kernels=[3, 5]).refine({**predicted, "kernel_logits": logits}, given)["ab"]
    share = 1 / (1 + np.exp(-1.0))
    torch.testing.assert_close(found, (1 - share) * alone[0] + share * alone[1])


def test_a_hint_that_is_not_trusted_is_swept_over_and_one_that_is_is_held() -> None:
    given, predicted = condition(9, 8), prediction(3, 9, 8)
    held = CSPNHead(4).refine(predicted, given)["ab"]
    head = CSPNHead(4, trust=True)
    sure = head.refine({**predicted, "trust_logits": torch.full((1, 1, 9, 8), 50.0).double()}, given)["ab"]
    torch.testing.assert_close(sure, held)
    unsure = head.refine({**predicted, "trust_logits": torch.full((1, 1, 9, 8), -50.0).double()}, given)["ab"]
    mask = given[0, 3] > 0
    assert (unsure[0, :, mask] - given[0, 1:3, mask]).abs().amin() > 1e-4


@pytest.mark.parametrize(
    ("options", "said"),
    [({"sweeps": 0}, "sweeps=0"), ({"kernels": [4]}, "odd sides"), ({"kernels": []}, "odd sides")],
)
def test_options_that_sweep_nothing_are_refused(options: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        CSPNHead(4, **options)
    with pytest.raises(BadInput, match="Levin's weights"):
        CSPNHead(4, kernels=[5], affinity="levin")
