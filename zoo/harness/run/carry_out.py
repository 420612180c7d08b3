"""One run, from its plan to its run.json, in a process of its own."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Metric
from zoo.core.errors import BadInput, Stopped, ZooError, reason_of
from zoo.core.files import locked, make_folder, remove_parts, sha256_of, write_whole
from zoo.core.registry import current
from zoo.core.registry_rows import OURS
from zoo.core.spec import pretrained
from zoo.harness.data.extras import tells_the_truth, told_of_the_truth
from zoo.harness.metrics.exact import mean_of_all, means_of
from zoo.harness.plan.planned_run import PlannedRun, shown_options
from zoo.harness.plan.saved_hints import hints_of, hints_path, sweep_photos
from zoo.harness.plan.suite import scored_photos
from zoo.harness.results.pictures import (
    HINTED,
    KEPT,
    LEVEL_PHOTOS,
    SHEET,
    input_pictures,
    save_photos,
    save_predictions,
    sheet,
    shown_levels,
    spread,
)
from zoo.harness.results.run_record import MAY_HAVE_SEEN, RESEMBLE, HintLevel, RunRecord, here_and_now
from zoo.harness.results.store import RunFolder
from zoo.harness.run.tracking import Line, Tracking
from zoo.harness.run.training_run import Trained, as_it_is, train, trained_before, trained_elsewhere
from zoo.harness.run.workbench import Workbench, use_registry_files
from zoo.harness.scoring import costs
from zoo.harness.scoring.costs import time_to
from zoo.harness.scoring.scores import (
    PIXELS_A_BATCH,
    Scores,
    colorized,
    level_means,
    make_metrics,
    score_colorizer,
    score_draws,
    score_sweeps,
)
from zoo.harness.scoring.scores import K as DRAWS
from zoo.harness.training import device as devices
from zoo.harness.training.device import generator
from zoo.harness.training.loop import save_weights

SAMPLE_ROWS = 6
Found = TypeVar("Found")


def main(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The process's own main: run, and turn whatever happens into a row."""
    line = Line(send, stop)
    use_registry_files(payload["registry_files"])
    run = msgspec.convert(payload["run"], PlannedRun)
    home = RunFolder(Path(payload["folder"]))
    # An orphan of a killed bench may still be dying; the lock is its until it is gone.
    with locked(home.path / ".lock", lambda sentence: line.note(f"{run.name}: {sentence}")):
        home.settle()
        if home.finished():
            return
        folder = home.workplace()
        make_folder(folder.path)
        remove_parts(folder.path)
        tracking = Tracking(run.suite.track, folder.path, run.name, _config(run))
        try:
            record = carry_out(run, folder, Path(payload["results"]), tracking, line)
        except (Exception, SystemExit) as error:
            status, reason = failure(run, error)
            traceback.print_exc()
            record = run.record(here_and_now(run.device), status=status, error=reason)
        tracking.finish(record.status, record.scores)
        folder.write_record(record)
        if record.finished:
            folder.checkpoint.unlink(missing_ok=True)
        home.settle()


def carry_out(run: PlannedRun, folder: RunFolder, results: Path, tracking: Tracking, line: Line) -> RunRecord:
    """Prepare, train, score, sweep, draw, weigh, keep.

    Raises:
        ZooError, RuntimeError: what :func:`failure` turns into a status.
    """
    suite = run.suite
    for seen in run.sources:
        seen.check()
    notes = [*([run.spec.note] if run.spec.note else []), *_tell_options(run), *may_have_seen(run)]
    devices.prepare(devices.pick_device(run.device), deterministic=suite.deterministic, threads=suite.threads)
    line.progress("data", 0.0)
    taken = _taken_over(run, folder, results, notes)
    bench = Workbench.of(run, colorizer=taken.colorizer if taken else None)
    notes += [*bench.notes, *told_of_the_truth(bench.colorizer.extras)]
    if run.trained_in:
        from zoo.harness.run.seen import marks_elsewhere  # most runs are scored where they are trained

        before = trained_elsewhere(run)
        notes += marks_elsewhere(before.record, before.folder.path, suite, bench.photos.test)

    trained = taken or (train(bench, folder, results, tracking, line) if suite.trains else as_it_is(bench))
    notes += trained.notes
    colorizer = trained.colorizer

    line.progress("evaluating", 0.0)
    metrics, missing = make_metrics(suite.metrics, device=bench.device, lpips_trunk=run.lpips_trunk)
    notes += missing
    with bench.spreading_once(colorizer, results):
        scores = score_colorizer(
            colorizer, bench.evaluations(), metrics, keep=KEPT if suite.pictures else 0, adherence=True, stop=line.stop
        )
        levels = _sweep(bench, colorizer, folder, results, line)
        if suite.pictures:
            _aside(notes, "pictures of hints", None, lambda: _keep_hinted(bench, colorizer, folder, results))
        draws = _aside(notes, "random draws", dict[str, Any](), lambda: _draw(bench, colorizer, metrics, folder))
    if draws:
        notes.append("scored on its deterministic answer; rows of its random draws are not ranked")
    weighed = _weigh(bench, trained, notes) if trained.weighed is None else trained.weighed

    save_weights(colorizer.network, folder.weights)
    names = bench.photos.test.names
    folder.write_scores(names, scores.per_image)
    if suite.pictures:
        _aside(notes, "pictures", None, lambda: _keep_pictures(scores, run, folder, results))
    means, without = means_of(scores.per_image)
    notes += without
    return run.record(
        bench.provenance,
        status="ok",
        baseline=run.spec.baseline,
        ranked=run.spec.ranked and not tells_the_truth(colorizer.extras),
        notes=list(dict.fromkeys([*notes, *tracking.notes])),
        scores=means,
        higher_is_better={metric.name: metric.higher_is_better for metric in metrics},
        images=len(names),
        levels=levels,
        drawn=draws or msgspec.UNSET,
        costs={**weighed, "time_to": time_to(suite.psnr_target, trained.curve)},
        steps=trained.steps,
        curve=trained.curve,
        precision=bench.precision,
        weights_sha256=sha256_of(folder.weights),
    )


def _taken_over(run: PlannedRun, folder: RunFolder, results: Path, notes: list[str]) -> Trained | None:
    """What another run has trained as this one is to be; None where there is none, or its weights are damaged.

    Raises:
        BadInput: a run of another suite that is to be scored is gone, or its weights are damaged.
    """
    if run.trained_in:
        return trained_elsewhere(run).scored_elsewhere(run, devices.pick_device(run.device))
    before = trained_before(results, run)
    if before is None:
        return None
    try:
        return before.taken_over(run, folder, devices.pick_device(run.device))
    except BadInput as error:
        found = str(error).partition(": ")[0]  # not every name of a tensor that is missing
        notes.append(f"trained anew: {found.replace(str(before.folder.path), before.folder.path.name)}")
        return None


def _sweep(bench: Workbench, colorizer: Colorizer, folder: RunFolder, results: Path, line: Line) -> list[HintLevel]:
    """Score every level of the suite's hint sweeps, write hints.csv, and return its means."""
    run, suite = bench.run, bench.run.suite
    if not suite.sweeps:
        return []
    photos = sweep_photos(suite, bench.photos.test)
    sweeps, asked = {}, run.protocol.sweeps or {}
    for name, sweep in suite.sweeps.items():
        hints = hints_of(name, suite, photos, results)
        if hints.digest != asked[name].digest:
            path = hints_path(name, suite, photos, results)
            raise BadInput(f"{path} holds other hints than the bench began with; delete it and run again.")
        sweeps[name] = sweep, hints
    batches = scored_photos(
        suite,
        bench.photos._replace(test=photos),
        colorizer.extras,
        bench.device,
        batch_size=max(1, PIXELS_A_BATCH // suite.size**2),
    )
    (psnr,), _ = make_metrics(["psnr"], device=bench.device)
    scores = score_sweeps(colorizer, batches, sweeps, psnr, size=suite.size, stop=line.stop)
    folder.write_hint_scores(scores)
    return level_means(scores)


@torch.no_grad()
def _keep_hinted(bench: Workbench, colorizer: Colorizer, folder: RunFolder, results: Path) -> None:
    """For the report: what it makes of a few photos at some numbers of hints; and once a protocol those hints."""
    suite = bench.run.suite
    shown = shown_levels(suite.sweeps)
    if shown is None:
        return
    name, levels = shown
    photos = sweep_photos(suite, bench.photos.test)
    hints = hints_of(name, suite, photos, results)
    chosen = spread(len(photos), LEVEL_PHOTOS)
    few = bench.photos._replace(test=photos.take(chosen))
    (photo,) = scored_photos(suite, few, colorizer.extras, bench.device)
    answers, asked = [], []
    with torch.random.fork_rng(devices=[]):
        for level in levels:
            ab, mask = (plane[chosen].to(bench.device) for plane in hints.planes(0, level, suite.size))
            hinted = dataclasses.replace(photo.batch, hint_ab=ab, hint_mask=mask)
            answers.append(colorized(colorizer, hinted).cpu())
            asked.append(input_pictures(hinted)[1].cpu())
    hints_drawn = torch.stack(asked, 1).flatten(0, 1)
    save_predictions(folder.path, torch.stack(answers, 1).flatten(0, 1), HINTED)
    save_photos(results, bench.run.protocol.fingerprint, hints_drawn, photo.rgb.cpu(), hinted=True)


def _draw(bench: Workbench, colorizer: Colorizer, metrics: Sequence[Metric], folder: RunFolder) -> dict[str, Any]:
    """Where a colorizer has several answers: score some draws, write samples.csv, and return a summary."""
    if not colorizer.can_sample:
        return {}
    drawn = score_draws(colorizer, bench.evaluations(), metrics, generator(bench.run.seed, "draws"))
    of = {f"{name}_{which}": getattr(drawn, which)[name] for name in drawn.mean for which in ("mean", "best")}
    folder.write_scores(bench.photos.test.names, {**of, "diversity": drawn.diversity}, "samples.csv")
    means, _ = means_of(of)
    return {"k": DRAWS, "diversity": mean_of_all("diversity", drawn.diversity).value, **means}


def _weigh(bench: Workbench, trained: Trained, notes: list[str]) -> dict[str, float | None]:
    """What it costs to train and to use; what cannot be told is None, with a note."""
    colorizer = trained.colorizer.eval()
    one = next(bench.evaluations(batch_size=1)).batch
    timing = _aside(notes, "inference time", None, lambda: costs.inference(colorizer, one))
    busy = {"inference": timing.busy if timing else 0.0, "training": trained.costs.training_busy or 0.0}
    notes += costs.disturbances(busy)
    return {
        "params_m": costs.parameters_m(colorizer),
        "gflops": _aside(notes, "gflops", None, lambda: costs.gflops(colorizer, one)),
        "train_img_s": trained.costs.train_img_s,
        "infer_ms": timing.median if timing else None,
        "infer_ms_q1": timing.lower if timing else None,
        "infer_ms_q3": timing.upper if timing else None,
        "peak_mem_mb": costs.peak_memory_mb(bench.device),
        "train_s": trained.costs.train_s,
        **{f"{what}_busy": round(share, 4) for what, share in busy.items()},
    }


def _keep_pictures(scores: Scores, run: PlannedRun, folder: RunFolder, results: Path) -> None:
    """samples.png to look at; and for the report the predictions, and once a protocol the photos."""
    rows: list[list[torch.Tensor]] = []
    for evaluation, prediction in scores.pictures:
        pictures = (*input_pictures(evaluation.batch), prediction, evaluation.rgb)
        rows.append([column.cpu() for column in pictures])
    columns = [torch.cat(column)[:KEPT] for column in zip(*rows, strict=True)]
    write_whole(folder.path / SHEET, sheet([column[:SAMPLE_ROWS] for column in columns]))
    grey, hints, predictions, truth = columns
    save_predictions(folder.path, predictions)
    save_photos(results, run.protocol.fingerprint, grey, hints, truth)


def _aside(notes: list[str], what: str, otherwise: Found, find: Callable[[], Found]) -> Found:
    """What ``find`` finds, or ``otherwise`` and a note: what is only shown beside a score must never cost it."""
    try:
        return find()
    except Stopped:
        raise
    except Exception as error:
        traceback.print_exc()
        notes.append(f"{what}: left out, {reason_of(error)}")
        return otherwise


def _tell_options(run: PlannedRun) -> list[str]:
    """Every option of every part into the run's log; and the note that says which of them are the suite's."""
    for role, options in run.spec.effective.items():
        print(f"{run.name}: {role} {run.spec.parts[role].name}{shown_options(options)}")
    taken = {key: value for key, value in run.spec.defaults.items() if key not in run.options}
    return [f"sizes of the suite:{shown_options(taken)}"] if taken else []


def may_have_seen(run: PlannedRun) -> list[str]:
    """Notes: weights trained by others, from whom nobody has kept the test photos; photos that are on both sides."""
    found = []
    if run.weights is not None:
        row = current().weights.get(run.weights.published)
        found.append(f"its weights were trained on {row.trained_on if row and row.trained_on else 'unknown photos'}")
    if trunks := pretrained(run.spec.effective):
        found.append(f"{trunks} started from published weights")
    if run.resembled:
        found.append(f"{run.resembled} of these {run.data.test.photos} {RESEMBLE}")
    return [MAY_HAVE_SEEN + each for each in found]


def _config(run: PlannedRun) -> dict[str, Any]:
    """What a tracker is told of a run."""
    return {
        "model": run.label,
        "seed": run.seed,
        "suite": run.suite.name,
        "recipe": run.recipe_name,
        "batch": run.batch,
        "key": run.key,
        "protocol": run.protocol.fingerprint,
    }


def failure(run: PlannedRun, error: BaseException) -> tuple[str, str]:
    """The status and the reason, in one line, that an exception stands for."""
    reason = reason_of(error)
    if isinstance(error, ZooError):
        return error.status, reason
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _tells_of_memory(error):
        return "oom", reason
    operation, undetermined, _ = reason.partition(" does not have a deterministic implementation")
    if undetermined:
        reason = f"{operation} has no deterministic form on this device; run it without --deterministic"
    foreign = current().entry("models", run.model).distribution != OURS
    return "plugin_error" if foreign else "error", f"{type(error).__name__}: {reason}"


def _tells_of_memory(error: BaseException) -> bool:
    """torch's CPU allocator has no exception of its own: it raises RuntimeError with these words."""
    sentences = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(sentence in str(error) for sentence in sentences)
