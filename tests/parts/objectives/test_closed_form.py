import torch

from zoo.core.assemble import build, make
from zoo.core.contracts import Batch


def test_what_can_be_fitted_is_fitted_once_and_nobody_plays():
    ab = torch.full((1, 2, 4, 4), 0.25)
    batch = Batch(ab[:, :1], ab, ab, ab[:, :1])
    colorizer = build("mean_ab")
    objective = make("objectives", "closed_form", colorizer, {})
    objective.prepare([batch])
    assert tuple(objective.players) == ()
    assert torch.equal(colorizer(batch.condition)["ab"], ab)


def test_what_cannot_be_fitted_is_left_alone():
    make("objectives", "closed_form", build("gray"), {}).prepare([])
