"""One contestant, in a process of its own, told what to do by ``benchmarks.rivals``: a line of JSON in, one out.

    python -m benchmarks.rivals.contestant NAME --network unet --px 64 [--device cpu] [--workers 2]

NAME is a file of this folder with ``train(case, pace)``, which calls :meth:`Pace.step_done` after every step.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from benchmarks.rivals.task import Case
from zoo.harness.scoring.costs import Load, peak_memory_mb
from zoo.harness.training import device as devices


class Pace:
    """Lets so many steps be taken as it is told, and says how long they took.

    Commands: ``{"steps": n, "untimed": k}``; ``{"target": dB, "every": n, "most": n}``: train until the mean PSNR of
    the validation photos is reached; ``{"score": true}``; ``{"end": true}``. ``evaluate`` is the contestant's own:
    scores by name, of which ``psnr`` is one.
    """

    def __init__(self, case: Case, answers: IO[str]):
        self.case, self._answers = case, answers
        self.evaluate: Callable[[], dict[str, float]] | None = None
        self.step = 0
        self._command: dict[str, Any] = {}
        self._left = self._untimed = 0
        self._started = time.perf_counter()
        self._seconds = 0.0
        self._curve: list[list[float]] = []

    def step_done(self) -> bool:
        """Whether to go on; waits here between two commands, outside the clock."""
        self.step += 1
        if self.step == 1:
            self._wait_for_device()
            self._say(ready=time.monotonic())
            return self._obey()
        if self._untimed:
            self._untimed -= 1
            if self._untimed == 0:
                self._wait_for_device()
                self._start()
            return True
        self._left -= 1
        if "target" in self._command:
            return self._towards()
        if self._left:
            return True
        seconds = self._stop()
        self._say(seconds=seconds, busy=self._load.share(), workers_mb=private_mb_of_children())
        return self._obey()

    def _towards(self) -> bool:
        if self._left % self._command["every"]:
            return True
        self._seconds += self._stop()
        assert self.evaluate
        psnr = self.evaluate()["psnr"]
        self._curve.append([self.step, self._seconds, time.monotonic(), psnr])
        if psnr < self._command["target"] and self._left > 0:
            self._start()
            return True
        self._say(curve=self._curve)
        return self._obey()

    def _start(self) -> None:
        self._load, self._started = Load(), time.perf_counter()

    def _stop(self) -> float:
        self._wait_for_device()
        return time.perf_counter() - self._started

    def _wait_for_device(self) -> None:
        devices.finish(self.case.device)

    def _obey(self) -> bool:
        while line := sys.stdin.readline():
            self._command = json.loads(line)
            if self._command.get("score"):
                assert self.evaluate
                self._say(**self.evaluate())
                continue
            if self._command.get("end"):
                break
            self._left = self._command.get("steps") or self._command["most"]
            self._untimed = self._command.get("untimed", 0)
            if not self._untimed:
                self._start()
            return True
        self._say(peak_mem_mb=peak_memory_mb(self.case.device))
        return False

    def _say(self, **what: Any) -> None:
        print(json.dumps(what), file=self._answers, flush=True)


def private_mb_of_children() -> float:
    """MiB that the workers have for themselves; what they share with their parent is counted there."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    total = 0
    for child in children.read_text(encoding="ascii").split() if children.exists() else ():
        rollup = Path(f"/proc/{child}/smaps_rollup")
        if rollup.exists():
            lines = (line.split() for line in rollup.read_text(encoding="ascii").splitlines())
            total += sum(int(line[1]) for line in lines if line[0].startswith("Private_"))
    return total / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--network", default="unet")
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="ours, by torch.compile; on a GPU it always is")
    parser.add_argument("--flush-denormal", action="store_true")
    told = parser.parse_args()
    # What a library prints must not pass for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    device = devices.pick_device(told.device)
    devices.prepare(device)
    torch.set_flush_denormal(told.flush_denormal)
    case = Case(told.network, told.px, device, told.workers, told.compile or device.type == "cuda")
    importlib.import_module(f"benchmarks.rivals.{told.name}").train(case, Pace(case, answers))


if __name__ == "__main__":
    main()
