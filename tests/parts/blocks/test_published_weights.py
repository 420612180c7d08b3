"""Keys of public checkpoints brought to ours."""

from __future__ import annotations

import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.blocks.published_weights import published_name, take_published


def test_a_prefix_is_a_whole_module_name():
    prefixes = {"conv1": "model1", "quantized.project": "model8.6"}
    assert published_name("conv1.0.weight", prefixes) == "model1.0.weight"
    assert published_name("conv10.0.weight", prefixes) is None
    assert published_name("quantized.project.bias", prefixes) == "model8.6.bias"
    assert published_name("quantized.bins", prefixes) is None


def test_many_missing_keys_are_counted_not_listed():
    with pytest.raises(BadInput, match="a, b, c and 2 more missing"):
        take_published({}, dict.fromkeys("abcde", (1,)), "X")


def test_only_the_counter_of_batches_may_be_missing():
    shapes = {"norm.num_batches_tracked": (), "weight": (2,)}
    taken = take_published({"weight": torch.ones(2)}, shapes, "X")
    assert taken["norm.num_batches_tracked"] == 0
    assert list(taken) == list(shapes)
