"""log.jsonl has one form, by which it is written, cut, and read."""

import json

import pytest

from zoo.harness.results.run_record import CurvePoint
from zoo.harness.results.store import LogEntry, RunFolder

STEP = {"step": 10, "seconds": 1.23456789, "critic": 2.0, "colorizer": 0.5, "colorizer/l1": 0.25}
ENTRIES = [
    LogEntry.of_step(STEP),
    LogEntry.of_point(CurvePoint(12, 1.5, 20.25)),
    LogEntry(20, 2.0, {"colorizer": float("nan")}),
]


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    for entry in ENTRIES:
        folder.append_log(entry)
    return folder


def test_a_line_is_flat_and_comes_back_as_it_was(folder):
    first, second, _ = map(json.loads, folder.log.read_text().splitlines())
    assert first == {**STEP, "seconds": 1.234568}
    assert second == {"curve": True, "step": 12, "seconds": 1.5, "psnr": 20.25}
    assert folder.logged()[:2] == ENTRIES[:2]
    assert [entry.loss for entry in folder.logged()[:2]] == [0.5, None]


def test_what_was_logged_after_a_step_is_cut_off_and_so_is_half_a_line(folder):
    with folder.log.open("a") as file:
        file.write('{"step": 30, "sec')
    assert len(folder.logged()) == 3
    folder.cut_log(20)
    assert [entry.step for entry in folder.logged()] == [10, 12, 20]
    folder.cut_log(12)
    assert folder.logged() == ENTRIES[:2]


@pytest.mark.parametrize(
    "line", [b"[1]", b"{}", b'{"step": "x", "colorizer": []}', b'{"curve": true, "step": 1}', b"no"]
)
def test_a_damaged_line_is_said_to_be(line):
    with pytest.raises(ValueError, match=r"missing|expecting|Expected|Expecting|attribute|step|pop"):
        LogEntry.read(line)
