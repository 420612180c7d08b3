"""The network of Iizuka 2016: its table, its global stream, its classifier, its style transfer."""

from __future__ import annotations

import pytest
import torch

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.losses.classification import Classification
from zoo.parts.losses.l2 import L2
from zoo.parts.networks.iizuka2016 import Iizuka2016

# (in, out) of every convolution: low, mid, global, fusion (1×1), colour; all but the last normalised.
THREE = [
    *[(4, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512)],
    *[(512, 512), (512, 256)],
    *[(512, 512)] * 4,
    *[(256, 128), (128, 64), (64, 64), (64, 32)],
]
DENSE = [(7 * 7 * 512, 1024), (1024, 512), (512, 256)]


def test_parameters_at_full_size_are_the_tables():
    norms = sum(2 * out for _, out in [*THREE, (512, 256), *DENSE])
    weights = sum(9 * i * o for i, o in THREE) + 512 * 256 + sum(i * o for i, o in DENSE)
    output = 9 * 32 * 2 + 2
    classifier = 512 * 256 + 2 * 256 + 256 * 205 + 205
    with torch.device("meta"):
        plain, joint = Iizuka2016(), Iizuka2016(classes=205)
    assert sum(p.numel() for p in plain.parameters()) == weights + norms + output
    assert sum(p.numel() for p in joint.parameters()) == weights + norms + output + classifier


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Iizuka2016(width=4, global_size=64).eval()


def condition(seed, *size):
    return torch.rand(2, 4, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("size", [(8, 8), (48, 64), (64, 64)])
def test_it_predicts_at_half_the_size(network, size):
    with torch.no_grad():
        assert network(condition(0, *size))["ab"].shape == (2, 2, size[0] // 2, size[1] // 2)


def test_the_global_stream_sees_every_photo_at_one_size(network):
    seen = []
    first = network.low[0].convolution
    handle = first.register_forward_hook(lambda module, args, out: seen.append(tuple(args[0].shape[-2:])))
    with torch.no_grad():
        network(condition(0, 32, 96))
        network(condition(0, 8, 8))
    handle.remove()
    assert seen == [(64, 64), (32, 96), (64, 64), (8, 8)]


def test_the_streams_share_weights_but_not_what_they_are_normalised_by():
    """After many passes over one batch, evaluation repeats what training computed, whatever the other stream saw."""
    torch.manual_seed(0)
    layer = Iizuka2016(width=4).low[0].train()
    sharp = condition(4, 16, 16)
    with torch.no_grad():
        for _ in range(150):
            trained = layer(sharp, "local")
            layer(sharp / 4 + 1, "global")
        torch.testing.assert_close(layer.eval()(sharp, "local"), trained, rtol=0.01, atol=0.01)
        assert (layer(sharp, "global") - trained).abs().max() > 1


def test_colours_are_within_100_lab_units():
    torch.manual_seed(0)
    network = Iizuka2016(width=4, global_size=64).eval()
    torch.nn.init.constant_(network.output.bias, 50.0)
    with torch.no_grad():
        torch.testing.assert_close(network(condition(0, 8, 8))["ab"] * 110, torch.full((2, 2, 4, 4), 100.0))


def test_the_classifier_learns_from_labels_and_only_where_there_are_some():
    torch.manual_seed(0)
    colorizer = Colorizer(Iizuka2016(width=4, classes=3, global_size=64))
    x = condition(3, 32, 32)
    for labels, learns in (([1, -1], True), ([-1, -1], False)):
        batch = Batch(x[:, :1], x[:, 1:3], x[:, 1:3], x[:, 3:], {"label": torch.tensor(labels)})
        prediction = colorizer(batch.condition)
        colorizer.zero_grad()
        (0.3025 * L2()(prediction, batch) + Classification()(prediction, batch) / 300).backward()
        gradients = [p.grad for p in colorizer.network.classifier.parameters()]
        assert any(g.any() for g in gradients) == learns
        assert colorizer.network.output.weight.grad.any()
    assert "label_logits" not in Iizuka2016(width=4)(x)


def test_a_batch_of_one_trains():
    network = Iizuka2016(width=4, classes=2, global_size=64).train()
    prediction = network(condition(0, 32, 32)[:1])
    (prediction["ab"].sum() + prediction["label_logits"].sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert network.low[0].convolution.weight.grad.any()


@pytest.mark.parametrize("options", [{"classes": -1}, {"global_size": 32}])
def test_what_cannot_be_is_refused(options):
    with pytest.raises(BadInput):
        Iizuka2016(**options)


def test_weights_of_runs_that_called_the_streams_by_their_bare_names_still_fit():
    torch.manual_seed(0)
    network = Iizuka2016(width=4, global_size=64)
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    before = {name.replace("_stream.", "."): value for name, value in network.state_dict().items()}
    assert before.keys() != network.state_dict().keys()
    other = Iizuka2016(width=4, global_size=64)
    other.load_state_dict(before)
    condition = torch.rand(1, 4, 64, 64)
    assert torch.equal(other.eval()(condition)["ab"], network.eval()(condition)["ab"])
