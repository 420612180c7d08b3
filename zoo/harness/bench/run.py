"""One run, from its plan to its run.json, in a process of its own."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from zoo.core.colorizer import Colorizer
from zoo.core.download import sha256_of
from zoo.core.errors import BadInput, Stopped, reason_of
from zoo.core.files import make_folder, remove_parts, write_whole
from zoo.core.given_weights import load_given
from zoo.core.locks import locked
from zoo.core.recipe_parts import make_objective
from zoo.core.trained import load
from zoo.harness.bench import costs
from zoo.harness.bench.draws import K as DRAWS
from zoo.harness.bench.draws import score_draws
from zoo.harness.bench.hint_sweep import PIXELS_A_BATCH, level_means, score_sweeps
from zoo.harness.bench.load import Load
from zoo.harness.bench.outcome import failure
from zoo.harness.bench.plan import Run, shown_options
from zoo.harness.bench.predictions import KEPT, save_photos, save_predictions
from zoo.harness.bench.provenance import here_and_now
from zoo.harness.bench.rescoring import TrainedBefore, trained_before
from zoo.harness.bench.run_record import CurvePoint, HintLevel, RunRecord
from zoo.harness.bench.samples import input_pictures, sheet
from zoo.harness.bench.saved_hints import hints_of, hints_path, sweep_photos
from zoo.harness.bench.scoring import Scores, make_metrics, score_colorizer
from zoo.harness.bench.setup import (
    check_same_photos,
    describe_data,
    make_colorizer,
    make_training,
    make_training_pass,
    open_banks,
    place,
    scored_photos,
    use_registry_files,
)
from zoo.harness.bench.store import RunFolder
from zoo.harness.bench.time_to import time_to
from zoo.harness.bench.tracking import Tracking
from zoo.harness.bench.training_run import TrainingRun
from zoo.harness.data.evaluation import Evaluation
from zoo.harness.data.extras import tells_the_truth, told_of_the_truth
from zoo.harness.metrics.mean import mean_of_all, means_of
from zoo.harness.training import device as devices
from zoo.harness.training.checkpoint import save_weights
from zoo.harness.training.loop import Training
from zoo.harness.training.seeds import generator

SAMPLE_ROWS = 6
Found = TypeVar("Found")


def main(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The process's own main: run, and turn whatever happens into a row."""
    use_registry_files(payload["registry_files"])
    run = msgspec.convert(payload["run"], Run)
    home = RunFolder(Path(payload["folder"]))
    # An orphan of a killed bench may still be dying; the lock is its until it is gone.
    with locked(home.path / ".lock", lambda sentence: send({"note": f"{run.name}: {sentence}"})):
        home.settle()
        if home.finished():
            return
        folder = home.workplace()
        make_folder(folder.path)
        remove_parts(folder.path)
        tracking = Tracking(run.suite.track, folder.path, run.name, _config(run))
        try:
            record = RunProcess(run, folder, Path(payload["results"]), tracking, send, stop).run()
        except (Exception, SystemExit) as error:
            status, reason = failure(run, error)
            traceback.print_exc()
            record = RunRecord.of(run, here_and_now(run.device), status=status, error=reason)
        tracking.finish(record.status, record.scores)
        folder.write_record(record)
        if record.finished:
            folder.checkpoint.unlink(missing_ok=True)
        home.settle()


class RunProcess:
    """The steps of one run, in order."""

    def __init__(
        self,
        run: Run,
        folder: RunFolder,
        results: Path,
        tracking: Tracking,
        send: Callable[[dict[str, Any]], None],
        stop: Callable[[], bool],
    ):
        self.plan = run
        self.folder = folder
        self.results = results
        self.tracking = tracking
        self.stop = stop
        self._send = send
        self.device = devices.pick_device(run.device)
        self.precision = devices.pick_precision(run.suite.precision, self.device)
        self.notes: list[str] = []

    def run(self) -> RunRecord:
        """Train, score, weigh, and describe.

        Raises:
            ZooError, RuntimeError: what :func:`failure` turns into a status.
        """
        run, suite = self.plan, self.plan.suite
        for seen in run.sources:
            seen.check()
        self.notes += _tell_options(run)
        devices.prepare(self.device, deterministic=suite.deterministic, threads=suite.threads)
        self.progress("data", 0.0)
        self.banks = open_banks(suite)
        check_same_photos(run.data, describe_data(suite, self.banks))
        before = trained_before(self.results, run)
        taken = self._taken_over(before) if before else None
        if before and taken:
            colorizer, training, curve = taken, None, list[CurvePoint]()
        else:
            before = None
            colorizer, training, curve = self._trained()
        self.progress("evaluating", 0.0)
        metrics, notes = make_metrics(suite.metrics, device=self.device, lpips_trunk=run.lpips_trunk)
        self.notes += notes
        scores = self._score(colorizer, metrics, keep=KEPT, adherence=True)
        hints = self._sweep_hints(colorizer)
        samples = self._aside("random draws", dict[str, Any](), lambda: self._draw(colorizer, metrics))
        measured = self._costs(colorizer, training) if training else dict(before.record.costs if before else {})
        save_weights(colorizer.network, self.folder.weights)
        self.folder.write_scores(self.banks.test.names, scores.per_image)
        self._aside("pictures", None, lambda: self._save_pictures(scores))
        means, notes = means_of(scores.per_image)
        self.notes += notes
        if before:
            curve = before.curve(run, means.get("psnr"))
            self.notes += before.notes(suite.metrics)
        elif training and training.objective.players:
            curve.append(CurvePoint(training.step, round(training.seconds, 3), means.get("psnr")))
        measured["time_to"] = time_to(suite.psnr_target, curve)
        return RunRecord.of(
            run,
            here_and_now(devices.describe(self.device)),
            status="ok",
            baseline=bool(run.spec and run.spec.baseline),
            ranked=not run.spec or (run.spec.ranked and not tells_the_truth(colorizer.extras)),
            notes=list(dict.fromkeys([*_notes_of_row(run), *self.notes, *self.tracking.notes])),
            scores=means,
            higher_is_better={metric.name: metric.higher_is_better for metric in metrics},
            images=len(self.banks.test.names),
            hints=hints,
            samples=samples or msgspec.UNSET,
            costs=measured,
            steps=training.step if training else before.record.steps if before else None,
            curve=curve,
            precision=self.precision,
            weights_sha256=sha256_of(self.folder.weights),
        )

    def _trained(self) -> tuple[Colorizer, Training, list[CurvePoint]]:
        """A colorizer made and trained, its training, and the points of its curve but the last."""
        run, suite = self.plan, self.plan.suite
        colorizer = make_colorizer(run, self.device)
        if run.weights and run.spec:
            self.notes += load_given(colorizer, run.weights, run.spec)
        self.notes += told_of_the_truth(colorizer.extras)
        assert run.recipe is not None
        objective, self.extras = make_objective(run.recipe, colorizer, self.device)
        training = make_training(run, colorizer, objective, self.extras, self.banks.train, self.device, self.precision)
        if suite.compile:
            colorizer.network.compile()
        course = self._course(training)
        if not course.resume():
            objective.prepare(make_training_pass(run, self.banks.train, self.extras, self.device))
        load = Load()
        curve = course.run()
        self.training_load = load.share()
        self.notes += course.notes
        if training.clock.gaps:
            self.notes.append(f"stood still for {training.clock.gaps:.0f} s of its training, which are not counted")
        # A copy is not compiled: batches of all sizes are scored, and compiling for each would take long.
        trained: Any = copy.deepcopy(training.trained) if suite.compile else training.trained
        return trained, training, curve

    def _taken_over(self, before: TrainedBefore) -> Colorizer | None:
        """The colorizer of a run that was trained as this one is to be; None where its weights are damaged."""
        try:
            colorizer = load(before.folder.path, self.device)
        except BadInput as error:
            self.notes.append(f"trained anew: {error}")
            return None
        before.take_log(self.folder)
        self.extras = colorizer.extras
        self.notes += [*colorizer.notes, *told_of_the_truth(colorizer.extras)]
        return place(colorizer, self.plan.suite, self.device)

    def progress(self, phase: str, fraction: float, **values: float) -> None:
        self._send({"phase": phase, "fraction": fraction, **values})

    def _course(self, training: Training) -> TrainingRun:
        metrics, _ = make_metrics(["psnr"], device=self.device)
        return TrainingRun(
            training,
            self.plan.suite,
            self.folder,
            self.tracking,
            psnr=lambda colorizer: mean_of_all("psnr", self._score(colorizer, metrics).per_image["psnr"]).value,
            report=lambda fraction, **values: self.progress("training", fraction, **values),
            stop=self.stop,
        )

    def _batches(self, *, batch_size: int = 16) -> Iterator[Evaluation]:
        return scored_photos(self.plan.suite, self.banks, self.extras, self.device, batch_size=batch_size)

    def _score(self, colorizer: torch.nn.Module, metrics: Any, *, keep: int = 0, adherence: bool = False) -> Scores:
        return score_colorizer(colorizer, self._batches(), metrics, keep=keep, adherence=adherence, stop=self.stop)

    def _sweep_hints(self, colorizer: torch.nn.Module) -> list[HintLevel]:
        """Score every level of the suite's hint sweeps, write hints.csv, and return its means."""
        suite = self.plan.suite
        if not suite.sweeps:
            return []
        photos = sweep_photos(suite, self.banks.test)
        sweeps = {}
        for name, sweep in suite.sweeps.items():
            hints = hints_of(name, suite, photos, self.results)
            if hints.digest != self.plan.protocol["sweeps"][name]["digest"]:
                path = hints_path(name, suite, photos, self.results)
                raise BadInput(f"{path} holds other hints than the bench began with; delete it and run again.")
            sweeps[name] = sweep, hints
        batches = scored_photos(
            suite,
            self.banks._replace(test=photos),
            self.extras,
            self.device,
            batch_size=max(1, PIXELS_A_BATCH // suite.size**2),
        )
        (psnr,), _ = make_metrics(["psnr"], device=self.device)
        scores = score_sweeps(colorizer, batches, sweeps, psnr, size=suite.size, stop=self.stop)
        self.folder.write_hint_scores([score._asdict() for score in scores])
        return level_means(scores)

    def _draw(self, colorizer: Colorizer, metrics: Any) -> dict[str, Any]:
        """Where a colorizer has several answers: score some draws, write samples.csv, and return a summary."""
        if not colorizer.can_sample:
            return {}
        drawn = score_draws(colorizer, self._batches(), metrics, generator(self.plan.seed, "draws"))
        of = {f"{name}_{which}": getattr(drawn, which)[name] for name in drawn.mean for which in ("mean", "best")}
        self.folder.write_scores(self.banks.test.names, {**of, "diversity": drawn.diversity}, "samples.csv")
        self.notes.append("scored on its deterministic answer; rows of its random draws are not ranked")
        means, _ = means_of(of)
        return {"k": DRAWS, "diversity": mean_of_all("diversity", drawn.diversity).value, **means}

    def _save_pictures(self, scores: Scores) -> None:
        """samples.png to look at; and for the report the predictions, and once a protocol the photos."""
        rows: list[list[torch.Tensor]] = []
        for evaluation, prediction in scores.pictures:
            pictures = (*input_pictures(evaluation.batch), prediction, evaluation.rgb)
            rows.append([column.cpu() for column in pictures])
        columns = [torch.cat(column)[:KEPT] for column in zip(*rows, strict=True)]
        write_whole(self.folder.path / "samples.png", sheet([column[:SAMPLE_ROWS] for column in columns]))
        grey, hints, predictions, truth = columns
        save_predictions(self.folder.path, predictions)
        save_photos(self.results, self.plan.protocol["fingerprint"], grey, hints, truth)

    def _costs(self, colorizer: torch.nn.Module, training: Training) -> dict[str, float | None]:
        colorizer.eval()
        one = next(self._batches(batch_size=1)).batch
        trained = training.step > 0
        timing = self._aside("inference time", None, lambda: costs.inference(colorizer, one))
        busy = {"inference": timing.busy if timing else 0.0, "training": self.training_load if trained else 0.0}
        self.notes += costs.disturbances(busy)
        return {
            "params_m": costs.parameters_m(colorizer),
            "gflops": self._aside("gflops", None, lambda: costs.gflops(colorizer, one)),
            "train_img_s": training.photos / max(training.seconds, 1e-9) if trained else None,
            "infer_ms": timing.median if timing else None,
            "infer_ms_q1": timing.lower if timing else None,
            "infer_ms_q3": timing.upper if timing else None,
            "peak_mem_mb": costs.peak_memory_mb(self.device),
            "train_s": training.seconds if trained else 0.0,
            **{f"{what}_busy": round(share, 4) for what, share in busy.items()},
        }

    def _aside(self, what: str, otherwise: Found, find: Callable[[], Found]) -> Found:
        """What ``find`` finds, or ``otherwise`` and a note: what is only shown beside a score must never cost it."""
        try:
            return find()
        except Stopped:
            raise
        except Exception as error:
            traceback.print_exc()
            self.notes.append(f"{what}: left out, {reason_of(error)}")
            return otherwise


def _notes_of_row(run: Run) -> list[str]:
    return [run.spec.note] if run.spec and run.spec.note else []


def _tell_options(run: Run) -> list[str]:
    """Every option of every part into the run's log; and the note that says which of them are the suite's."""
    if run.spec is None:
        return []
    for role, options in run.spec.effective.items():
        print(f"{run.name}: {role} {run.spec.parts[role].name}{shown_options(options)}")
    taken = {key: value for key, value in run.spec.defaults.items() if key not in run.options}
    return [f"sizes of the suite:{shown_options(taken)}"] if taken else []


def _config(run: Run) -> dict[str, Any]:
    """What a tracker is told of a run."""
    return {
        "model": run.label,
        "seed": run.seed,
        "suite": run.suite.name,
        "recipe": run.recipe_name,
        "batch": run.batch,
        "key": run.key,
        "protocol": run.protocol["fingerprint"],
    }
