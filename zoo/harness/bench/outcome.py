"""How a run ended, as its run.json says it: the status, the reason, and what was asked for."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import torch

from zoo.core.errors import ZooError, reason_of
from zoo.core.record import OURS
from zoo.core.registry import current
from zoo.harness.bench import provenance
from zoo.harness.bench.plan import Run
from zoo.harness.training import device as devices


def failure(run: Run, error: BaseException) -> tuple[str, str]:
    """The status and the reason, in one line, that an exception stands for."""
    reason = reason_of(error)
    if isinstance(error, ZooError):
        return error.status, reason
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _tells_of_memory(error):
        return "oom", reason
    operation, undetermined, _ = reason.partition(" does not have a deterministic implementation")
    if undetermined:
        reason = f"{operation} has no deterministic form on this device; run it without --deterministic"
    foreign = current().record("models", run.model).distribution != OURS
    return "plugin_error" if foreign else "error", f"{type(error).__name__}: {reason}"


def _tells_of_memory(error: BaseException) -> bool:
    """torch's CPU allocator has no exception of its own: it raises RuntimeError with these words."""
    sentences = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(sentence in str(error) for sentence in sentences)


def failed_row(run: Run, status: str, error: str) -> dict[str, Any]:
    """run.json of a run that came to no score."""
    return {**head(run), "status": status, "error": error, **tail(run, None)}


def head(run: Run) -> dict[str, Any]:
    """Which run it is."""
    return {"model": run.model, "label": run.label, "seed": run.seed, "key": run.key}


def tail(run: Run, device: torch.device | None) -> dict[str, Any]:
    """Under what it was made: protocol, data, plan, machine."""
    finished = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "suite": run.suite.name,
        "protocol": run.protocol,
        "data": run.data,
        "recipe": run.recipe_name,
        "spec": msgspec.to_builtins(run.spec),
        "plan": msgspec.to_builtins(
            {
                "recipe": run.recipe,
                "suite": run.suite,
                "batch": run.batch,
                "budget": run.budget,
                "hints": run.train_hints,
            }
        ),
        "provenance": {
            **provenance.versions(),
            "device": devices.describe(device) if device else run.device,
            "commit": provenance.commit(),
            "finished": finished,
        },
    }
