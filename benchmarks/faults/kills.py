"""Kills at random moments: the same command each time ends with the numbers of an undisturbed bench.

    python benchmarks/faults/kills.py [--kills 50] [--seed 0]

A small bench is run once undisturbed. Then the same command is run again and again, and each time one of its
processes is killed with SIGKILL: the bench itself, one of its runs, or the server that runs are forked from.
The moment is random, counted from the start or from the beginning of one of the short phases. A bench that
comes to its end before all kills are dealt out is compared with the undisturbed one, and the next round begins
in a new folder, with a new cache. After every kill nothing that was finished may be lost or changed, and no
file may be half written. At the end weights, scores and curves must be equal to the last byte; times, dates and
commits are not looked at. Linux only: it finds processes in /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.core.errors import BadInput
from zoo.harness.results.run_record import DISTURBED
from zoo.harness.results.store import RunFolder

MODELS = "gray,mean_ab,unet,residual_unet,r2_unet,pix2pix"
"""Baselines that are not trained, plain networks, and a GAN: two optimizers, dropout, random draws."""

STEPS = 120

SUITE = """
name: kills
size: 32
load_size: 40
batch: 4
budget: {{steps: {steps}}}
options: {{width: 8, depth: 3}}
train_hints: {{name: pixels, densities: [0.05]}}
eval_hints: {{name: pixels, densities: [0.02]}}
sweeps:
  dots: {{hints: {{name: points, sizes: 2}}, counts: [0, 1, 2, 5, 10]}}
test_limit: 40
metrics: [psnr, ssim, delta_e00]
curve: 3
threads: 1
timeout: 600
checkpoint_every: 0
"""

FAULTS = {"the bench": 0.5, "a run": 0.35, "the fork server": 0.15}
"""What is killed, and how often."""

DONE = "all runs done"
"""The CSVs and the report are written, or a bench starts up that finds nothing else to do."""

PHASES = ("start-up", "training", "scoring", "writing", DONE)

AIMS = {"scoring": (0.15, 1.0), "writing": (0.15, 0.05), DONE: (0.1, 2.0)}
"""Short phases that a random moment seldom falls into: how often one is waited for, and seconds from its start."""

HANGS = 124
PATIENCE = 600.0
"""Seconds after which a bench that is left alone counts as hanging."""

RESULTS = ("scores.csv", "hints.csv", "samples.csv", "model.safetensors", "predictions.jpg", "samples.png")
NEVER_EQUAL = {
    *("seconds", "train_s", "train_img_s", "training_busy", "infer_ms", "infer_ms_q1", "infer_ms_q3", "inference_busy"),
    *("peak_mem_mb", "time_to", "date", "commit"),
}


class Kill(NamedTuple):
    """What was killed, what the bench was doing then, and what was wrong afterwards."""

    fault: str
    phase: str
    problems: list[str]


class Process(NamedTuple):
    """A living process. A number is given anew some day; with the time of birth it means one process only."""

    pid: int
    parent: int
    born: str


def processes() -> list[Process]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent, *rest = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if state not in "ZX":
                found.append(Process(int(stat.parent.name), int(parent), rest[17]))
    return found


def children(parent: int) -> list[Process]:
    return [process for process in processes() if process.parent == parent]


def fork_server(bench: int) -> Process | None:
    for child in children(bench):
        with contextlib.suppress(OSError):
            if b"multiprocessing.forkserver" in Path(f"/proc/{child.pid}/cmdline").read_bytes():
                return child
    return None


def folder_of(run: Process) -> Path | None:
    """Where a run is at work: its output goes to a file there. None while it is only being forked."""
    with contextlib.suppress(OSError):
        output = Path(os.readlink(f"/proc/{run.pid}/fd/1"))
        return output.parent if output.name == "output.log" else None
    return None


def phase_of(folder: Path | None, since: float, steps: int) -> str:
    """What a run is doing that began after ``since``; the files of those before it tell nothing."""
    run = RunFolder(folder or Path("/nowhere"))

    def touched(path: Path) -> bool:
        return path.is_file() and path.stat().st_mtime > since

    with contextlib.suppress(OSError):
        if touched(run.weights):
            return "writing"
        if touched(run.log):
            return "scoring" if f'"step": {steps},' in run.log.read_text(encoding="utf-8") else "training"
    return "start-up"


def is_ok(run: Path) -> bool:
    with contextlib.suppress(BadInput):  # the checks tell of it
        record = RunFolder(run).record()
        return record is not None and record.ok
    return False


def wait_until_gone(those: Iterable[Process], seconds: float = 60) -> list[Process]:
    """Those that are still there after some time."""
    deadline = time.monotonic() + seconds
    left = set(those)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = {(process.pid, process.born) for process in processes()}
        left = {process for process in left if (process.pid, process.born) in alive}
    return sorted(left)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Finished:
    """What is finished in a results folder, and has to stay there as it is."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.digests: dict[Path, str] = {}

    def runs(self) -> int:
        return sum(path.name == "run.json" for path in self.digests)

    def check(self) -> list[str]:
        """What has been lost, changed or half written; takes note of what is new."""
        problems = []
        for path, before in self.digests.items():
            if not path.is_file() or digest(path) != before:
                problems.append(f"{path} was finished, and is {'changed' if path.is_file() else 'lost'}")
        for folder in self.folder.glob("runs/*/*"):
            try:
                record = RunFolder(folder).record()
            except BadInput as error:
                problems.append(str(error))
                continue
            if record is not None and record.ok:
                whole = [folder / name for name in ("run.json", *RESULTS)]
                self.digests |= {path: digest(path) for path in whole if path.is_file() and path not in self.digests}
        for name in ("runs.csv", "leaderboard.csv", "hints.csv"):
            path = self.folder / name
            if path.is_file() and not is_whole(path.read_text(encoding="utf-8")):
                problems.append(f"{path} is cut short")
        return problems


def is_whole(table: str) -> bool:
    """Whether a CSV has a header, and rows as long as that to its last line end."""
    return table.endswith("\n") and len({len(row) for row in csv.reader(table.splitlines())}) == 1


class Round:
    """One bench in a folder of its own, started as often as it takes."""

    def __init__(self, folder: Path, models: str, steps: int, rng: random.Random):
        self.folder = folder
        self.steps = steps
        self.rng = rng
        self.runs = len(models.split(","))
        self.finished = Finished(folder / "results")
        self.seen: set[Process] = set()
        self.problems: list[str] = []
        folder.mkdir(parents=True)
        suite = folder / "kills.yaml"
        suite.write_text(SUITE.format(steps=steps), encoding="utf-8")
        self.command = [sys.executable, "-m", "zoo", "bench", "--models", models, "--suite", str(suite)]
        self.command += ["--device", "cpu", "--no-baselines", "--out", str(self.results)]

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def output(self) -> Path:
        return self.folder / "output.log"

    @contextlib.contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """The command at work; nothing of it is left behind, whatever happens here."""
        environment = {**os.environ, "ZOO_CACHE": str(self.folder / "cache")}
        with self.output.open("a", encoding="utf-8") as output:
            bench = subprocess.Popen(self.command, stdout=output, stderr=output, env=environment)
        try:
            yield bench
        finally:
            bench.kill()
            bench.wait()

    def undisturbed(self) -> tuple[int, float, float]:
        """The exit code, the seconds until the first run was at work, and those of the whole."""
        began, first = time.monotonic(), 0.0
        with self.started() as bench:
            while (code := bench.poll()) is None and time.monotonic() - began < PATIENCE:
                if not first and any(self.results.glob("runs/*/*/output.log")):
                    first = time.monotonic() - began
                time.sleep(0.05)
            return HANGS if code is None else code, first, time.monotonic() - began

    def disturbed(self, kills: int, starting: float, working: float) -> list[Kill]:
        """The command again and again until it ends with nothing of it killed; ``kills`` are dealt out at the most.

        Args:
            starting: seconds that an undisturbed bench takes until its first run is at work.
            working: and from there to its end.
        """
        dealt: list[Kill] = []
        while True:
            before, began = len(dealt), time.time()
            with self.started() as bench:
                while len(dealt) < kills:
                    fresh = len(dealt) == before
                    if self._has_ended_before(bench, began, starting if fresh else 1.0, working):
                        break
                    dealt.append(self._kill(bench.pid, began))
                    told(len(dealt), dealt[-1], time.time() - began)
                    if dealt[-1].fault == "the bench":
                        break
                code = bench.returncode if ended(bench, PATIENCE) else HANGS
            if code != -signal.SIGKILL and dealt[before:] and dealt[-1].fault == "the bench":
                dealt.pop()  # it had come to its end just before
            if code == -signal.SIGKILL:
                self._after_the_bench()
            elif self._was_the_last(code, hurt=len(dealt) > before):
                return dealt

    def _has_ended_before(self, bench: subprocess.Popen[bytes], began: float, starting: float, working: float) -> bool:
        """Let the bench be until the moment of the next kill; whether it ends before."""
        left = 1 - self.finished.runs() / self.runs
        if left:
            draw = self.rng.random()
            for phase, (share, longest) in AIMS.items():
                if draw < share:
                    return self._has_ended_until(phase, bench, began) or ended(bench, self.rng.uniform(0, longest))
                draw -= share
        ahead = max(left, 0.25) * working if left else 0.0
        return ended(bench, self.rng.uniform(0.5, starting + ahead))

    def _has_ended_until(self, phase: str, bench: subprocess.Popen[bytes], began: float) -> bool:
        """Wait for a phase to begin; whether the bench ends before."""
        while not ended(bench, 0.03):
            unfinished = [folder for folder in self.results.glob("runs/*/*") if not is_ok(folder)]
            complete = not unfinished and len(list(self.results.glob("runs/*/*/run.json"))) == self.runs
            if complete if phase == DONE else phase in (phase_of(folder, began, self.steps) for folder in unfinished):
                return False
        return True

    def _was_the_last(self, code: int, *, hurt: bool) -> bool:
        """Whether a bench that ended by itself is not to be started again: nothing was killed, or it went wrong."""
        self.problems += self.finished.check()
        complete = self.finished.runs() == self.runs
        as_it_should = code == (0 if complete else 1) and (complete or hurt)
        if not as_it_should:
            self.problems.append(f"exit code {code} with {self.finished.runs()} of {self.runs} runs finished")
        return not hurt or not as_it_should

    def _kill(self, bench: int, began: float) -> Kill:
        """Kill one of the processes that are there, and look at what is left."""
        problems = self.finished.check()
        server = fork_server(bench)
        runs = children(server.pid) if server else []
        self.seen |= {*runs, *children(bench)}
        found = {
            "the bench": [bench],
            "a run": [run.pid for run in runs],
            "the fork server": [server.pid] if server else [],
        }
        fault = self.rng.choices(list(FAULTS), list(FAULTS.values()))[0]
        if not found[fault]:
            fault = "the bench"
        victim = self.rng.choice(found[fault])
        at_work = [run for run in runs if fault != "a run" or run.pid == victim]
        phases = [phase_of(folder_of(run), began, self.steps) for run in at_work]
        phase = max(phases, key=PHASES.index, default=DONE if self.finished.runs() == self.runs else "start-up")
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        return Kill(fault, phase, problems + self.finished.check())

    def _after_the_bench(self) -> None:
        """When the next bench starts, the orphans of this one may be dying still, or be gone."""
        if self.rng.random() < 0.5:
            left = wait_until_gone(self.seen)
            self.problems += [f"process {process.pid} outlives its bench" for process in left]
        self.problems += self.finished.check()

    def finish(self, undisturbed: Path) -> None:
        """Whether all is over, and equal to the results that lie in ``undisturbed``."""
        self.problems += [f"process {process.pid} outlives all benches" for process in wait_until_gone(self.seen)]
        if "Traceback" in self.output.read_text(encoding="utf-8"):
            self.problems.append(f"a traceback in {self.output}")
        self.problems += differences(undisturbed, self.results)


def ended(bench: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends within some time."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        bench.wait(seconds)
    return bench.returncode is not None


def differences(undisturbed: Path, disturbed: Path) -> list[str]:
    """The files whose numbers are not equal, or that only one of two results folders has."""
    found = []
    tops = undisturbed, disturbed
    first, second = ({str(path.parent.relative_to(top)) for path in top.glob("runs/*/*/run.json")} for top in tops)
    if first != second:
        found.append(f"runs that only one has: {', '.join(sorted(first ^ second))}")
    readers: dict[str, Callable[[Path], Any]] = {"hints.csv": content, "runs.csv": cells, "leaderboard.csv": cells}
    for run in first:
        readers |= {f"{run}/{name}": content for name in RESULTS}
        readers |= {f"{run}/run.json": numbers, f"{run}/log.jsonl": losses}
    for name, read in sorted(readers.items()):
        if read(undisturbed / name) != read(disturbed / name):
            found.append(f"{name} differs")
    return found


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def cells(path: Path) -> list[dict[str, str]] | None:
    """The rows of a table without the columns that are never equal."""
    if not path.exists():
        return None
    rows = [scored(row) for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    return [{**row, "notes": "; ".join(undisturbed_notes((row["notes"] or "").split("; ")))} for row in rows]


def numbers(path: Path) -> dict[str, Any] | None:
    """run.json without what is never equal: times, memory, dates."""
    if not path.exists():
        return None
    row = msgspec.json.decode(path.read_bytes())
    row["costs"] = scored(row.get("costs", {}))
    row["curve"] = [scored(point) for point in row.get("curve", [])]
    row["notes"] = undisturbed_notes(row.get("notes", []))
    del row["provenance"]
    return row


def losses(path: Path) -> list[dict[str, Any]]:
    """The lines of log.jsonl, without the seconds they were written at."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [scored(msgspec.json.decode(line)) for line in lines]


def scored(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in NEVER_EQUAL}


def undisturbed_notes(notes: list[str]) -> list[str]:
    """Without the note on times, which is of the machine's other work."""
    return [note for note in notes if not note.startswith(DISTURBED)]


def told(number: int, kill: Kill, seconds: float) -> None:
    print(f"  {number:2d}. {kill.fault}, {seconds:.1f} s after its start: {kill.phase}", flush=True)


def deal(folder: Path, kills: int, *, seed: int = 0, models: str = MODELS, steps: int = STEPS) -> list[Kill]:
    """Deal out the kills below ``folder``, in as many rounds as it takes.

    A round that does not end as the undisturbed bench did is held against each of its kills.
    """
    rng = random.Random(seed)
    quiet = Round(folder / "undisturbed", models, steps, rng)
    code, starting, whole = quiet.undisturbed()
    if code != 0:
        raise SystemExit(f"The undisturbed bench ends with exit code {code}; see {quiet.output}.")
    print(f"undisturbed: {whole:.1f} s, {starting:.1f} s of them until the first run was at work", flush=True)
    dealt: list[Kill] = []
    while len(dealt) < kills:
        number = len(list(folder.glob("round*"))) + 1
        print(f"round {number}", flush=True)
        each = Round(folder / f"round{number:02d}", models, steps, rng)
        killed = each.disturbed(kills - len(dealt), starting, whole - starting)
        each.finish(quiet.results)
        print("\n".join(f"  {problem}" for problem in each.problems or ["equal in the end"]), flush=True)
        if each.problems and not killed:
            raise SystemExit("The bench does not end well even where nothing is killed.")
        for kill in killed:
            kill.problems.extend(each.problems)
        dealt += killed
    return dealt


def table(kills: list[Kill]) -> str:
    tried = Counter((kill.fault, kill.phase) for kill in kills)
    wrong = Counter((kill.fault, kill.phase) for kill in kills if kill.problems)
    lines = ["| kill -9 of | during | times | outcome |", "|---|---|---|---|"]
    for fault, phase in ((fault, phase) for fault in FAULTS for phase in PHASES):
        if times := tried[fault, phase]:
            bad = wrong[fault, phase]
            outcome = f"{bad} with problems" if bad else "nothing lost, equal in the end"
            lines.append(f"| {fault} | {phase} | {times} | {outcome} |")
    return "\n".join([*lines, f"| all | | {len(kills)} | {sum(wrong.values())} with problems |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    print(f"{datetime.date.today()}, {arguments.kills} kills, seed {arguments.seed}, in {folder}", flush=True)
    kills = deal(folder, arguments.kills, seed=arguments.seed)
    print(table(kills))
    print(f"{time.monotonic() - began:.0f} s")
    problems = dict.fromkeys(problem for kill in kills for problem in kill.problems)
    if problems:
        sys.exit("\n".join(problems))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
