"""One bad thing does not stop the rest: loud errors, threads and children left behind, damaged files of others."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.errors import LONGEST_REASON, BadInput, Stopped, ZooError, reason_of
from zoo.core.registry import Registry, use
from zoo.harness.plan.planning import Unresolved
from zoo.harness.plan.suite import load_suite
from zoo.harness.run import crew
from zoo.harness.run.bench import bench
from zoo.harness.run.executors.local import LocalExecutor
from zoo.harness.run.reporter import SilentReporter
from zoo.harness.run.request import BenchRequest, effective_suite, resolve_apart

pytestmark = pytest.mark.slow


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


def asked(suite: Path, models: str, **options) -> BenchRequest:
    return BenchRequest(models=models, suite=str(suite), out=suite.parent / "results", **options)


def only(suite: Path, model: str) -> dict:
    (file,) = (suite.parent / "results").glob(f"runs/{model}/*/run.json")
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", ["shouts", "shouts_in_build"])
def test_an_error_of_megabytes_is_one_bounded_line(odd_zoo, suite, model):
    outcome = bench(asked(suite, f"{model},small"))
    assert outcome.failed == [f"{model} seed 0"]
    error = only(suite, model)["error"]
    assert len(error) <= LONGEST_REASON + 100
    table = (suite.parent / "results" / "leaderboard.csv").read_bytes()
    assert len(table) < 20_000


def test_a_stranger_whose_import_shouts_is_told_in_a_bounded_line(odd_zoo, suite):
    """A pipe holds 64 KiB: what the process that imports a plugin has to say is read while it says it."""
    (odd_zoo.parent / "shouting.py").write_text("raise ImportError('z' * 300_000)\n", encoding="utf-8")
    table = odd_zoo.with_name("shouting.yaml")
    table.write_text('models:\n  shouting: {target: "shouting:Net", summary: s}\n', encoding="utf-8")
    use(Registry.read([table]))
    found = resolve_apart("shouting", load_suite(str(suite)), {})
    assert isinstance(found, Unresolved)
    assert "zzz" in found.reason
    assert len(found.reason) <= LONGEST_REASON


def test_an_answer_larger_than_a_pipe_arrives(odd_zoo, tmp_path):
    executor = LocalExecutor()
    (odd_zoo.parent / "loud.py").write_text(
        "def main(payload, send, stop):\n    send({'text': 'x' * payload['length']})\n", encoding="utf-8"
    )
    task = executor.start("loud:main", {"length": 3_000_000})
    found: list[dict] = []
    while not found and task.alive:
        executor.wait([task], 1)
        found += task.messages()
    assert len(found[0]["text"]) == 3_000_000
    task.kill()


def test_a_thread_that_does_not_end_holds_no_finished_run(odd_zoo, suite):
    assert bench(asked(suite, "leaves_a_thread")).failed == []
    assert only(suite, "leaves_a_thread")["status"] == "ok"


@pytest.mark.parametrize(("model", "status"), [("leaves_a_child", "ok"), ("hangs_with_a_child", "timeout")])
def test_what_a_run_has_forked_ends_with_it_and_holds_no_lock(odd_zoo, suite, monkeypatch, ended, model, status):
    told = odd_zoo.parent / "child"
    if status == "timeout":  # as soon as there is the child, by the clock of who watches
        late = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000 * (told.exists() and told.stat().st_size > 0))
        monkeypatch.setattr(crew, "time", late)
    bench(asked(suite, model))
    assert only(suite, model)["status"] == status
    child = int(told.read_text(encoding="utf-8"))
    try:
        assert ended(child)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_a_damaged_file_of_an_old_run_stops_no_new_one(odd_zoo, suite):
    bench(asked(suite, "small"))
    (scores,) = (suite.parent / "results").glob("runs/small/*/scores.csv")
    scores.write_text("".join(scores.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    notes = Notes()
    with contextlib.suppress(BadInput):  # that the table could not be made is said in the end
        bench(asked(suite, "infinite,sometimes_nan"), notes)
    assert only(suite, "infinite")["status"] == "diverged"
    assert only(suite, "sometimes_nan")["status"] == "diverged"
    assert sum("scores.csv" in text for text in notes.texts) <= 1


@pytest.mark.parametrize("damage", ["flipped", "another network", "another optimizer"])
def test_a_checkpoint_that_does_not_fit_means_starting_anew(odd_zoo, suite, tmp_path, damage):
    bench(asked(suite, "fails_when_scored"))  # leaves one, trained to the end
    (checkpoint,) = (suite.parent / "results").glob("runs/fails_when_scored/*/checkpoint.pt")
    spoil(checkpoint, damage)
    (odd_zoo.parent / "mended").touch()
    assert bench(asked(suite, "fails_when_scored")).failed == []
    row = only(suite, "fails_when_scored")
    assert any(note.startswith("started anew: ") for note in row["notes"])
    assert row["steps"] == 8
    undisturbed = asked(suite, "fails_when_scored")
    undisturbed = BenchRequest(models=undisturbed.models, suite=undisturbed.suite, out=tmp_path / "undisturbed")
    bench(undisturbed)
    (again,) = (tmp_path / "undisturbed").glob("runs/*/*/run.json")
    assert json.loads(again.read_text(encoding="utf-8"))["scores"] == row["scores"]


def spoil(checkpoint: Path, how: str) -> None:
    from zoo.harness.training.loop import read_state, save_state

    if how == "flipped":
        content = bytearray(checkpoint.read_bytes())
        content[len(content) // 2] ^= 1
        checkpoint.write_bytes(content)
        return
    state = read_state(checkpoint)
    if how == "another network":
        state["training"]["colorizer"] = {"other.weight": torch.zeros(3)}
    else:
        state["training"]["colorizer"] = {k: v + 1.0 for k, v in state["training"]["colorizer"].items()}
        state["training"]["optimizers"] = {}
    save_state(state, checkpoint)


@pytest.mark.parametrize("text", ["inf", "nan", "-1", "0", "1e300", "x", ""])
def test_a_timeout_that_no_clock_counts_is_a_sentence(text):
    for command in (["bench", "--models", "gray", "--timeout", text], ["check", "gray", "--timeout", text]):
        result = CliRunner().invoke(cli, command, prog_name="zoo")
        assert result.exit_code == 2
        assert "Traceback" not in result.output
        assert "--timeout" in result.output


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1.0, 0.0])
def test_a_timeout_that_no_clock_counts_is_refused_in_a_request_and_a_suite(suite, seconds):
    with pytest.raises(BadInput, match="timeout"):
        effective_suite(asked(suite, "gray", timeout=seconds))
    written = {math.inf: ".inf", -math.inf: "-.inf"}.get(seconds, ".nan" if seconds != seconds else str(seconds))
    suite.write_text(suite.read_text(encoding="utf-8").replace("timeout: 300", f"timeout: {written}"), encoding="utf-8")
    with pytest.raises(BadInput, match="timeout"):
        load_suite(str(suite))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(""), "ValueError"),
        (ValueError("\n\n first \n second"), "first"),
        (KeyError("x" * 3_000_000), "'" + "x" * (LONGEST_REASON - 2) + "…"),
    ],
)
def test_the_reason_of_an_error_is_one_line_of_bounded_length(error, reason):
    assert reason_of(error) == reason


def test_every_error_class_says_what_a_run_and_the_command_line_end_with():
    classes = [ZooError, *ZooError.__subclasses__()]
    assert all(cls.status in {"error", "plugin_error", "diverged", "interrupted"} for cls in classes)
    assert {cls.exit_code for cls in classes if cls is not Stopped} == {2}
    assert Stopped.exit_code == 130
