"""Seconds of training are those in which the process was at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from zoo.harness.training.budget import TrainingClock


class Hands:
    """Two clocks that are set by hand."""

    def __init__(self):
        self.wall = self.cpu = 0.0
        self.clock = TrainingClock(wall=lambda: self.wall, cpu=lambda: self.cpu)

    def work(self, seconds: float, share: float = 1.0) -> None:
        self.wall += seconds
        self.cpu += seconds * share
        self.clock.read()


def test_work_counts_and_a_standstill_does_not():
    hands = Hands()
    with hands.clock.running():
        hands.work(3, share=0.9)
        hands.work(60, share=0.001)
        hands.work(2, share=4.0)  # four threads
    assert hands.clock.seconds == pytest.approx(3 + 0.06 + 2)
    assert hands.clock.gaps == pytest.approx(60 - 0.06)


def test_a_busy_machine_and_waiting_for_a_device_are_no_gaps():
    hands = Hands()
    with hands.clock.running():
        hands.work(5, share=0.2)
        for _ in range(100):  # the reading thread went on, the others waited
            hands.work(0.1, share=0.0)
    assert hands.clock.seconds == pytest.approx(15)
    assert hands.clock.gaps == 0


def test_what_is_paused_or_outside_does_not_count():
    hands = Hands()
    with hands.clock.running():
        hands.work(1)
        with hands.clock.paused():
            hands.work(10)
            hands.work(10, share=0)
        hands.work(1)
    hands.work(10)
    assert (hands.clock.seconds, hands.clock.gaps) == (2, 0)
    with hands.clock.running():
        hands.work(1)
    assert hands.clock.read() == 3


AT_WORK = """
from zoo.harness.training.budget import TrainingClock
clock, said = TrainingClock(), False
with clock.running():
    while clock.read() < 1.5:
        sum(range(1000))
        if not said and clock.seconds > 0.2:
            said = True
            print("at work", flush=True)
print(clock.gaps)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_a_process_that_was_stopped_goes_on_with_its_budget():
    stopped = 3.0
    with subprocess.Popen([sys.executable, "-c", AT_WORK], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "at work\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(stopped)
        os.kill(process.pid, signal.SIGCONT)
        gaps = float(process.stdout.readline())
    assert process.returncode == 0
    assert gaps >= 0.8 * stopped, "the stop is no part of the budget"
