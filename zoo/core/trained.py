"""A trained colorizer: back from its run folder, or a model with weights that are given to it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import safetensors
import safetensors.torch
import torch

from zoo.core.assemble import assemble
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, reason_of
from zoo.core.files import sha256_of
from zoo.core.given_weights import given_weights, load_given
from zoo.core.ingredients import of_file
from zoo.core.recorded import PICKLES, recorded_spec, spec_of_record, untrained
from zoo.core.registry import current
from zoo.core.resolve import build, resolve
from zoo.core.spec import SHIPPED, UNTRAINED, ModelRecord, ModelSpec, fingerprint
from zoo.core.state_dict import differences, layout_of

WEIGHTS = "model.safetensors"


def load(
    name_or_run: str | Path,
    device: str | torch.device = "cpu",
    *,
    weights: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Colorizer:
    """A colorizer that is ready to use.

    Args:
        name_or_run: a run folder (``benches/quick/runs/unet/seed0-…``), the folder of a model's runs
            (its lowest seed is taken), ``shipped``, or the name of a registered model that needs no training.
        device: where it is put; it is in eval mode.
        weights: for a model's name: a file of weights, in our layout or its public original's, or ``published``,
            which downloads the published one; see :func:`zoo.core.given_weights.given_weights`.
        options: for a model's name: its options, as :func:`zoo.build` takes them; a run has its own.

    Returns:
        The colorizer; its ``notes`` say what is worth knowing about its weights.

    Raises:
        BadInput: no such run, a run without weights, a pickle, or weights that are cut short, exchanged, or do not fit.
        UnknownName: neither a folder nor a registered model.
        Unavailable: published weights that cannot be downloaded here.
        ZooError: the run's parts cannot be built here.
    """
    text = str(name_or_run)
    if weights is not None:
        given = given_weights(text, weights, options)
        spec = resolve(text, {**given.options, **(options or {})})
        model = assemble(untrained(spec))
        model.notes = load_given(model, given, spec)
    elif Path(text).suffix.lower() in PICKLES:
        raise BadInput(
            f"{text} is a pickle, which can run any code when it is loaded; safetensors only: give the run's folder, "
            "or the model's name and the file as its weights."
        )
    else:
        folder = run_folder(text)
        refuse_options(folder, options)
        model = _untrained(text, options or {}) if folder is None else _trained(folder)
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        reason = reason_of(error).rstrip(".")
        raise BadInput(f"The device {str(device)!r} cannot be used here ({reason}); try 'cpu'.") from error


def content_of(name_or_run: str | Path) -> str:
    """A digest of what :func:`load` would give: of the weights and the model that they are for.

    Raises:
        BadInput, UnknownName: as :func:`load`, of a run that is not there.
    """
    folder = run_folder(name_or_run)
    if folder is None:
        return fingerprint(resolve(str(name_or_run)).identity())
    if not (folder / WEIGHTS).is_file():
        raise _without_weights(folder)
    return fingerprint([msgspec.to_builtins(read_spec(folder).parts), of_file(folder / WEIGHTS)])


def run_folder(name_or_run: str | Path) -> Path | None:
    """The run folder that is meant, as :func:`load` takes it; None when it can only be a model's name.

    Raises:
        BadInput: a path that leads to no run.
    """
    text = str(name_or_run)
    path = Path(text).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):
        raise BadInput(f"{text[:80]!r} is neither a path nor a model's name; give a run's folder.") from None
    if is_file and path.name in (WEIGHTS, "run.json"):
        return path.parent
    if is_file:
        raise BadInput(f"{path} is a file; give the run's folder, which holds run.json and {WEIGHTS}.")
    if not is_folder:
        if "/" in text or "\\" in text:
            raise BadInput(f"{path}: there is no such run; give the folder of a run, such as benches/quick/runs/unet.")
        return shipped_folder() if text == SHIPPED else None
    if (path / "run.json").is_file():
        return path
    runs = sorted((run.parent for run in path.glob("seed*/run.json")), key=_seed)
    if runs:
        return next((run for run in runs if (run / WEIGHTS).is_file()), runs[0])
    if "/" not in text and text in current().names("models"):
        return None  # a folder that happens to have the model's name
    raise BadInput(f"{path} is no run: it holds no run.json; give a folder such as benches/quick/runs/unet.")


def shipped_folder() -> Path:
    """The run folder of the colorizer that comes with the zoo."""
    return Path(__file__).parents[1] / SHIPPED


def _seed(run: Path) -> tuple[int, str]:
    digits = run.name.removeprefix("seed").partition("-")[0]
    return (int(digits) if digits.isdecimal() else 0), run.name


def refuse_options(folder: Path | None, options: Mapping[str, Any] | None) -> None:
    """Raise BadInput where options are given to a run."""
    if folder is not None and options:
        raise BadInput(f"{folder} is a run, which keeps the options it was trained with; leave --set out.")


def check_ready(name: str) -> None:
    """Raise BadInput for a registered model that has to be trained first.

    A stranger's class passes: it says nothing of recipes, and whether it has anything to learn shows when it is built.
    """
    if current().model_row(name).recipe != UNTRAINED and current().entry("models", name).row is not None:
        raise _not_trained(name)


def weights_of(folder: Path) -> Path:
    """A run's weights.

    Raises:
        BadInput: there are none; with the command that makes them.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise _without_weights(folder)
    return weights


def _untrained(name: str, options: Mapping[str, Any]) -> Colorizer:
    check_ready(name)
    model = build(name, **options)
    if current().model_row(name).recipe != UNTRAINED and model.state_dict():
        raise _not_trained(name)
    return model


def _not_trained(name: str) -> BadInput:
    return BadInput(
        f"The model {name!r} has no weights yet; train it (zoo train {name} --suite quick), "
        f"then give the run's folder (benches/quick/runs/{name})."
    )


def _trained(folder: Path) -> Colorizer:
    weights = weights_of(folder)
    record = folder / "run.json"
    recorded = read_record(folder)
    digest = recorded.weights_sha256 or ""
    model = assemble(recorded_spec(spec_of_record(recorded.spec), str(record)))
    try:
        found = sha256_of(weights)
        state = safetensors.torch.load_file(weights)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise BadInput(f"{weights} cannot be read, it may be cut short ({reason_of(error).rstrip('.')}).") from error
    if digest and found != digest:
        raise BadInput(
            f"{weights} is not the file that {record} was written with (its SHA-256 begins with {found[:12]}, not "
            f"{digest[:12]}): it was exchanged or damaged; take the run's folder as a whole, or train it again."
        )
    odd = differences(state, layout_of(model.network))
    if odd:
        raise BadInput(f"{weights} does not fit the model its run.json describes: {odd}.")
    model.network.load_state_dict(state)
    model.works_at = works_at(folder)
    if not digest:
        model.notes = ("weights not checked: the record is of an older zoo and holds no digest of them",)
    return model


def _without_weights(folder: Path) -> BadInput:
    """The sentence for a run that is only a record, with the command that makes its weights."""
    record = read_record(folder)
    return BadInput(
        f"{folder} holds no {WEIGHTS} (published results leave the weights out); "
        f"`{training_command(record)}` trains it anew, then give benches/{record.suite}/runs/{record.model}."
    )


def training_command(record: ModelRecord, suite: Sequence[str] = ()) -> str:
    """The command that trains a run anew, on the photos that come with the zoo.

    Args:
        suite: what was set of its suite, as ``--set`` takes it: the row's name does not say it.
    """
    settings = [*suite, *re.split(r" (?=[\w.]+=)", record.label.removeprefix(record.model))[1:]]
    command = ["zoo train", shlex.quote(record.model), "--suite", shlex.quote(record.suite)]
    for setting in settings:
        recipe = setting.removeprefix("recipe=")
        command.append(f"--set {shlex.quote(setting)}" if recipe == setting else f"--recipes {shlex.quote(recipe)}")
    return " ".join([*command, *([f"--first-seed {record.seed}"] if record.seed else []), "--seeds 1"])


def read_spec(folder: Path) -> ModelSpec:
    """The model that a run's record describes.

    Raises:
        BadInput: no record, or one that describes no model.
    """
    return spec_of_record(read_record(folder).spec)


def read_record(folder: Path) -> ModelRecord:
    """What a run's run.json says of its model.

    Raises:
        BadInput: no record, or one that describes no model.
    """
    path = folder / "run.json"
    try:
        record = msgspec.json.decode(path.read_bytes(), type=ModelRecord)
        spec_of_record(record.spec)
        return record
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # msgspec's errors are ValueErrors.
        reason = reason_of(error).rstrip(".")
        raise BadInput(f"{path} does not describe a model ({reason}); give another run.") from error


class _Suite(msgspec.Struct, frozen=True):
    size: int | None = None
    train_sizes: list[int] | None = None


class _Plan(msgspec.Struct, frozen=True):
    suite: _Suite = _Suite()


class _Planned(msgspec.Struct, frozen=True):
    plan: _Plan = _Plan()


def works_at(folder: Path) -> int | None:
    """The side of the photos that a run was trained on, in pixels, the largest one; None where its record does not say.

    Raises:
        BadInput: no record, or a damaged one.
    """
    path = folder / "run.json"
    try:
        suite = msgspec.json.decode(path.read_bytes(), type=_Planned).plan.suite
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read ({reason_of(error).rstrip('.')}); give another run.") from None
    return max(suite.train_sizes, default=suite.size) if suite.train_sizes else suite.size
