"""A bench: plan the runs, skip what is done, run the rest, keep the leaderboard current."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from zoo.core.assemble import make
from zoo.core.errors import BadInput, ZooError, reason_of
from zoo.core.files import locked
from zoo.core.given_weights import given_weights
from zoo.core.registry import current
from zoo.core.spec import UNTRAINED, GivenWeights, ModelSpec
from zoo.harness.data import build
from zoo.harness.plan.keys import Rules, check_recipes, check_suite
from zoo.harness.plan.planned_run import PlannedRun, Run, UnresolvedRun
from zoo.harness.plan.planning import (
    Unresolved,
    check_options,
    option_in,
    plan_runs,
    resolve_model,
    third_party,
)
from zoo.harness.plan.rescored import plan_rescored
from zoo.harness.plan.saved_hints import hints_of, hints_path, keep, sweep_photos
from zoo.harness.plan.selection import ready_models, select_models, with_baselines
from zoo.harness.plan.settings import Settings, changed_suite, divided
from zoo.harness.plan.suite import (
    LONGEST_SECONDS,
    Suite,
    SuitePhotos,
    describe_data,
    load_suite,
    open_photos,
    with_canonical_sources,
)
from zoo.harness.results.columns import check_metric_names
from zoo.harness.results.frames import leaderboard
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.pictures import check_no_pictures, pictures_of
from zoo.harness.results.planned import remember
from zoo.harness.results.report import write_report
from zoo.harness.results.run_record import Data
from zoo.harness.results.store import RunFolder, run_folders
from zoo.harness.run.anew import tell_why_anew
from zoo.harness.run.crew import Crew, how_it_died
from zoo.harness.run.executor import Executor, executor_of
from zoo.harness.run.executors.local import STOPPING, LocalExecutor
from zoo.harness.run.overlap import tell_overlap
from zoo.harness.run.reporter import Reporter, SilentReporter
from zoo.harness.run.status import told_in_a_file
from zoo.harness.run.step_times import forecast, measure
from zoo.harness.run.tracking import check_trackers
from zoo.harness.run.workbench import use_registry_files
from zoo.harness.scoring.scores import check_trunk
from zoo.harness.training.budget import parse_budget

if TYPE_CHECKING:
    import pandas as pd


class BenchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to bench. None leaves it to the suite.

    Args:
        models: ``all``, or names and globs separated by commas; empty leaves them to the suite.
        suite: a suite's name or file.
        seeds: runs a model.
        first_seed: the number of the first one; another machine has made those before it.
        split: what is scored, ``test`` or ``validation``.
        data, test_data: sources (``photos``, ``folder:PATH``, ``torchvision:NAME``, a plugin's).
        device: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        options: model options, for the models that name them; fields of the suite, as ``suite.size``, and of all
            recipes, as ``recipe.lr``.
        recipe: one recipe for every model that is trained.
        recipes: every one of these for every model that is trained, each a row; in one league, whatever the recipe.
        budget: ``steps=N``, ``epochs=N`` or ``seconds=N``.
        jobs: runs at a time; None: as many as the CPU's cores take, one on a GPU.
        out: the results folder, default :func:`default_folder`.
        rescored: folders of finished runs of other suites, which take the place of ``models`` under a suite that
            trains nothing: each is a row.
        baselines: bench our baselines too, but for those that ``models`` leaves out by a ``-``.
        lpips_trunk: a local file with LPIPS' AlexNet weights.
        timeout: seconds after which a run is given up.
        deterministic: use deterministic algorithms only, also where the suite does not ask for them.
        track: trackers to be told, besides the suite's.
        pictures: False keeps numbers only, also where the suite keeps pictures.
        executor: where runs are carried out: ``local``, ``ray``, ``slurm``, or a plugin's; its options are set as
            ``executor.gpus``.
        weights: a file that takes the place of training, for one model at the size its row says; ``published``, or
            the name of a row of the table of published weights.
    """

    models: str = ""
    suite: str = "quick"
    seeds: int | None = None
    first_seed: int = 0
    data: str | None = None
    test_data: str | None = None
    split: Literal["test", "validation"] | None = None
    device: str = "auto"
    options: dict[str, Any] = {}
    recipe: str | None = None
    recipes: tuple[str, ...] = ()
    budget: str | None = None
    jobs: int | None = None
    out: Path | None = None
    lpips_trunk: Path | None = None
    timeout: float | None = None
    deterministic: bool = False
    track: tuple[str, ...] = ()
    pictures: bool = True
    executor: str | None = None
    weights: str | Path | None = None
    rescored: tuple[Path, ...] = ()
    baselines: bool = False


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


def default_folder(suite: Suite) -> Path:
    """Where a bench writes when nobody says where: never among the published ``results/``, which are only read."""
    return Path("benches") / suite.name


def effective_suite(request: BenchRequest) -> Suite:
    """The suite with what the request says instead.

    Raises:
        UnknownName, BadInput: a suite, recipe, budget or number that cannot be.
    """
    suite = load_suite(request.suite)
    if request.executor is not None:  # first, since what is set of it is set of the one that was asked for
        suite = msgspec.structs.replace(suite, executor=request.executor)
    if request.seeds is not None and request.seeds < 1:
        raise BadInput(f"--seeds {request.seeds} is too few; give 1 or more.")
    if request.jobs is not None and request.jobs < 1:
        raise BadInput(f"--jobs {request.jobs} is too few; give 1 or more.")
    if request.timeout is not None and not 0 < request.timeout <= LONGEST_SECONDS:
        raise BadInput(f"--timeout {request.timeout:g} is not a number of seconds; give one above 0, at most 1e9.")
    if request.first_seed < 0:
        raise BadInput(f"--first-seed {request.first_seed} is negative; give 0 or more.")
    if request.recipe is not None and request.recipes:
        raise BadInput("--recipe and --recipes say the same thing; give one.")
    for name in [request.recipe] if request.recipe else request.recipes:
        current().recipe(name)
    if len(set(request.recipes)) < len(request.recipes):
        raise BadInput(f"--recipes {','.join(request.recipes)} names one twice; name each once.")
    changes: dict[str, Any] = {
        "seeds": request.seeds,
        "data": request.data,
        "test_data": request.test_data,
        "split": request.split,
        "recipe": request.recipe,
        "budget": parse_budget(request.budget) if request.budget else None,
        "timeout": request.timeout,
        "deterministic": request.deterministic or None,
        "pictures": None if request.pictures else False,
        "track": (*suite.track, *request.track) if request.track else None,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    changed = msgspec.structs.replace(changed_suite(suite, divided(request.options).suite, given), **given)
    if request.recipes:
        changed = msgspec.structs.replace(changed, recipe=None)
    check_metric_names(changed.metrics)
    return with_canonical_sources(changed)


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
    check_options(models, options)
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
        if suite.trains:
            tell_overlap(photos.train, {"validation": photos.validation, suite.split: photos.test}, reporter)
        folder = request.out or default_folder(suite)
        swept = sweep_photos(suite, photos.test)
        hints = {name: hints_of(name, suite, swept, folder) for name in suite.sweeps}
        digests = {name: found.digest for name, found in hints.items()}
        runs = _plan(request, settings, suite, models, data, digests, options, weights)
        _refuse_what_nobody_takes(request, settings, runs)
        if not suite.pictures:
            hint_files = [hints_path(name, suite, swept, folder) for name in suite.sweeps]
            check_no_pictures(
                [
                    *hint_files,
                    *(file for run in runs for file in pictures_of(folder, run.folder, run.protocol.fingerprint)),
                ]
            )
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
                with _terminate_as_interrupt(), told as crew.reporter:
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


def _plan(
    request: BenchRequest,
    settings: Settings,
    suite: Suite,
    models: list[str],
    data: Data,
    digests: dict[str, str],
    model_options: dict[str, Any],
    weights: GivenWeights | None,
) -> list[Run]:
    runs: list[Run] = []
    trunk = str(request.lpips_trunk.resolve()) if request.lpips_trunk else ""
    rules = Rules.of(suite, data, digests, lpips_trunk=trunk)
    for model in models:
        if third_party(model):
            spec = _resolve_apart(model, suite, model_options)
        else:
            spec = resolve_model(model, suite, model_options)
        trained = not weights and isinstance(spec, ModelSpec) and spec.recipe != UNTRAINED
        for recipe in request.recipes if trained and request.recipes else ("",):
            runs += plan_runs(
                model,
                spec,
                suite,
                data,
                digests=digests,
                options=settings.models,
                device=request.device,
                lpips_trunk=trunk,
                rules=rules,
                weights=weights,
                recipe=recipe,
                recipe_settings=settings.recipe,
                first_seed=request.first_seed,
            )
    for path in request.rescored:
        runs.append(
            plan_rescored(path, suite, data, digests, device=request.device, lpips_trunk=str(request.lpips_trunk or ""))
        )
    return runs


def _refuse_what_nobody_takes(request: BenchRequest, settings: Settings, runs: list[Run]) -> None:
    """What would change none of the runs is refused; a run that could not be planned might have taken it.

    Raises:
        BadInput: an option that no model has, or one for training where nothing is trained.
    """
    planned = [run for run in runs if isinstance(run, PlannedRun)]
    if len(planned) < len(runs):
        return
    for option in settings.models:
        if not any(option_in(run.spec, option) for run in planned):
            raise BadInput(f"--set {option}: none of the models has this option; zoo show MODEL names those it has.")
    if all(run.recipe_name == UNTRAINED for run in planned):
        set_of = f"--set recipe.{next(iter(settings.recipe), '')}"
        asked = {"--recipe": request.recipe, "--recipes": request.recipes, "--budget": request.budget}
        for name, value in {**asked, set_of: settings.recipe}.items():
            if value:
                raise BadInput(f"{name} is for models that are trained, and these are not; leave it out.")


def _resolve_apart(
    model: str, suite: Suite, options: dict[str, Any], *, seconds: float = 120
) -> ModelSpec | Unresolved:
    """Resolve a stranger's model in a process of its own: importing it may crash or hang."""
    executor = LocalExecutor()  # wherever its runs will be
    payload = {
        "registry_files": [str(file) for file in current().files],
        "model": model,
        "suite": msgspec.to_builtins(suite),
        "options": options,
    }
    task = executor.start("zoo.harness.run.bench:resolve_task", payload)
    deadline = time.monotonic() + seconds
    answers: list[dict[str, Any]] = []
    while not answers and task.alive:
        if time.monotonic() > deadline:
            task.kill()
            return Unresolved(f"The model {model!r} did not finish importing within {seconds:.0f} s.")
        executor.wait([task], 0.5)
        answers = task.messages()  # read while it lives: an answer that fills the pipe is never sent whole otherwise
    answers = answers or task.messages()
    task.kill()  # its answer is all that is wanted of it
    task.join(seconds)
    for answer in answers:
        return msgspec.convert(answer["spec"], ModelSpec) if answer["spec"] else Unresolved(answer["error"])
    return Unresolved(f"The model {model!r} ends the process that imports it ({how_it_died(task.exitcode)}).")


def resolve_task(payload: dict[str, Any], send: Any, stop: Any) -> None:
    """The body of :func:`_resolve_apart`'s process."""
    use_registry_files(payload["registry_files"])
    found = resolve_model(payload["model"], msgspec.convert(payload["suite"], Suite), payload["options"])
    if isinstance(found, Unresolved):
        send({"spec": None, "error": found.reason})
    else:
        send({"spec": msgspec.to_builtins(found)})


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
