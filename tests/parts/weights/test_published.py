"""Keys of public checkpoints brought to ours."""

from __future__ import annotations

import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.weights.published import published_name, take_published


def test_a_prefix_is_a_whole_module_name():
    prefixes = {"conv1": "model1", "quantized.project": "model8.6"}
    assert published_name("conv1.0.weight", prefixes) == "model1.0.weight"
    assert published_name("conv10.0.weight", prefixes) is None
    assert published_name("quantized.project.bias", prefixes) == "model8.6.bias"
    assert published_name("quantized.bins", prefixes) is None


def test_everything_that_differs_is_said_uncut():
    state = {"a": torch.zeros(2), "extra": torch.zeros(1), "b": torch.zeros(1)}
    with pytest.raises(BadInput) as refusal:
        take_published(state, {**dict.fromkeys("abcdefgh", (1,)), "odd.num_batches_tracked": ()}, "X")
    assert str(refusal.value) == (
        "These weights are not X's: c, d, e, f, g, h missing; it has no extra; a has shape (2,), not (1,); "
        "give its published state dict."
    )


def test_only_the_counter_of_batches_may_be_missing():
    shapes = {"norm.num_batches_tracked": (), "weight": (2,)}
    taken = take_published({"weight": torch.ones(2)}, shapes, "X")
    assert taken["norm.num_batches_tracked"] == 0
    assert list(taken) == list(shapes)
