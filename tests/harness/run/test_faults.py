"""Faults of the disk and of the files on it: one sentence, and nothing finished is lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.core.files import write_whole
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.run_record import SCHEMA
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest


@pytest.fixture
def done(small_zoo, suite_file, tmp_path) -> tuple[BenchRequest, Path]:
    """A bench of the untrained baseline, finished; its request, and its one run.json."""
    request = BenchRequest(models="gray", suite=str(suite_file), out=tmp_path / "results")
    bench(request)
    (row,) = (tmp_path / "results").glob("runs/gray/*/run.json")
    return request, row


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["pathlib.Path.write_bytes", "os.replace"])
def test_a_full_disk_keeps_the_old_file_and_leaves_no_part_of_the_new(tmp_path, monkeypatch, call):
    file = tmp_path / "leaderboard.csv"
    write_whole(file, "old")
    monkeypatch.setattr(call, _full)
    with pytest.raises(BadInput, match=r"leaderboard\.csv cannot be written: No space left on device"):
        write_whole(file, "new")
    monkeypatch.undo()
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["leaderboard.csv"]


def test_a_disk_that_fills_up_halfway_through_a_file(tmp_path, monkeypatch):
    file = tmp_path / "run.json"
    write_whole(file, "old")
    write_bytes = Path.write_bytes

    def half(self: Path, content: bytes) -> int:
        write_bytes(self, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(BadInput, match="No space left"):
        write_whole(file, "a longer text")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.slow
def test_a_folder_of_another_version_is_refused_in_a_sentence(done):
    request, row = done
    row.write_text(json.dumps({**json.loads(row.read_text()), "schema": SCHEMA + 1}))
    before = row.read_bytes()
    for attempt in (lambda: bench(request), lambda: rebuild(request.out), RunFolder(row.parent).record):
        with pytest.raises(BadInput, match=rf"is of version {SCHEMA + 1}, this zoo reads {SCHEMA}; update the zoo"):
            attempt()
    result = CliRunner().invoke(cli, ["leaderboard", str(request.out), "--rebuild"], prog_name="zoo")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert row.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cannot be read"),
        (b'{"schema": 1, "status": "o', "cannot be read"),
        (b"\xff\xfe\0", "cannot be read"),
        (b"[]", "is of version None"),
        (b'{"schema": 1}', "is damaged"),
    ],
)
def test_a_damaged_run_json_is_named_and_its_removal_mends_it(done, content, sentence):
    request, row = done
    table = (request.out / "leaderboard.csv").read_bytes()
    whole = row.read_bytes()
    row.write_bytes(content)
    with pytest.raises(BadInput, match=sentence) as told:
        bench(request)
    assert str(row) in str(told.value)
    assert (request.out / "leaderboard.csv").read_bytes() == table
    row.write_bytes(whole)
    assert bench(request).failed == []


@pytest.mark.slow  # a whole bench before it
def test_scores_that_are_cut_short_are_named(done):
    request, row = done
    scores = row.with_name("scores.csv")
    scores.write_text("".join(scores.read_text().splitlines(keepends=True)[:-1]))
    table = rebuild(request.out).read_text(encoding="utf-8")
    assert "scores.csv has 3 of 4 images" in table


def test_a_bench_on_a_full_disk_says_so(small_zoo, suite_file, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", _full)
    with pytest.raises(BadInput, match="No space left on device"):
        bench(BenchRequest(models="gray", suite=str(suite_file), out=tmp_path / "results"))
