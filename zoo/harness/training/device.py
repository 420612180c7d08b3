"""Where a run computes, and in which precision."""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager

import torch

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.process import usable_cores
from zoo.harness.training.deterministic import DeterministicPooling


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
