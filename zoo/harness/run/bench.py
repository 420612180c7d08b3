"""A bench: plan the runs, skip what is done, run the rest, keep the leaderboard current."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from zoo.core.assemble import make
from zoo.core.errors import BadInput, ZooError, reason_of
from zoo.core.files import locked
from zoo.core.given_weights import given_weights
from zoo.core.spec import GivenWeights
from zoo.harness.data import build
from zoo.harness.plan.keys import Rules, check_recipes, check_suite
from zoo.harness.plan.planned_run import PlannedRun, UnresolvedRun
from zoo.harness.plan.planning import check_options, third_party
from zoo.harness.plan.saved_hints import hints_of, hints_path, keep, sweep_photos
from zoo.harness.plan.selection import ready_models, select_models, with_baselines
from zoo.harness.plan.settings import divided
from zoo.harness.plan.suite import Suite, SuitePhotos, describe_data, open_photos
from zoo.harness.results.frames import leaderboard
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.pictures import check_no_pictures, pictures_of
from zoo.harness.results.planned import remember
from zoo.harness.results.report import write_report
from zoo.harness.results.run_record import Data
from zoo.harness.results.store import RunFolder, run_folders
from zoo.harness.run.anew import tell_why_anew
from zoo.harness.run.crew import Crew
from zoo.harness.run.executor import Executor, executor_of
from zoo.harness.run.executors.local import STOPPING
from zoo.harness.run.overlap import tell_overlap
from zoo.harness.run.reporter import Reporter, SilentReporter
from zoo.harness.run.request import (
    BenchRequest,
    default_folder,
    effective_suite,
    refuse_what_nobody_takes,
    requested_runs,
)
from zoo.harness.run.status import told_in_a_file
from zoo.harness.run.step_times import forecast, measure
from zoo.harness.run.tracking import check_trackers
from zoo.harness.scoring.scores import check_trunk
from zoo.harness.scoring.spread_once import kept_for

if TYPE_CHECKING:
    import pandas as pd


class BenchOutcome(msgspec.Struct, frozen=True):
    """What came of it: the folder, the runs that failed, those of them whose model was named, and all runs' folders."""

    folder: Path
    failed: list[str]
    named_failed: list[str]
    runs: list[Path] = []

    @property
    def ok(self) -> bool:
        """Whether every run was scored."""
        return not self.failed

    def leaderboard(self) -> pd.DataFrame:
        """The folder's (:func:`zoo.leaderboard`)."""
        return leaderboard(self.folder)


def bench(request: BenchRequest, reporter: Reporter | None = None) -> BenchOutcome:
    """Train and score every requested model, each seed in a process of its own, and write the CSVs.

    What is done already is skipped; an interrupted run goes on from its checkpoint.

    Raises:
        ZooError: the request cannot be carried out; nothing has been written then.
        KeyboardInterrupt: stopped by Ctrl-C or SIGTERM, after the runs have written their checkpoints.
    """
    reporter = reporter or SilentReporter()
    suite = effective_suite(request)
    settings = divided(request.options)
    if request.rescored and suite.trains:
        raise BadInput(f"The suite {suite.name!r} trains its rows; name one that trains nothing, such as gachon256.")
    asked = request.models or suite.models
    models, named = select_models(asked) if not request.rescored else ([], set())
    if request.baselines:
        models = with_baselines(models, asked)
    if not suite.trains and request.weights is None and models:
        models = ready_models(models, named, suite.name)
    weights: GivenWeights | None = None
    if request.weights is not None:
        if len(models) != 1:
            raise BadInput(f"--weights is for one model, and these are {len(models)}; name one.")
        weights = given_weights(models[0], request.weights, settings.models)
        suite = msgspec.structs.replace(suite, options={}, model_options={})
    options = {**(weights.options if weights else {}), **settings.models}
    check_options(models, options, suite)
    check_trunk(request.lpips_trunk, suite.metrics)
    check_suite(suite)
    check_recipes([each for each in models if not third_party(each)], suite, request.recipes, settings.recipe)
    check_trackers(suite.track)
    executor: Executor
    with contextlib.closing(make("executors", executor_of(suite))) as executor:
        jobs = executor.room(suite, request.device, request.jobs)
        photos = open_photos(suite)
        data = describe_data(suite, photos)
        _tell_what_is_left_out(data, reporter)
        alike = {}
        if suite.trains:
            alike = tell_overlap(photos.train, {"validation": photos.validation, suite.split: photos.test}, reporter)
        folder = request.out or default_folder(suite)
        swept = sweep_photos(suite, photos.test)
        hints = {name: hints_of(name, suite, swept, folder) for name in suite.sweeps}
        digests = {name: found.digest for name, found in hints.items()}
        trunk = str(request.lpips_trunk.resolve()) if request.lpips_trunk else ""
        seen = alike.get(suite.split, 0)
        rules = Rules(suite, data, request.device, digests, trunk, settings, weights, request.first_seed, seen)
        runs = requested_runs(request, models, options, rules)
        refuse_what_nobody_takes(request, settings, runs)
        if not suite.pictures:
            check_no_pictures(hints_path(name, suite, swept, folder) for name in suite.sweeps)
            for run in runs:
                check_no_pictures(pictures_of(folder, run.folder, run.protocol.fingerprint))
        with locked(folder / ".lock", reporter.note, waiting=f"another bench is at work in {folder}; waiting for it"):
            for name, found in hints.items() if suite.pictures else ():
                keep(name, found, suite, swept, folder)
            remember(folder, {run.row: run.key for run in runs})
            # The first seed of all rows first: a bench that is stopped has something to say of every one.
            todo = [
                run for run in sorted(runs, key=lambda run: run.seed) if not RunFolder(folder / run.folder).finished()
            ]
            tell_why_anew(folder, todo, reporter)
            told = told_in_a_file(reporter, folder, suite.name, runs)
            crew = Crew(executor, folder, reporter, jobs)
            try:
                with _terminate_as_interrupt(), kept_for(folder, todo), told as crew.reporter:
                    crew.reporter.planned([run.name for run in todo], [run.name for run in runs if run not in todo])
                    if suite.budget is not None and suite.budget.seconds is not None:
                        planned = [run for run in todo if isinstance(run, PlannedRun)]
                        times = measure(planned, folder, executor, crew.reporter, jobs)
                        if times:
                            crew.reporter.note(forecast(planned, times, _looks(suite, photos, len(swept)), jobs))
                    crew.work(todo)
            except BaseException:
                with contextlib.suppress(ZooError):  # what ended the bench is what there is to say
                    _write_report(folder, crew.board, reporter)
                raise
            _write_report(folder, crew.board, reporter)
            records = ((run, RunFolder(folder / run.folder).last_record()) for run in runs)
            failed = [run for run, record in records if record is None or not record.ok]
        named_failed = [
            run.name
            for run in failed
            if run.model in named or request.rescored or not (isinstance(run, UnresolvedRun) and third_party(run.model))
        ]
        return BenchOutcome(folder, [run.name for run in failed], named_failed, [folder / run.folder for run in runs])


def _write_report(folder: Path, board: Board | None, reporter: Reporter) -> None:
    """The CSVs, and the page beside them, which is only to be looked at.

    Raises:
        ZooError: the CSVs cannot be made, or not be written.
    """
    if not run_folders(folder):
        return
    try:
        for sentence in write_report(folder, board=board).runs.left_out:
            reporter.note(sentence)
    except ZooError:
        raise
    except Exception as error:
        reporter.note(f"the report could not be drawn: {reason_of(error)}")


def _looks(suite: Suite, photos: SuitePhotos, swept: int) -> int:
    """How many photos a run colorizes: for its scores, its curve and its sweeps."""
    levels = sum(len(sweep.levels) for sweep in suite.sweeps.values())
    looked_at = suite.curve * len(photos.validation or ())
    return len(photos.test) + looked_at + swept * levels


def _tell_what_is_left_out(data: Data, reporter: Reporter) -> None:
    sides = {"train": data.train, "validation": data.validation, data.test.split or "test": data.test}
    for split, photos in sides.items():
        if not photos:
            continue
        skipped = photos.skipped or []
        for name, reason in skipped[:5]:
            reporter.note(f"{split}: {name} is left out: {reason}")
        if len(skipped) > 5:
            reporter.note(f"{split}: {len(skipped)} photos are left out in all")
        for note in photos.notes or []:
            reporter.note(f"{split}: {note}")
    if data.test.monochrome:
        reporter.note(f"{data.test.split or 'test'}: {len(data.test.monochrome)} monochrome photos are left out")
    for sentence in build.remarks():
        reporter.note(sentence)


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """SIGTERM, and SIGHUP when a terminal is lost, stop a bench as Ctrl-C does.

    Only the main thread may set handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.getsignal(number) for number in STOPPING - {signal.SIGINT}}
    for number, handler in previous.items():
        if handler != signal.SIG_IGN:  # as under nohup
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
