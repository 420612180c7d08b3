import pytest
import torch

from zoo.core.assemble import make
from zoo.core.contracts import Batch
from zoo.core.resolve import build


def test_what_can_be_fitted_is_fitted_once_and_nobody_plays():
    ab = torch.full((1, 2, 4, 4), 0.25)
    batch = Batch(ab[:, :1], ab, ab, ab[:, :1])
    colorizer = build("mean_ab")
    objective = make("objectives", "closed_form", colorizer, {})
    objective.prepare([batch])
    assert tuple(objective.players) == ()
    assert torch.equal(colorizer(batch.condition)["ab"], ab)


def test_what_cannot_be_fitted_is_left_alone():
    class Unread:
        def __iter__(self):
            pytest.fail("there is nothing to fit, and the photos were read")

    colorizer = build("gray")
    make("objectives", "closed_form", colorizer, {}).prepare(Unread())
    assert not colorizer(torch.rand(1, 4, 4, 4))["ab"].any()
