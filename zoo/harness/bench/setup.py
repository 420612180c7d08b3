"""A run's working parts, made from its plan: photos on the device, colorizer, objective, training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from zoo.core.assemble import assemble, make
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Objective
from zoo.core.errors import Changed
from zoo.core.registry import Registry, current, use
from zoo.harness.bench.plan import Run
from zoo.harness.bench.suite import Suite
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import Batches, TrainingPass
from zoo.harness.data.build import build_bank
from zoo.harness.data.evaluation import Evaluation, evaluation_batches
from zoo.harness.data.extras import open_extras
from zoo.harness.data.source import open_pair
from zoo.harness.training.layout import channels_last
from zoo.harness.training.loop import Training
from zoo.harness.training.seeds import derive, generator

SPLITS = ("train", "test")


class Banks(NamedTuple):
    """The photos of a run: to train on, to score on, and which test photos have no colour to score.

    ``notes`` say of each source what was not taken.
    """

    train: PhotoBank
    test: PhotoBank
    monochrome: tuple[str, ...]
    notes: dict[str, tuple[str, ...]]


def open_banks(suite: Suite) -> Banks:
    """The suite's photos, decoded once and cached; monochrome test photos are left out.

    Raises:
        BadInput: a source that is not there or holds nothing usable.
    """
    training, testing = open_pair(suite.data, suite.test_data)
    train = build_bank(training, side=suite.bank_size, fit=suite.fit)
    found = build_bank(testing, side=suite.size, fit=suite.fit)
    test = found.colorful_only()
    if suite.test_limit is not None and suite.test_limit < len(test):
        test = test.take(range(suite.test_limit))
    notes = {"train": getattr(training, "notes", ()), "test": getattr(testing, "notes", ())}
    return Banks(train, test, found.monochrome_names, notes)


def describe_data(suite: Suite, banks: Banks) -> dict[str, Any]:
    """The data as a run records it: sources, counts, what was left out, fingerprints."""

    def bank(split: str, source: str, photos: PhotoBank) -> dict[str, Any]:
        notes = [*banks.notes[split], *photos.remarks]
        return {
            "source": source,
            "photos": len(photos),
            "fingerprint": photos.fingerprint[:16],
            "skipped": [list(item) for item in photos.skipped],
            **({"notes": notes} if notes else {}),
        }

    test = bank("test", suite.test_data or suite.data, banks.test)
    return {"train": bank("train", suite.data, banks.train), "test": {**test, "monochrome": list(banks.monochrome)}}


def check_same_photos(recorded: Mapping[str, Any], found: Mapping[str, Any], splits: Iterable[str] = SPLITS) -> None:
    """Refuse to go on with other photos than a plan or a record says, also where they have the same names.

    Args:
        recorded, found: data as :func:`describe_data` tells it; an old record without fingerprints holds nothing.

    Raises:
        Changed: a split's fingerprint is another one.
    """
    for split in splits:
        before = recorded[split].get("fingerprint")
        if before and before != found[split]["fingerprint"]:
            raise Changed(
                f"The {split} photos of {found[split]['source']} are not those of the run's plan or record; "
                "put those back, or run a new bench."
            )


def make_colorizer(run: Run, device: torch.device) -> Colorizer:
    """The run's colorizer, initialised from the seed's own generator, on the device."""
    assert run.spec is not None
    torch.manual_seed(derive(run.seed, "init"))
    colorizer = assemble(run.spec)
    torch.manual_seed(derive(run.seed, "noise"))
    return place(colorizer, run.suite, device)


def place(colorizer: Colorizer, suite: Suite, device: torch.device) -> Colorizer:
    """On the device, in the suite's memory format."""
    if suite.channels_last:
        return channels_last(colorizer, device)
    return colorizer.to(device)


def make_training(
    run: Run,
    colorizer: Colorizer,
    objective: Objective,
    extras: Sequence[str],
    train: PhotoBank,
    device: torch.device,
    precision: str,
) -> Training:
    """The loop with its stream of batches; every consumer of randomness has a generator of its own."""
    assert run.recipe is not None and run.budget is not None
    stream = Batches(
        train.tensor(device),
        size=run.suite.size,
        batch_size=run.batch,
        device=device,
        order=generator(run.seed, "order"),
        augment=generator(run.seed, "augment"),
        hints=generator(run.seed, "hints", device=device),
        hint_sampler=make("hints", run.train_hints),
        flip=run.recipe.flip,
        extras=open_extras(extras, train, training=train, device=device),
    )
    budget = run.budget.in_steps(len(train), run.batch)
    return Training(colorizer, objective, stream, run.recipe, budget, device=device, precision=precision)


def make_training_pass(run: Run, train: PhotoBank, extras: Sequence[str], device: torch.device) -> TrainingPass:
    """One pass over the training photos, hinted but not augmented: what an objective is prepared with."""
    return TrainingPass(
        train.tensor(device),
        size=run.suite.size,
        batch_size=run.batch,
        device=device,
        seed=derive(run.seed, "preparation"),
        hint_sampler=make("hints", run.train_hints),
        extras=open_extras(extras, train, training=train, device=device),
    )


def scored_photos(
    suite: Suite, banks: Banks, extras: Sequence[str], device: torch.device, *, batch_size: int = 16
) -> Iterator[Evaluation]:
    """The test photos with the suite's hints, the same for every model and seed."""
    return evaluation_batches(
        banks.test,
        size=suite.size,
        batch_size=batch_size,
        device=device,
        hint_seed=suite.hint_seed,
        hint_sampler=make("hints", suite.eval_hints),
        extras=open_extras(extras, banks.test, training=banks.train, device="cpu"),
    )


def use_registry_files(files: list[str]) -> None:
    """In a run's process: read the same table as the bench did."""
    if [str(file) for file in current().files] != files:
        use(Registry.read(Path(file) for file in files))
