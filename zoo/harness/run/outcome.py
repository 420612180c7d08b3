"""How a run ended: the status and the reason that an exception stands for."""

from __future__ import annotations

import torch

from zoo.core.errors import ZooError, reason_of
from zoo.core.registry import current
from zoo.core.registry_rows import OURS
from zoo.harness.plan.planned_run import PlannedRun


def failure(run: PlannedRun, error: BaseException) -> tuple[str, str]:
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
