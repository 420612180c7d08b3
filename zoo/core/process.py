"""What a process of ours lives by: its processor and the cores that it may use, how its threads wait, the checkout that
it runs from, and where it imports from.

Nothing is imported from the folder that the user happens to stand in: Python puts it first on its path for
``python -m`` and ``python -c``, and a file ``socket.py`` that lies there, in a downloads folder say, would be
imported in the place of the library's by every helper process.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The process's cores: what its affinity allows and what the quotas of its control groups pay for, at least 1.

    Sources: ``sched_getaffinity(2)``; Linux' Documentation/admin-guide/cgroup-v2, ``cpu.max``; and
    Documentation/scheduler/sched-bwc, ``cpu.cfs_quota_us``.
    """
    affinity = len(allowed_cores()) or os.cpu_count() or 1
    return max(1, min([affinity, *(math.ceil(quota) for quota in _quotas())]))


def allowed_cores() -> list[int]:
    """The numbers of the cores that the process's affinity allows; none where the system knows no affinity."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


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
            if controllers:  # version 1
                quota = _share(*_words(group / "cpu.cfs_quota_us")[:1], *_words(group / "cpu.cfs_period_us")[:1])
            else:
                quota = _share(*_words(group / "cpu.max")[:2])
            if quota is not None:
                yield quota
            if group == root:
                break


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


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads sleep while they wait, unless the user has said otherwise.

    By default they spin, and two processes on the same cores then slow each other down tenfold (a colorization
    of 24 photos beside a busy machine: 172 s spinning, 59 s asleep). OpenMP reads this when it starts, so it must
    be said before torch is imported; processes that are started later inherit it. ``OMP_WAIT_POLICY`` is OpenMP's
    own word, which GNU's and LLVM's runtime know; ``KMP_BLOCKTIME`` is how long Intel's and LLVM's spin nevertheless.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("KMP_BLOCKTIME", "0")


_MALLOC = {"MALLOC_TRIM_THRESHOLD_": (-1, 2**30), "MALLOC_TOP_PAD_": (-2, 2**26), "MALLOC_MMAP_THRESHOLD_": (-3, 2**30)}
"""A user's word for each, its number for mallopt(3), and our value, in bytes."""


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> None:
    """Let the C library keep what a training step frees for the next one, unless the user has said otherwise.

    GNU's malloc gives large blocks back to the system at once, and the system then has to clear every page of the next
    step's maps anew. What that costs stands in ``results/speed/tried.csv``. Other C libraries have no such switch.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None and not {*_MALLOC, "GLIBC_TUNABLES"} & set(environment):
        for parameter, size in _MALLOC.values():
            mallopt(parameter, size)


_VARIABLE = "PYTHONSAFEPATH"
_PACKAGE = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def helpers_on_a_safe_path() -> Iterator[None]:
    """Python processes that are started within leave the current folder out of their path (``python -P``)."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def forget_safe_path(before: str | None) -> None:
    """In such a helper: what it starts itself, a plugin's script say, finds the environment as the user has it."""
    if before is None:
        os.environ.pop(_VARIABLE, None)


def user_choice() -> str | None:
    """What the user's environment says, for :func:`forget_safe_path`."""
    return os.environ.get(_VARIABLE)


def leave_current_folder() -> None:
    """For ``python -m zoo``: drop the current folder from the path that Python has put first.

    Where the package itself lies there, in a checkout that is not installed, it goes to the end instead.
    """
    if sys.flags.safe_path or not sys.path:
        return
    first = sys.path.pop(0)
    with contextlib.suppress(OSError, ValueError):
        if Path(first).resolve() == _PACKAGE:
            sys.path.append(first)


def processor() -> str:
    """What the machine computes on: the processor's name and the cores that the process has, never whose it is."""
    import platform

    names = []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {usable_cores()} cores"


def commit() -> str:
    """The commit of the checkout the package runs from (``+`` when it has changes), or empty."""
    import subprocess  # a run asks once, other commands never

    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", env=environment, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        short = git("rev-parse", "--short=10", "HEAD")
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", "zoo", "registry.yaml", "benchmarks/suites"
        )
    except OSError:
        return ""  # no git on this machine
    return short + ("+" if short and changed else "")
