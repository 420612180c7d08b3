"""A real cluster of three machines on this one: no disk in common is made use of, and one is lost in mid-bench."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zoo.core.errors import Unavailable
from zoo.harness.results.store import run_folders
from zoo.harness.run.bench import BenchRequest, bench
from zoo.harness.run.reporter import SilentReporter

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
