"""A colorizer that was trained before, from the folder of its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file

from zoo.core.assemble import assemble, build
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.registry import current
from zoo.core.spec import ModelSpec, PartRef

WEIGHTS = "model.safetensors"


def trained_run(name_or_run: str) -> Colorizer:
    """The colorizer of a run folder (``run.json`` and ``model.safetensors``), or a model that needs no training.

    Raises:
        BadInput: neither of them, or a run whose files are missing, damaged or do not fit each other.
        ZooError: its parts cannot be built here.
    """
    folder = Path(name_or_run).expanduser()
    if not folder.is_dir():
        registry = current()
        if name_or_run in registry.names("models") and registry.model_row(name_or_run).baseline:
            return build(name_or_run)
        raise BadInput(
            f"{name_or_run!r} is neither the folder of a run nor a model that needs no training; "
            "give a folder such as results/quick/runs/unet/seed0-…"
        )
    try:
        row: Any = json.loads((folder / "run.json").read_bytes())
        spec = msgspec.convert(row["spec"], ModelSpec)
        state = load_file(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BadInput(
            f"{folder} is no finished run ({type(error).__name__}: {error}); give another folder."
        ) from error
    colorizer = assemble(_without_download(spec))
    try:
        colorizer.network.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"The weights in {folder} do not fit its model ({reason}); train it again.") from error
    return colorizer


def _without_download(spec: ModelSpec) -> ModelSpec:
    """The same parts, not ``pretrained``: the run's own weights come next."""
    parts = {
        role: PartRef(ref.name, {**ref.options, "pretrained": False}) if ref.options.get("pretrained") else ref
        for role, ref in spec.parts.items()
    }
    return msgspec.structs.replace(spec, parts=parts)
