"""Work that takes long says how far it is, and how long it will take."""

from __future__ import annotations

import io
import sys

import pytest

from zoo.cli.pace import Pace, RunsPace, duration
from zoo.cli.photo_progress import said_beside, watched


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_left_is_told_from_what_is_done():
    clock = Clock()
    pace = Pace(40, clock)
    assert pace.left() == ""
    clock.now, pace.done = 20.0, 10
    assert pace.rate == 0.5
    assert pace.left() == "about 60 s left"
    pace.done = 40
    assert pace.left() == ""


def test_a_bench_says_how_long_it_will_take_once_it_can_tell():
    clock = Clock()
    pace = RunsPace(10, clock)
    assert str(pace) == "0 of 10"
    clock.now = 1.0
    pace.at_work("a", "data", 0.5)
    pace.at_work("a", "training", 0.1)
    assert str(pace) == "0 of 10"  # a hundredth is too little to judge by
    clock.now = 60.0
    pace.finish("a")
    pace.at_work("b", "training", 1 / 0.9)
    assert str(pace) == "1 of 10, about 4 min left"  # 2 in a minute, 8 to go
    pace.at_work("b", "evaluating", 1.0)
    assert str(pace) == "1 of 10, about 4 min left"
    for run in "bcdefghij":
        pace.finish(run)
    assert str(pace) == "10 of 10"


def test_durations_are_as_exact_as_an_estimate_is():
    assert [duration(seconds) for seconds in (0.2, 40, 89, 100, 3000, 12_000)] == [
        "1 s",
        "40 s",
        "89 s",
        "2 min",
        "50 min",
        "3 h 20 min",
    ]


def piped(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What stands in standard error's place, and is no terminal."""
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    return pipe


def test_in_a_pipe_a_plain_line_now_and_then_says_photos_a_second_and_the_time_left(monkeypatch):
    clock, pipe = Clock(), piped(monkeypatch)

    def photos():
        for number in range(24):
            clock.now += 2.5
            yield number

    assert list(watched(photos(), 24, clock)) == list(range(24))
    assert pipe.getvalue().splitlines() == [
        "4 of 24 photos, 0.4 photos/s, about 50 s left",
        "8 of 24 photos, 0.4 photos/s, about 40 s left",
        "12 of 24 photos, 0.4 photos/s, about 30 s left",
        "16 of 24 photos, 0.4 photos/s, about 20 s left",
        "20 of 24 photos, 0.4 photos/s, about 10 s left",
    ]


def test_what_is_passed_over_tells_nothing_of_the_time_left(monkeypatch):
    clock, pipe = Clock(), piped(monkeypatch)

    def photos():
        for number in range(100):
            clock.now += 0.5 if number < 80 else 5.0
            yield number

    assert list(watched(photos(), 100, clock, worked=lambda number: number >= 80)) == list(range(100))
    assert pipe.getvalue().splitlines()[2:6] == [
        "60 of 100 photos",
        "80 of 100 photos",
        "82 of 100 photos, 0.2 photos/s, about 2 min left",
        "84 of 100 photos, 0.2 photos/s, about 80 s left",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_said_beside_a_bar_has_a_line_of_its_own(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    for number in watched(range(4), 4, clock):
        clock.now += 2
        if number == 1:
            said_beside("zoo: b.jpg cannot be read.")
    first, last, _ = terminal.getvalue().split("\n")
    assert first.rpartition("\r")[2] == "\x1b[Kzoo: b.jpg cannot be read."
    assert "2/4" in last
    assert "0.5 photos/s, about 4 s left" in last
    assert "4/4" in last.rpartition("\r")[2]


def test_one_photo_is_done_in_silence(monkeypatch):
    pipe = piped(monkeypatch)
    assert list(watched([1], 1, Clock())) == [1]
    assert pipe.getvalue() == ""
