"""Models as on a GPU, without one: on fake ``cuda`` tensors, which have a shape, a type and a device, no numbers.

What meets a tensor of the CPU there raises, and so does what would wait for the device: a number asked for, a tensor
taken to the host. Torch's engine of gradients asks the driver for a fake ``cuda`` tensor's streams; so a whole step is
taken on fake ``meta`` tensors, which it does not, and to which all the same applies.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zoo.core.assemble import assemble
from zoo.core.color import join_lab, to_uint8
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.core.module_checks import Findings, smallest
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.core.spec import UNTRAINED
from zoo.harness.metrics.exact import exact_float32
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs
from zoo.harness.plan.suite import describe_data, load_suite, open_photos, scored_photos
from zoo.harness.run.workbench import Workbench, on_device
from zoo.harness.scoring.scores import hint_error, make_metrics
from zoo.harness.training import device as devices

GPU, STEPPING = torch.device("cuda:0"), torch.device("meta")
METRICS = ["psnr", "ssim", "delta_e00", "colorfulness_gap", "st_lpips", "bleeding", "checkerboard"]


class HostSync(Exception):
    """A tensor was taken from the device to the host: the host waits for whatever is under way."""


class NoHost(TorchDispatchMode):
    """While it is entered, nothing leaves the device; a number asked for is refused by the fake tensors themselves."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if function.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_):
            source = args[1] if function.overloadpacket is torch.ops.aten.copy_ else args[0]
            if source.device.type != "cpu" and found.device.type == "cpu":
                raise HostSync(f"{function} from {source.device} to the host")
        return found


class Generator(torch.Generator):
    """One of the CPU that knows where it was asked for: fake tensors look at no generator's device."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls)

    def __init__(self, device="cpu"):
        self.asked_for = torch.device(device)


class Drawing(torch.overrides.TorchFunctionMode):
    """While it is entered, random numbers are drawn by a generator of their own device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        generator = (kwargs or {}).get("generator")
        if isinstance(generator, Generator):
            assert found.device.type == generator.asked_for.type, f"{function} on {found.device} by another's generator"
        return found


class Cards:
    """In the place of ``torch.cuda``."""

    @staticmethod
    def get_device_capability(device):
        return (9, 0)


@pytest.fixture
def fake(monkeypatch):
    """Fake devices ``cuda`` and ``meta``: what is moved there becomes fake, what is computed inside the mode is."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    mode.allow_meta = True
    entered = torch._C._get_dispatch_mode

    def moved(module, move, recurse=True):
        """As ``Module._apply``, which has no way to put fake tensors in the place of others that are fake."""
        inside = contextlib.nullcontext() if entered(torch._C._TorchDispatchModeKey.FAKE) else mode
        known: dict[int, nn.Parameter] = {}
        with inside, torch.no_grad():
            for part in module.modules():
                for name, weight in part._parameters.items():
                    if weight is not None and id(weight) not in known:
                        there = move(weight)
                        known[id(weight)] = weight if there is weight else nn.Parameter(there, weight.requires_grad)
                    if weight is not None:
                        part._parameters[name] = known[id(weight)]
                part._buffers.update({k: move(b) for k, b in part._buffers.items() if b is not None})
        return module

    real = torch.autocast
    monkeypatch.setattr(torch, "autocast", lambda kind, **how: real("cpu" if kind == "meta" else kind, **how))
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(nn.Module, "_apply", moved)
    monkeypatch.setattr(devices, "CUDA", Cards)
    yield mode
    for name, module in list(sys.modules.items()):  # what is kept for the next call, weights and windows, is fake too
        for kept in vars(module).values() if name.startswith("zoo.") else ():
            if callable(clear := getattr(kept, "cache_clear", None)):
                clear()


@pytest.fixture(scope="module")
def suite():
    return load_suite("smoke")


@pytest.fixture(scope="module")
def photos(suite):
    return open_photos(suite)


def workbench(name: str, suite: Any, photos: Any, device: torch.device) -> Workbench:
    """As a bench makes it, the model as small as it gets; the objective's parts are real until they are moved."""

    def built(options: dict[str, Any]) -> Any:
        try:
            spec = resolve(name, {**options, "propagator.sweeps": 4})  # one is as the other, and each takes long here
        except BadInput:
            spec = resolve(name, options)
        return spec, assemble(spec)

    torch.manual_seed(0)
    found = smallest(built, Findings())
    if found is None:
        pytest.skip(f"the weights of {name} are not here; zoo doctor says where they come from")
    spec, colorizer = found
    run = plan_runs(name, spec, Rules(suite, describe_data(suite, photos), "cpu"))[0]
    bench = Workbench(run, photos, device, on_device(colorizer, suite, device))
    if run.recipe_name != UNTRAINED:
        assert bench.objective
    return bench


MODELS = [name for name in current().names("models") if current().entry("models", name).builtin]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_a_model_is_elsewhere_and_nothing_waits(name, fake, suite, photos):
    bench = workbench(name, suite, photos, GPU)
    # The questions are made on the CPU, where they have numbers, and then moved.
    evaluation = next(scored_photos(suite, photos, bench.colorizer.extras, torch.device("cpu"), batch_size=2))
    through_host = pytest.raises(HostSync) if bench.colorizer.on_host else contextlib.nullcontext()
    with through_host, fake, Drawing():
        evaluation = there(evaluation)
        with NoHost():
            if bench.run.recipe_name != UNTRAINED and bench.objective.players:
                losses_of(bench)
            scored(bench, evaluation)
    if bench.run.recipe_name == UNTRAINED or not bench.objective.players:
        return
    bench = workbench(name, suite, photos, STEPPING)
    through_host = pytest.raises(HostSync) if bench.colorizer.on_host else contextlib.nullcontext()
    with through_host, fake, Drawing(), NoHost():
        training = bench.training
        training._train_mode()
        training.one_step()


def there(evaluation: Any) -> Any:
    """A batch of test photos on the GPU."""
    own = evaluation.batch
    plain = (each.to(GPU) for each in (own.lightness, own.ab, own.hint_ab, own.hint_mask))
    batch = Batch(*plain, {name: value.to(GPU) for name, value in own.extras.items()})
    return evaluation._replace(batch=batch, rgb=evaluation.rgb.to(GPU))


def losses_of(bench: Workbench) -> None:
    """Of every player, in the precision of a GPU."""
    training = bench.training
    assert training.precision == "bf16"
    training._train_mode()
    training.objective.begin_step(0.0)
    batch = next(training._batches)
    assert {tensor.device for tensor in tree_leaves((batch.condition, batch.ab, dict(batch.extras)))} == {GPU}
    for player in training.objective.players:
        try:
            with devices.autocast(training.precision, GPU):
                loss, terms = training.objective.loss(player, batch)
        except RuntimeError as error:
            if "hasPrimaryContext" not in str(error):
                raise
            continue  # a gradient within a loss, for which torch's engine asks the driver: the step takes it
        assert (loss.device, loss.shape) == (GPU, ())
        assert {term.device for term in terms.values()} <= {GPU}


@torch.no_grad()
def scored(bench: Workbench, evaluation: Any) -> Tensor:
    """The answer as a picture, of a sampler two draws too."""
    batch, colorizer = evaluation.batch, bench.colorizer.eval()
    ab = colorizer(batch.condition, batch.extras)["ab"]
    assert (ab.device, ab.shape) == (GPU, batch.ab.shape)
    if colorizer.can_sample:
        draws = colorizer.sample(batch.condition, 2, devices.generator(0, "draws"), batch.extras)
        assert draws.device == GPU
    return to_uint8(join_lab(batch.lightness, ab))


@pytest.mark.slow
def test_the_rulers_measure_on_the_device(fake, suite, photos):
    """The scores themselves are then read, once a batch."""
    bench = workbench("gray", suite, photos, GPU)
    metrics, notes = make_metrics(METRICS, device=GPU)
    assert notes == []
    with fake:
        evaluation = next(bench.evaluations(batch_size=2))
        with NoHost():
            picture = scored(bench, evaluation)
            for metric in metrics:
                scores = metric.per_image(picture.clone(), evaluation.rgb.clone())
                assert (scores.device, scores.shape) == (GPU, (2,)), metric.name
            assert hint_error(picture, evaluation.batch).device == GPU


@pytest.mark.parametrize("sampler", current().names("hints"))
def test_hints_are_drawn_on_the_device(sampler, fake, suite):
    from zoo.core.assemble import make

    with fake, NoHost(), Drawing():
        ab = torch.zeros(2, 2, 32, 32, device=GPU)
        hint_ab, mask = make("hints", sampler)(ab, devices.generator(0, "hints", device=GPU))
    assert (hint_ab.device, hint_ab.shape) == (GPU, ab.shape)
    assert (mask.device, mask.shape) == (GPU, (2, 1, 32, 32))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda there: there + torch.zeros(3),
        lambda there: there.sum().item(),
        lambda there: bool(there.any()),
        lambda there: there.cpu(),
        lambda there: there[there > 0],
        lambda there: torch.rand(3, device=GPU, generator=Generator()),
    ],
    ids=["mixed devices", "a number", "a truth", "to the host", "a number of places", "another's generator"],
)
@pytest.mark.parametrize("device", [GPU, STEPPING], ids=str)
def test_what_is_wrong_on_a_gpu_raises(wrong, device, fake):
    with fake, NoHost(), Drawing(), pytest.raises(Exception):  # noqa: B017 - fake tensors raise many kinds
        wrong(torch.zeros(3, device=device))


def test_on_a_gpu_every_map_lies_channels_last(fake):
    heavy = nn.Conv2d(128, 1024, 7)
    assert heavy.weight.numel() >= devices.HEAVY
    module = devices.channels_last(nn.Sequential(nn.Conv2d(4, 128, 3), heavy), GPU)
    assert all(layer.weight.is_contiguous(memory_format=torch.channels_last) for layer in module)
    with fake:
        assert module(torch.zeros(1, 4, 16, 16, device=GPU)).is_contiguous(memory_format=torch.channels_last)
    with exact_float32(GPU):
        assert torch.get_float32_matmul_precision() == "highest"
