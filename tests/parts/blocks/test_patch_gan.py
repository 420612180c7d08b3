"""The discriminator sees what the paper says it sees."""

from __future__ import annotations

import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.blocks.patch_gan import PatchGAN


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
    assert discriminator.receptive_field == side


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
