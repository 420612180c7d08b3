"""One run, from its plan to its run.json, in a process of its own."""

from __future__ import annotations

import contextlib
import datetime
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, BrokenPlugin, ContractError, Diverged, Unavailable, ZooError
from zoo.core.registry import OURS, current
from zoo.harness.bench import costs, provenance
from zoo.harness.bench.draws import K as DRAWS
from zoo.harness.bench.draws import can_sample, score_draws
from zoo.harness.bench.given_weights import load_given, weights_digest
from zoo.harness.bench.hint_sweep import PIXELS_A_BATCH, level_means, score_sweeps
from zoo.harness.bench.plan import Run
from zoo.harness.bench.predictions import KEPT, save_photos, save_predictions
from zoo.harness.bench.samples import input_pictures, sheet
from zoo.harness.bench.saved_hints import hints_of, hints_path, sweep_photos
from zoo.harness.bench.scoring import Scores, make_metrics, score_colorizer
from zoo.harness.bench.setup import (
    make_colorizer,
    make_objective,
    make_training,
    make_training_pass,
    open_banks,
    scored_photos,
    use_registry_files,
)
from zoo.harness.bench.store import RunFolder, locked, write_whole
from zoo.harness.bench.time_to import time_to
from zoo.harness.bench.tracking import Tracking
from zoo.harness.data.evaluation import Evaluation
from zoo.harness.training import device as devices
from zoo.harness.training.checkpoint import read_state, save_state, save_weights
from zoo.harness.training.loop import Training
from zoo.harness.training.seeds import generator

SAMPLE_ROWS = 6


def main(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The process's own main: run, and turn whatever happens into a row."""
    use_registry_files(payload["registry_files"])
    run = msgspec.convert(payload["run"], Run)
    folder = RunFolder(Path(payload["folder"]))
    # An orphan of a killed bench may still be dying; the lock is its until it is gone.
    with locked(folder.path / ".lock"):
        if folder.finished():
            return
        tracking = Tracking(run.suite.track, folder.path, run.name, _config(run))
        try:
            row = RunProcess(run, folder, tracking, send, stop).run()
        except (Exception, SystemExit) as error:
            status, reason = failure(run, error)
            traceback.print_exc()
            row = failed_row(run, status, reason)
        tracking.finish(row["status"], row.get("scores", {}))
        folder.write_row(row)


def failure(run: Run, error: BaseException) -> tuple[str, str]:
    """The status and the reason, in one line, that an exception stands for."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, InterruptedError):
        return "interrupted", "stopped; the same command goes on from its checkpoint"
    if isinstance(error, Diverged):
        return "diverged", reason
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _tells_of_memory(error):
        return "oom", reason
    if isinstance(error, (BrokenPlugin, ContractError)):
        return "plugin_error", reason
    if isinstance(error, (BadInput, Unavailable, ZooError)):
        return "error", reason
    foreign = current().record("models", run.model).distribution != OURS
    return "plugin_error" if foreign else "error", f"{type(error).__name__}: {reason}"


def _tells_of_memory(error: BaseException) -> bool:
    """torch's CPU allocator has no exception of its own: it raises RuntimeError with these words."""
    sentences = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(sentence in str(error) for sentence in sentences)


def failed_row(run: Run, status: str, error: str) -> dict[str, Any]:
    """run.json of a run that came to no score."""
    return {**_head(run), "status": status, "error": error, **_tail(run, None)}


def _head(run: Run) -> dict[str, Any]:
    return {"model": run.model, "label": run.label, "seed": run.seed, "key": run.key}


def _tail(run: Run, device: torch.device | None) -> dict[str, Any]:
    finished = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "suite": run.suite.name,
        "protocol": run.protocol,
        "data": run.data,
        "recipe": run.recipe_name,
        "spec": msgspec.to_builtins(run.spec),
        "plan": msgspec.to_builtins(
            {
                "recipe": run.recipe,
                "suite": run.suite,
                "batch": run.batch,
                "budget": run.budget,
                "hints": run.train_hints,
            }
        ),
        "provenance": {
            **provenance.versions(),
            "device": devices.describe(device) if device else run.device,
            "commit": provenance.commit(),
            "finished": finished,
        },
    }


class RunProcess:
    """The steps of one run, in order."""

    def __init__(
        self,
        run: Run,
        folder: RunFolder,
        tracking: Tracking,
        send: Callable[[dict[str, Any]], None],
        stop: Callable[[], bool],
    ):
        self.plan = run
        self.folder = folder
        self.tracking = tracking
        self.stop = stop
        self._send = send
        self.device = devices.pick_device(run.device)
        self.precision = devices.pick_precision(run.suite.precision, self.device)
        self.notes: list[str] = []

    def run(self) -> dict[str, Any]:
        """Train, score, weigh, and describe. Returns what run.json holds.

        Raises:
            ZooError, InterruptedError, RuntimeError: what :func:`failure` turns into a status.
        """
        run, suite = self.plan, self.plan.suite
        devices.prepare(self.device, deterministic=suite.deterministic, threads=suite.threads)
        self.progress("data", 0.0)
        self.banks = open_banks(suite)
        colorizer = make_colorizer(run, self.device)
        if run.weights:
            load_given(colorizer.network, Path(run.weights))
            self.notes.append(f"weights from {Path(run.weights).name}, sha256 {weights_digest(Path(run.weights))}")
        objective, self.extras = make_objective(run, colorizer, self.device)
        training = make_training(run, colorizer, objective, self.extras, self.banks.train, self.device, self.precision)
        if not self._resumed(training):
            objective.prepare(make_training_pass(run, self.banks.train, self.extras, self.device))
        curve = self._train(training)
        colorizer = training.trained  # type: ignore[assignment]
        self.progress("evaluating", 0.0)
        metrics, notes = make_metrics(suite.metrics, device=self.device, lpips_trunk=run.lpips_trunk)
        self.notes += notes
        scores = self._score(colorizer, metrics, keep=KEPT, adherence=True)
        hints = self._sweep_hints(colorizer)
        samples = self._draw(colorizer, metrics)
        measured = self._costs(colorizer, training)
        save_weights(colorizer.network, self.folder.weights)
        self.folder.write_scores(self.banks.test.names, scores.per_image)
        self._save_pictures(scores)
        with contextlib.suppress(FileNotFoundError):
            self.folder.checkpoint.unlink()
        means = {name: _mean(values) for name, values in scores.per_image.items()}
        if training.objective.players:
            curve.append({"step": training.step, "seconds": round(training.seconds, 3), "psnr": means.get("psnr")})
        measured["time_to"] = time_to(suite.psnr_target, curve)
        return {
            **_head(run),
            "status": "ok",
            "error": "",
            "baseline": bool(run.spec and run.spec.baseline),
            "notes": [*([run.spec.note] if run.spec and run.spec.note else []), *self.notes, *self.tracking.notes],
            "scores": means,
            "images": len(self.banks.test.names),
            "hints": hints,
            **({"samples": samples} if samples else {}),
            "costs": measured,
            "steps": training.step,
            "curve": curve,
            "precision": self.precision,
            **_tail(run, self.device),
        }

    def progress(self, phase: str, fraction: float, **values: float) -> None:
        self._send({"phase": phase, "fraction": fraction, **values})

    def _resumed(self, training: Training) -> bool:
        """Take the run up from its checkpoint, if there is a good one."""
        path = self.folder.checkpoint
        if not path.exists():
            with contextlib.suppress(FileNotFoundError):
                self.folder.log.unlink()
            return False
        try:
            state = read_state(path)
        except BadInput as error:
            # A checkpoint is a convenience: without it the run starts anew and ends the same.
            self.notes.append(f"started anew: {error}")
            self.folder.cut_log(-1)
            return False
        training.load_state_dict(state["training"])
        self.folder.cut_log(training.step)
        return True

    def _train(self, training: Training) -> list[dict[str, Any]]:
        """Train to the end, with a look at the PSNR at the suite's points of the way."""
        if not training.objective.players:
            return []
        suite, saved = self.plan.suite, time.monotonic()

        def on_log(entry: dict[str, float]) -> None:
            nonlocal saved
            rate = training.photos / max(training.seconds, 1e-9)
            self.folder.append_log({k: round(v, 6) for k, v in entry.items()})
            self.tracking.log(training.step, {k: v for k, v in entry.items() if k != "step"})
            self.progress("training", training.progress, loss=entry[training.objective.players[-1]], photos_per_s=rate)
            if time.monotonic() - saved > suite.checkpoint_every:
                self._checkpoint(training)
                saved = time.monotonic()

        metrics, _ = make_metrics(["psnr"], device=self.device)
        curve = self._curve_so_far()
        for point in range(1, suite.curve + 1):
            until = point / max(suite.curve, 1)
            if training.progress >= until:
                continue
            if not training.run(until=until, on_log=on_log, stop=self.stop):
                self._checkpoint(training)
                raise InterruptedError("stopped while training")
            if until < 1:
                psnr = _mean(self._score(training.trained, metrics).per_image["psnr"])
                point_reached = {"step": training.step, "seconds": round(training.seconds, 3), "psnr": psnr}
                curve.append(point_reached)
                self.folder.append_log({"curve": True, **point_reached})
                self.tracking.log(training.step, {"psnr": psnr} if psnr is not None else {})
        if training.progress < 1 and not training.run(on_log=on_log, stop=self.stop):
            self._checkpoint(training)
            raise InterruptedError("stopped while training")
        return curve

    def _curve_so_far(self) -> list[dict[str, Any]]:
        if not self.folder.log.exists():
            return []
        entries = map(msgspec.json.decode, self.folder.log.read_bytes().splitlines())
        return [{k: v for k, v in entry.items() if k != "curve"} for entry in entries if entry.get("curve")]

    def _checkpoint(self, training: Training) -> None:
        save_state({"training": training.state_dict()}, self.folder.checkpoint)

    def _batches(self, *, batch_size: int = 16) -> Iterator[Evaluation]:
        return scored_photos(self.plan.suite, self.banks, self.extras, self.device, batch_size=batch_size)

    def _score(self, colorizer: torch.nn.Module, metrics: Any, *, keep: int = 0, adherence: bool = False) -> Scores:
        return score_colorizer(colorizer, self._batches(), metrics, keep=keep, adherence=adherence, stop=self.stop)

    def _sweep_hints(self, colorizer: torch.nn.Module) -> list[dict[str, Any]]:
        """Score every level of the suite's hint sweeps, write hints.csv, and return its means."""
        suite = self.plan.suite
        if not suite.sweeps:
            return []
        photos = sweep_photos(suite, self.banks.test)
        sweeps = {}
        for name, sweep in suite.sweeps.items():
            hints = hints_of(name, suite, photos, self.folder.results)
            if hints.digest != self.plan.protocol["sweeps"][name]["digest"]:
                path = hints_path(name, suite, photos, self.folder.results)
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
        if not can_sample(colorizer):
            return {}
        drawn = score_draws(colorizer, self._batches(), metrics, generator(self.plan.seed, "draws"))
        of = {f"{name}_{which}": getattr(drawn, which)[name] for name in drawn.mean for which in ("mean", "best")}
        self.folder.write_scores(self.banks.test.names, {**of, "diversity": drawn.diversity}, "samples.csv")
        self.notes.append("scored on its deterministic answer; rows of its random draws are not ranked")
        means = {name: _mean(values) for name, values in of.items()}
        return {"k": DRAWS, "diversity": _mean(drawn.diversity), **means}

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
        save_photos(self.folder.results, self.plan.protocol["fingerprint"], grey, hints, truth)

    def _costs(self, colorizer: torch.nn.Module, training: Training) -> dict[str, float | None]:
        colorizer.eval()
        one = next(self._batches(batch_size=1)).batch
        trained = training.step > 0
        return {
            "params_m": costs.parameters_m(colorizer),
            "gflops": costs.gflops(colorizer, one),
            "train_img_s": training.photos / training.seconds if trained else None,
            "infer_ms": costs.inference_ms(colorizer, one),
            "peak_mem_mb": costs.peak_memory_mb(self.device),
            "train_s": training.seconds if trained else 0.0,
        }


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


def _mean(values: list[float]) -> float | None:
    """The mean over the images that have a score."""
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else None
