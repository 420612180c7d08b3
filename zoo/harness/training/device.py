"""Where a run computes and what makes it repeatable: device, precision, memory format, seeds and deterministic forms.

One random generator a purpose, so that adding a consumer of randomness shifts nothing else. Tensors lie channels last,
but for the CPU's heaviest and widest convolutions; what torch has no deterministic form of on a GPU has another here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.process import usable_cores


def pick_device(name: str) -> torch.device:
    """``auto`` is cuda where there is one, else mps, else cpu.

    Raises:
        BadInput: a device torch does not know, or that is not here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        known = ["auto", "cpu", "cuda", "mps"]
        raise BadInput(f"The device {name!r} cannot be used here; {did_you_mean(name, known)}") from None
    return device


def describe(device: torch.device) -> str:
    """The device in words, for a CSV row: the GPU's name, or the number of threads on the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' * (threads != 1)}"
    return device.type


def pick_precision(name: str, device: torch.device) -> str:
    """``auto`` is bf16 on a CUDA device that has it, else fp32."""
    if name != "auto":
        return name
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """bf16 where asked for. It needs no loss scaling and is as fast as fp16."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def prepare(device: torch.device, *, deterministic: bool = False, threads: int | None = None) -> None:
    """Set what torch has as process-wide switches. Every run is a process of its own.

    Args:
        deterministic: only algorithms that give the same bits again. What has none raises RuntimeError on use.
        threads: of the CPU; None: as many as torch takes, and no more than the process has cores.
    """
    torch.set_num_threads(threads or min(torch.get_num_threads(), usable_cores()))
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        contextlib.ExitStack().enter_context(DeterministicPooling())  # for the life of the process
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = not deterministic
        torch.set_float32_matmul_precision("highest" if deterministic else "high")


Module = TypeVar("Module", bound=nn.Module)

HEAVY = 2**20
"""Weights from which a convolution on the CPU keeps the plain layout.

There, with channels last, every backward pass copies such weights and their gradient into the other
order, which takes longer than the arithmetic of the small maps they are at work on: with FCN's fc6, 1024
filters of 128 × 7 × 7 on maps of 2 × 2, the copies are two fifths of a training step
(``benchmarks/speed/layout.py``).
"""

WIDE, WIDE_CHANNELS = 7, 32
"""Side and input channels from which a filter on the CPU keeps the plain layout, lighter as it may be.

With channels last oneDNN splits the sum over such a filter into parts that fit the second-level cache, so that the
rounding depends on the processor: with 2 MiB or 512 KiB in the place of 1, `msau_net` and `pan` had other weights
after one step of the suite quick; in the plain layout the same at all three. It takes as long.
"""


def channels_last(module: Module, device: torch.device) -> Module:
    """Move ``module`` to the device with its weights, and so its maps, in channels-last order.

    The numbers are the same but for rounding; ``state_dict`` keeps names and shapes. On the CPU a convolution
    of :data:`HEAVY` weights, or of :data:`WIDE` filters, stays in the plain order, and turns what it is given into it.
    """
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cpu":
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and (layer.weight.numel() >= HEAVY or _is_wide(layer)):
                layer.weight.data = layer.weight.data.contiguous()
                layer.register_forward_pre_hook(_in_plain_order)
    return module


def _is_wide(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return min(layer.kernel_size) >= WIDE and layer.in_channels // layer.groups >= WIDE_CHANNELS


def _in_plain_order(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    first, *rest = inputs
    return (first.contiguous() if isinstance(first, Tensor) else first, *rest)


def derive(seed: int, *purpose: str) -> int:
    """A 63-bit seed that depends on the run's seed and on what it is for, and on nothing else."""
    text = ":".join((str(seed), *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on ``device`` for one purpose of one run."""
    return torch.Generator(device=device).manual_seed(derive(seed, *purpose))


class DeterministicPooling(TorchFunctionMode):
    """While it is entered, adaptive average pooling is done by :func:`adaptive_avg_pool2d` of this module.

    On CUDA the gradient of torch's own is summed by atomic additions, in any order, and is refused under
    ``torch.use_deterministic_algorithms``. A mode, so that it reaches the pooling within timm,
    segmentation-models-pytorch and plugins too.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in (F.adaptive_avg_pool2d, torch._C._nn.adaptive_avg_pool2d):
            return adaptive_avg_pool2d(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """:func:`torch.nn.functional.adaptive_avg_pool2d` as two matrix products, which have a fixed order.

    Args:
        input: (…, H, W).
        output_size: of the result, one side or (H', W'); None keeps a side.

    Returns:
        (…, H', W') in the input's type.
    """
    sides = (output_size, output_size) if isinstance(output_size, int) else output_size
    rows, columns = (
        _averages(length, length if side is None else side, input.device)
        for length, side in zip(input.shape[-2:], sides, strict=True)
    )
    with torch.autocast(input.device.type, enabled=False):
        return (rows @ input.float() @ columns.T).to(input.dtype)


def _averages(length: int, bins: int, device: torch.device) -> Tensor:
    """(bins, length): row i averages the places from ⌊i·length/bins⌋ to before ⌈(i+1)·length/bins⌉."""
    bin_ = torch.arange(bins, device=device)[:, None]
    place = torch.arange(length, device=device)
    inside = (place >= bin_ * length // bins) & (place < -(-(bin_ + 1) * length // bins))
    return inside / inside.sum(1, keepdim=True)
