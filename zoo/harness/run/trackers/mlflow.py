"""MLflow: a run there for a run here, on the server that ``MLFLOW_TRACKING_URI`` names."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.core.errors import Unavailable
from zoo.core.files import write_whole

EXPERIMENT = "zoo"


class MLflow:
    """Metrics and parameters of one run, in the experiment ``zoo``.

    A run that is taken up again goes on in the run there that it began: its id is kept beside run.json.

    Raises:
        Unavailable: the package ``mlflow`` is not installed.
    """

    def __init__(self, run_folder: Path, run_name: str, config: Mapping[str, Any]):
        self.require()
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient()
        known = run_folder / "mlflow_run_id"
        if known.is_file():
            self._run = known.read_text(encoding="utf-8")
            return
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        number = experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)
        self._run = self._client.create_run(number, run_name=run_name).info.run_id
        write_whole(known, self._run)
        for name, value in config.items():
            self._client.log_param(self._run, name, value)

    @staticmethod
    def require() -> None:
        if importlib.util.find_spec("mlflow") is None:
            raise Unavailable("The tracker 'mlflow' needs the package mlflow; pip install mlflow.")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, name, value, step=step)

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self._client.log_metric(self._run, f"score_{name}", value)
        self._client.set_terminated(self._run, "FINISHED" if status == "ok" else "FAILED")
