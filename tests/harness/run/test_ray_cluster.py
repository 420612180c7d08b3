"""A real cluster of three machines on this one: no disk in common is made use of, and one is lost in mid-bench."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest

from zoo.core.errors import BadInput, Unavailable
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.store import run_folders
from zoo.harness.run.bench import BenchRequest, bench
from zoo.harness.run.executors.ray_cluster import RayExecutor
from zoo.harness.run.reporter import SilentReporter
from zoo.harness.training import device as devices

MODELS = "small,gray,levin2004"


@pytest.fixture
def cluster(small_zoo):
    """A head without room, and three machines with room for a run each."""
    pytest.importorskip("ray", reason="needs the extra ray")
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **memory})
    cluster.machines = [cluster.add_node(num_cpus=1, **memory) for _ in range(3)]
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
def test_a_machine_is_lost_in_mid_bench_nothing_else_is_and_scores_are_those_of_local(cluster, suite_file, tmp_path):
    suite_file.write_text(suite_file.read_text().replace("steps: 8", "steps: 400"))
    request = {"models": MODELS, "suite": str(suite_file), "seeds": 2}
    lost = []

    class Kills(SilentReporter):
        """Once all three are in the middle of a training."""

        training: set[str] = set()  # noqa: RUF012
        notes: list[str] = []  # noqa: RUF012

        def progress(self, run, state):
            if state["phase"] == "training" and state["fraction"] > 0.1:
                self.training.add(run)
            if len(self.training) == 2 and not lost:
                lost.extend(cluster.machines[:2])
                for machine in lost:
                    cluster.remove_node(machine, allow_graceful=False)

        def note(self, text):
            self.notes.append(text)

    options = {"executor": "ray", "options": {"executor.address": cluster.address}}
    outcome = bench(BenchRequest(**request, **options, out=tmp_path / "cluster"), Kills())
    assert lost
    assert outcome.failed == []
    assert any("its machine was lost; it is taken up on another" in note for note in Kills.notes)
    bench(BenchRequest(**request, out=tmp_path / "local"))
    there, here = (files_of(tmp_path / name) for name in ("cluster", "local"))
    assert there == here
    assert len([name for name in here if name.endswith("run.json")]) == 6
    again = SilentReporter()
    again.planned = lambda runs, done: lost.append((len(runs), len(done)))
    bench(BenchRequest(**request, out=tmp_path / "cluster"), again)
    assert lost[-1] == (0, 6), "what came home is done, also for another executor"


def files_of(results):
    """All files of the runs, the scores and weights by their content."""
    found = {}
    for run in run_folders(results):
        for path in run.path.iterdir():
            exact = path.suffix in (".csv", ".safetensors", ".png", ".jpg")
            found[str(path.relative_to(results))] = path.read_bytes() if exact else b""
    return found


def test_without_the_package_it_is_one_sentence_that_names_the_extra(monkeypatch):
    from zoo.core.assemble import make

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Unavailable, match=r"needs the package ray; pip install 'colorizer-zoo\[ray\]'"):
        make("executors", "ray")


@pytest.fixture
def two_machines(monkeypatch):
    """A cluster that is made up: four cores and a GPU here, two cores there, and one that is lost."""
    nodes = [({"CPU": 4.0, "GPU": 1.0}, True), ({"CPU": 2.0}, True), ({"CPU": 64.0, "GPU": 8.0}, False)]
    told = [{"Resources": resources, "Alive": alive} for resources, alive in nodes]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True, nodes=lambda: told))


@pytest.mark.parametrize(
    ("options", "device", "room"),
    [
        ({}, "auto", 1),  # a GPU each
        ({"gpus": 0.5}, "auto", 2),  # half a GPU each, and as many cores as they need
        ({"gpus": 0.1, "cpus": 1}, "auto", 4),  # the cores end first
        ({}, "cpu", 6),  # a core each, as quick's runs have one thread
        ({"cpus": 2}, "cpu", 3),
    ],
)
def test_there_is_room_for_as_many_runs_as_each_machine_takes(two_machines, options, device, room):
    suite = msgspec.structs.replace(load_suite("quick"), precision="fp32")
    assert RayExecutor(**options).room(suite, device, None) == room
    assert RayExecutor(**options).room(suite, device, 99) == 99, "the others wait in the cluster"


def test_what_no_machine_has_and_a_precision_that_is_left_open_are_refused(two_machines, monkeypatch):
    suite = load_suite("quick")
    with pytest.raises(BadInput, match=r"No machine of the cluster has 5 cores and 0 GPUs"):
        RayExecutor(cpus=5).room(suite, "cpu", None)
    monkeypatch.setattr(devices, "CUDA", SimpleNamespace(is_available=lambda: False))
    with pytest.raises(BadInput, match=r"carried out with GPUs, and there is none here: --set suite.precision"):
        RayExecutor().room(suite, "auto", None)


@pytest.mark.slow
def test_a_bench_of_this_machine_imports_neither_of_the_cluster_libraries():
    code = """
import sys
from zoo.harness.run.bench import BenchRequest, bench
from zoo.core.assemble import make
make("executors", "local")
print(sorted({"ray", "submitit"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
