"""The table shows the run that was planned last, and counts each run once."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from zoo.core.errors import BadInput
from zoo.core.registry import Registry, use
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # whole benches


class Recorder:
    def __init__(self):
        self.todo, self.notes = [], []

    def planned(self, runs, done):
        self.todo = list(runs)

    def started(self, run): ...
    def progress(self, run, state): ...
    def finished(self, run, row): ...

    def note(self, text):
        self.notes.append(text)


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def widths(small_zoo, suite_file, tmp_path):
    """Bench a model of one's own whose row says a width; what had to be run, and the table."""
    out = tmp_path / "results"
    table = small_zoo.with_name("mine.yaml")

    def benched(width: int) -> tuple[list[str], dict[str, str]]:
        table.write_text(f'models: {{mine: {{target: "bench_test_models:Small", options: {{width: {width}}}}}}}')
        use(Registry.read([table]))
        bench(BenchRequest(models="mine", suite=str(suite_file), out=out), recorder := Recorder())
        (row,) = rows(out / "leaderboard.csv")
        benched.notes = recorder.notes
        return recorder.todo, row

    benched.out = out
    return benched


def test_a_run_without_its_weights_is_to_do_again_and_says_so(widths):
    widths(1)
    widths(7)
    for weights in widths.out.glob("runs/mine/*/model.safetensors"):
        weights.unlink()
    assert widths(1)[0] == ["mine seed 0"]
    assert widths.notes[-1:] == ["mine seed 0: to do again, its weights are not here"]


def test_a_row_shows_what_was_planned_last_whatever_the_clock_says(widths):
    out = widths.out
    todo, narrow = widths(1)
    assert todo == ["mine seed 0"]
    todo, wide = widths(7)
    assert todo == ["mine seed 0"], "another preset is another run"
    assert widths.notes[-1:] == ["mine seed 0: to do again, its network (options) is not what it was"]
    assert wide["psnr"] != narrow["psnr"]
    todo, again = widths(1)
    assert todo == []
    assert widths.notes == []
    assert again == narrow
    others = not_shown(out)
    later = next(path for path in out.glob("runs/mine/*/run.json") if json.loads(path.read_text())["key"] in others)
    record = json.loads(later.read_text())
    record["provenance"]["finished"] = "2999-01-01T00:00:00Z"
    later.write_text(json.dumps(record))
    rebuild(out)
    assert rows(out / "leaderboard.csv") == [narrow], "a date in the future shows nothing that nobody asked for"
    before = (out / "leaderboard.csv").read_bytes()
    (out / "planned.json").unlink()
    rebuild(out)
    assert rows(out / "leaderboard.csv")[0]["psnr"] == wide["psnr"], "without a plan it is the newest"
    widths(1)
    assert (out / "leaderboard.csv").read_bytes() == before


def not_shown(out) -> set[str]:
    """The keys that the table does not show."""
    shown = {row["key"] for row in json.loads((out / "planned.json").read_text())["rows"]}
    return {row["key"] for row in rows(out / "runs.csv")} - shown


def test_a_copy_of_a_run_folder_is_no_run(widths):
    out = widths.out
    _, row = widths(1)
    (run,) = out.glob("runs/mine/seed0-*")
    for copy in (f"{run.name}-copy", f"{run.name} (1)", f"seed1-{run.name.partition('-')[2]}", "seed0-0123456789ab"):
        shutil.copytree(run, run.with_name(copy))
    shutil.copytree(run.parent, run.parent.with_name("mine (copy)"))
    rebuild(out)
    assert rows(out / "leaderboard.csv") == [row]
    assert len(rows(out / "runs.csv")) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": [{"key": 1}]}', '{"rows": [], "more": 1}'])
def test_a_damaged_plan_is_one_sentence_with_its_mend(widths, content):
    widths(1)
    (widths.out / "planned.json").write_text(content)
    with pytest.raises(BadInput, match=r"planned\.json cannot be read .*; delete it"):
        rebuild(widths.out)


def test_a_record_holds_the_keys_of_its_training_and_scoring(widths):
    widths(1)
    record = json.loads(next(widths.out.glob("runs/mine/*/run.json")).read_text())
    assert len({record["key"], record["training_key"], record["scoring_key"]}) == 3
