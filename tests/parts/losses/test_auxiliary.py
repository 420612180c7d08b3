from __future__ import annotations

import pytest
import torch

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.losses.auxiliary import Auxiliary


def batch(ab: torch.Tensor) -> Batch:
    blank = torch.zeros_like(ab[:, :1])
    return Batch(blank, ab, torch.zeros_like(ab), blank)


def test_it_is_the_weighted_sum_over_the_maps():
    truth = torch.rand(2, 2, 8, 8)
    near, far = truth + 0.1, truth + 0.5
    loss = Auxiliary({"ab_sub4": 0.16, "ab_sub24": 0.4})
    value = loss({"ab": truth, "ab_sub4": far, "ab_sub24": near}, batch(truth))
    torch.testing.assert_close(value, torch.tensor(0.16 * 0.5 + 0.4 * 0.1))


def test_it_takes_any_registered_loss():
    truth = torch.rand(2, 2, 8, 8)
    value = Auxiliary({"ab_a": 1.0}, loss={"name": "l2"})({"ab": truth, "ab_a": truth + 0.5}, batch(truth))
    torch.testing.assert_close(value, torch.tensor(0.25))


def test_what_reaches_beyond_the_photo_does_not_count():
    truth = torch.zeros(1, 2, 5, 7)
    padded = torch.ones(1, 2, 8, 8)
    padded[..., :5, :7] = 0
    assert Auxiliary()({"ab": truth, "ab_a": padded}, batch(truth)) == 0


def test_without_weights_every_intermediate_map_counts_and_ab_does_not():
    truth = torch.zeros(1, 2, 4, 4)
    value = Auxiliary()({"ab": truth + 9, "ab_a": truth + 1, "ab_b": truth + 2, "logits": truth}, batch(truth))
    assert value == 3


def test_a_map_that_is_not_predicted_is_an_error_with_the_nearest_name():
    truth = torch.zeros(1, 2, 4, 4)
    with pytest.raises(BadInput, match="did you mean 'ab_scale2'"):
        Auxiliary({"ab_scale3": 1.0})({"ab": truth, "ab_scale2": truth}, batch(truth))
    with pytest.raises(BadInput, match="intermediate maps"):
        Auxiliary()({"ab": truth}, batch(truth))
