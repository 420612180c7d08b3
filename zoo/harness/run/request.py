"""What is asked of a bench, and the runs that it comes to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.core.errors import BadInput
from zoo.core.registry import current
from zoo.core.spec import UNTRAINED, ModelSpec
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planned_run import PlannedRun, Run
from zoo.harness.plan.planning import Unresolved, option_in, plan_runs, resolve_model, third_party
from zoo.harness.plan.rescored import plan_rescored
from zoo.harness.plan.settings import Settings, changed_suite, divided
from zoo.harness.plan.suite import LONGEST_SECONDS, Suite, load_suite, with_canonical_sources
from zoo.harness.results.columns import check_metric_names
from zoo.harness.run.crew import how_it_died
from zoo.harness.run.executors.local import LocalExecutor
from zoo.harness.run.workbench import use_registry_files
from zoo.harness.training.budget import parse_budget


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
    weights: Path | None = None
    rescored: tuple[Path, ...] = ()
    baselines: bool = False


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


def requested_runs(request: BenchRequest, models: list[str], options: dict[str, Any], rules: Rules) -> list[Run]:
    """Those of every model by every recipe that is asked for, and finished runs that are scored again."""
    runs: list[Run] = []
    for model in models:
        if third_party(model):
            spec = resolve_apart(model, rules.suite, options)
        else:
            spec = resolve_model(model, rules.suite, options)
        trained = not rules.weights and isinstance(spec, ModelSpec) and spec.recipe != UNTRAINED
        for recipe in request.recipes if trained and request.recipes else ("",):
            runs += plan_runs(model, spec, rules, recipe=recipe)
    return [*runs, *(plan_rescored(path, rules) for path in request.rescored)]


def refuse_what_nobody_takes(request: BenchRequest, settings: Settings, runs: list[Run]) -> None:
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


def resolve_apart(model: str, suite: Suite, options: dict[str, Any], *, seconds: float = 120) -> ModelSpec | Unresolved:
    """Resolve a stranger's model in a process of its own: importing it may crash or hang."""
    executor = LocalExecutor()  # wherever its runs will be
    payload = {
        "registry_files": [str(file) for file in current().files],
        "model": model,
        "suite": msgspec.to_builtins(suite),
        "options": options,
    }
    task = executor.start("zoo.harness.run.request:resolve_task", payload)
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
    """The body of :func:`resolve_apart`'s process."""
    use_registry_files(payload["registry_files"])
    found = resolve_model(payload["model"], msgspec.convert(payload["suite"], Suite), payload["options"])
    if isinstance(found, Unresolved):
        send({"spec": None, "error": found.reason})
    else:
        send({"spec": msgspec.to_builtins(found)})
