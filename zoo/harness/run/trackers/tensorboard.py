"""TensorBoard: ``tensorboard --logdir benches/quick/runs`` shows the runs side by side."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.core.errors import Unavailable


class TensorBoard:
    """Event files in ``tensorboard/`` of the run's folder.

    Raises:
        Unavailable: the package ``tensorboard`` is not installed.
    """

    def __init__(self, run_folder: Path, run_name: str, config: Mapping[str, Any]):
        self.require()
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run_folder / "tensorboard"))
        self._writer.add_text("run", f"{run_name}\n\n```json\n{json.dumps(config, indent=1)}\n```")
        self._step = 0

    @staticmethod
    def require() -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise Unavailable("The tracker 'tensorboard' needs the package tensorboard; pip install tensorboard.")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._step = step
        for name, value in values.items():
            self._writer.add_scalar(f"training/{name}", value, step)

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        self._writer.add_text("status", status)
        for name, value in scores.items():
            self._writer.add_scalar(f"scores/{name}", value, self._step)
        self._writer.close()
