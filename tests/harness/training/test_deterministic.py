"""Nothing that a run does is refused under deterministic algorithms, also where there is no GPU to try it on."""

from __future__ import annotations

import msgspec
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from zoo.core.registry import current
from zoo.core.spec import ModelRow
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.run.request import BenchRequest, effective_suite
from zoo.harness.run.workbench import Workbench
from zoo.harness.scoring.scores import make_metrics, score_colorizer, score_draws
from zoo.harness.training.deterministic_forms import DeterministicForms, adaptive_avg_pool2d
from zoo.harness.training.device import generator

CPU = torch.device("cpu")

# What CUDA tensors are refused for under torch.use_deterministic_algorithms, by the list in its documentation (2.6 to
# 2.15) and, for kthvalue, ATen/native/cuda/Sorting.cpp. Bilinear resizing and replication padding are not here: torch
# itself takes another way then.
REFUSED_ON_CUDA = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "max_unpool2d",
    "upsample_linear1d_backward",
    "upsample_bicubic2d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "nll_loss2d_forward",
    "grid_sampler_2d_backward",
    "put_",
    "histc",
    "median",
    "nanmedian",
    "kthvalue",
    "scatter_reduce",
    "cumsum",
    "_ctc_loss_backward",
}


class Operations(TorchDispatchMode):
    """The names of all operations while it is entered, those of backward passes too."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((2, 3, 7, 5), 3),
        ((2, 3, 7, 5), (1, 6)),
        ((1, 2, 4, 9), (6, 12)),  # more bins than places
        ((1, 2, 64, 48), (None, 6)),
        ((3, 8, 8), (2, 4)),
        ((1, 1, 1, 1), 1),
    ],
)
def test_pooling_is_torchs_with_its_gradient(shape, size):
    torch.manual_seed(0)
    ours, theirs = (torch.rand(shape).requires_grad_() for _ in range(2))
    with torch.no_grad():
        theirs.copy_(ours)
    expected = F.adaptive_avg_pool2d(theirs, size)
    torch.testing.assert_close(adaptive_avg_pool2d(ours, size), expected)
    weight = torch.rand(expected.shape)
    (adaptive_avg_pool2d(ours, size) * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 7, 5), (1, 1, 1, 4)])
def test_sampling_is_torchs_with_its_gradients_also_beyond_the_edge(shape, align_corners):
    torch.manual_seed(0)
    image, places = torch.rand(shape, dtype=torch.float64), torch.rand(shape[0], 6, 9, 2, dtype=torch.float64) * 3 - 1.5
    given = [(image.clone().requires_grad_(), places.clone().requires_grad_()) for _ in range(2)]
    expected = F.grid_sample(*given[0], padding_mode="border", align_corners=align_corners)
    with DeterministicForms(), Operations() as operations:
        found = F.grid_sample(*given[1], mode="bilinear", padding_mode="border", align_corners=align_corners)
        weight = torch.rand_like(expected)
        (found * weight).sum().backward()
    torch.testing.assert_close(found, expected)
    (expected * weight).sum().backward()
    assert not {name for name in operations.names if "grid_sampler" in name}
    for ours, theirs in zip(given[1], given[0], strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_mode_reaches_modules_and_keeps_their_type():
    x = torch.rand(1, 2, 6, 6).requires_grad_()
    with DeterministicForms(), Operations() as operations:
        pooled = nn.AdaptiveAvgPool2d(4)(x)
        F.adaptive_avg_pool2d(x, (2, 3)).sum().backward()
        half = F.adaptive_avg_pool2d(x.detach().bfloat16(), 4)
    assert not {name for name in operations.names if "adaptive" in name}
    torch.testing.assert_close(pooled, nn.AdaptiveAvgPool2d(4)(x))
    assert half.dtype == torch.bfloat16


def test_without_the_mode_the_list_finds_something():
    x = torch.rand(1, 1, 5, 5).requires_grad_()
    with Operations() as operations:
        F.adaptive_avg_pool2d(x, 2).sum().backward()
    assert operations.names & REFUSED_ON_CUDA == {"_adaptive_avg_pool2d_backward"}


@pytest.fixture(scope="module")
def bench():
    """Four steps of two photos, every stage of staged objectives among them, and two test photos."""
    suite = effective_suite(BenchRequest(suite="quick", budget="steps=4"))
    small = {**suite.options, "width": 8, "discriminator_width": 8}
    del small["propagator"]  # some rows have one of their own: under all of them it would do the same once more
    suite = msgspec.structs.replace(suite, options=small, test_limit=2, batch=2)
    metrics, _ = make_metrics(suite.metrics, device=CPU)
    return suite, open_photos(suite), metrics


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [n for n in current().names("models") if isinstance(current().entry("models", n).row, ModelRow)]
)
def test_no_model_does_in_training_or_scoring_what_cuda_would_refuse(bench, model):
    suite, photos, metrics = bench
    run = plan_runs(model, resolve_model(model, suite), Rules(suite, describe_data(suite, photos), "cpu"))[0]
    with DeterministicForms(), Operations() as operations:
        work = Workbench.of(run, photos=photos)
        training = work.training
        work.objective.prepare(work.preparation())
        for _ in training.looks():
            pass
        batches = list(work.evaluations(batch_size=2))
        score_colorizer(training.trained, batches, metrics, adherence=True)
        if training.trained.can_sample:
            score_draws(training.trained, batches, metrics, generator(0, "draws"))
    assert len(operations.names) > 10
    assert not operations.names & REFUSED_ON_CUDA
