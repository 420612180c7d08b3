"""How many cores this process may use, which may be fewer than the machine has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The process's cores: what its affinity allows and what the quotas of its control groups pay for, at least 1.

    Sources: ``sched_getaffinity(2)``; Linux' Documentation/admin-guide/cgroup-v2, ``cpu.max``; and
    Documentation/scheduler/sched-bwc, ``cpu.cfs_quota_us``.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *(math.ceil(quota) for quota in _quotas())]))


def _quotas() -> Iterator[float]:
    """The cores that each control group above this process grants; none where there is no limit.

    In a container the groups' own paths may not be there; the limit then stands at the top of what is mounted.
    """
    try:
        lines = _OWN_CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = _CGROUP / controllers if controllers else _CGROUP
        below = path.strip("/")
        for group in [root / below, *(root / below).parents] if below else [root]:
            quota = _v1(group) if controllers else _v2(group)
            if quota is not None:
                yield quota
            if group == root:
                break


def _v2(group: Path) -> float | None:
    return _share(*_words(group / "cpu.max")[:2])


def _v1(group: Path) -> float | None:
    return _share(*_words(group / "cpu.cfs_quota_us")[:1], *_words(group / "cpu.cfs_period_us")[:1])


def _share(quota: str = "max", period: str = "100000") -> float | None:
    try:
        share = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return None  # "max"
    return share if share > 0 else None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []
