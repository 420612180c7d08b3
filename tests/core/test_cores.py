"""The cores of a process: its affinity and the quotas of its control groups, not the machine's processors."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from zoo.core import process

ZOO = Path(process.__file__).parents[1]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 64 cores with a control group tree that the test writes."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(process, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(process, "_OWN_CGROUPS", tmp_path / "own")

    def written(own: str, files: dict[str, str]) -> int:
        (tmp_path / "own").write_text(own, encoding="utf-8")
        for name, text in files.items():
            file: Path = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return process.usable_cores()

    return written


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {}, 64),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "5000 100000\n"}, 1),
        ("0::/slice/job\n", {"slice/cpu.max": "300000 100000\n", "slice/job/cpu.max": "max 100000\n"}, 3),
        ("0::/not/mounted/here\n", {"cpu.max": "400000 100000\n"}, 4),
        ("4:cpu,cpuacct:/docker/a\n", {"cpu,cpuacct/docker/a/cpu.cfs_quota_us": "-1\n"}, 64),
        (
            "5:memory:/x\n4:cpu,cpuacct:/docker/a\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        ("0::/\n", {"cpu.max": "nonsense\n"}, 64),
    ],
)
def test_a_quota_of_a_control_group_bounds_the_cores(machine, own, files, expected):
    assert machine(own, files) == expected


def test_affinity_bounds_the_cores_and_a_machine_without_either_has_its_processors(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert machine("0::/\n", {"cpu.max": "800000 100000\n"}) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    monkeypatch.setattr(process, "_OWN_CGROUPS", Path("nowhere"))
    assert process.usable_cores() == 12


def test_nobody_counts_the_machines_cores_but_the_one_function():
    found = [
        str(file.relative_to(ZOO))
        for file in sorted(ZOO.rglob("*.py"))
        if re.search(r"cpu_count|sched_getaffinity", file.read_text(encoding="utf-8"))
    ]
    assert found == ["core/process.py"]


def test_a_record_tells_the_cores_that_the_process_has(monkeypatch):
    monkeypatch.setattr(process, "usable_cores", lambda: 3)
    assert process.processor().endswith(", 3 cores")
