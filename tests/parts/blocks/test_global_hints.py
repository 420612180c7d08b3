"""What is said about the whole photo: counted, flagged, and dropped."""

from __future__ import annotations

import torch

from zoo.parts.blocks.global_hints import GlobalHints


def extras(n=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "histogram": torch.rand(n, 2, 6, 5, generator=generator) - 0.5,
        "saturation": torch.rand(n, 1, generator=generator),
    }


def test_the_histogram_of_one_colour_is_that_colour():
    hints = GlobalHints(8)
    colour = hints.bins[100]
    ab = (colour / 110).view(1, 2, 1, 1).expand(1, 2, 6, 5)
    histogram = hints.histogram(ab)[0]
    torch.testing.assert_close(histogram.sum(), torch.tensor(1.0))
    assert histogram.argmax() == 100
    assert (histogram > 0).sum() == 10  # neighbours of the soft encoding


def test_what_is_not_given_is_all_zeros_flag_included():
    hints = GlobalHints(8).eval()
    values = torch.tensor([[0.3, 0.7], [float("nan"), 0.7]])
    assert hints.flagged(values).tolist() == [[values[0, 0].item(), values[0, 1].item(), 1], [0, 0, 0]]


def test_training_drops_whole_rows_as_often_as_asked():
    hints = GlobalHints(8, keep=0.25).train()
    torch.manual_seed(0)
    flagged = hints.flagged(torch.ones(4000, 3))
    kept = flagged[:, -1] == 1
    assert torch.equal(flagged[kept], torch.ones(int(kept.sum()), 4))
    assert not flagged[~kept].any()
    assert abs(kept.float().mean() - 0.25) < 0.03  # more than four standard errors
    assert hints.eval().flagged(torch.ones(50, 3))[:, -1].all()


def test_dropping_is_per_photo_and_per_hint():
    hints = GlobalHints(8, keep=0.5).train()
    torch.manual_seed(1)
    first, second = (hints.flagged(torch.ones(200, 1))[:, -1] for _ in range(2))
    assert 0 < (first == second).float().mean() < 1


def test_a_batch_of_one_trains():
    hints = GlobalHints(8).train()
    hints(extras(n=1)).sum().backward()
    assert hints.from_histogram.weight.grad is not None
    assert hints(extras(n=1)).shape == (1, 8, 1, 1)
