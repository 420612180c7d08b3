"""Where a run computes and what makes it repeatable: device, precision, memory format and seeds.

Whatever is asked of a GPU is asked here, through :data:`CUDA`, so that a test can say what would be answered. One
random generator a purpose, so that adding a consumer of randomness shifts nothing else. Tensors lie channels last, but
for the CPU's heaviest and widest convolutions.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.process import keep_freed_memory, usable_cores

CUDA: Any = torch.cuda
"""The GPUs. No other file of the zoo names ``torch.cuda``."""


def pick_device(name: str) -> torch.device:
    """``auto`` is cuda where there is one, else mps, else cpu.

    Raises:
        BadInput: a device torch does not know, or that is not here.
    """
    if name == "auto":
        if CUDA.is_available():
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
        return str(CUDA.get_device_name(device))
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' * (threads != 1)}"
    return device.type


def cards() -> Iterator[tuple[str, float]]:
    """The name of each CUDA device here and its memory in GiB."""
    for index in range(CUDA.device_count() if CUDA.is_available() else 0):
        card = CUDA.get_device_properties(index)
        yield card.name, card.total_memory / 2**30


def finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was told. Only clocks need that."""
    if device.type == "cuda":
        CUDA.synchronize(device)


def tensors_peak_mb(device: torch.device) -> float:
    """The most that tensors took of a CUDA device in this process, MiB."""
    return float(CUDA.max_memory_allocated(device)) / 2**20


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Torch's global generators, from which dropout and its like draw: the CPU's, and that of a CUDA device."""
    states = {"torch_random": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda_random"] = CUDA.get_rng_state(device)
    return states


def set_random_states(states: Mapping[str, Any], device: torch.device) -> None:
    """Put back what :func:`random_states` gave; what else ``states`` holds is not looked at."""
    torch.set_rng_state(states["torch_random"])
    if "cuda_random" in states and device.type == "cuda":
        CUDA.set_rng_state(states["cuda_random"], device)


_HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}

BF16_FROM = (8, 0)
"""Compute capability (Ampere) from which a GPU has bf16; torch calls it supported below, where it is emulated."""


def pick_precision(name: str, device: torch.device) -> str:
    """``auto`` is bf16 on a CUDA device that computes in it, fp16 on an older one, and fp32 everywhere else."""
    if name != "auto":
        return name
    if device.type != "cuda":
        return "fp32"
    return "bf16" if CUDA.get_device_capability(device) >= BF16_FROM else "fp16"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Half precision where asked for."""
    if precision in _HALVES:
        return torch.autocast(device.type, dtype=_HALVES[precision])
    return contextlib.nullcontext()


def loss_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """What keeps the small gradients of fp16 from becoming 0; in the other precisions it changes nothing.

    It leaves out a step whose gradients overflow, as the first few may, and to know that it waits for the device once
    a step (arXiv:1710.03740, section 3.2).
    """
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def prepare(device: torch.device, *, deterministic: bool = False, threads: int | None = None) -> None:
    """Set what torch has as process-wide switches. Every run is a process of its own.

    Args:
        deterministic: only algorithms that give the same bits again. What has none raises RuntimeError on use.
        threads: of the CPU; None: as many as torch takes, and no more than the process has cores.
    """
    torch.set_num_threads(threads or min(torch.get_num_threads(), usable_cores()))
    keep_freed_memory()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        from zoo.harness.training.deterministic_forms import DeterministicForms  # which few runs ask for

        contextlib.ExitStack().enter_context(DeterministicForms())  # for the life of the process
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
