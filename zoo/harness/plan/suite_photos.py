"""The photos of a suite: to train on and to score on, as banks, as a record tells of them, and as hinted batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import torch

from zoo.core.assemble import make
from zoo.core.contracts import Dataset
from zoo.core.errors import Changed
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import Evaluation, evaluation_batches
from zoo.harness.data.build import build_bank
from zoo.harness.data.extras import open_extras
from zoo.harness.data.fit import SMALLEST_SIDE
from zoo.harness.data.source import open_pair, open_tests
from zoo.harness.plan.suite import Suite
from zoo.harness.results.run_record import Data, Photos

SPLITS = ("train", "test")


class SuitePhotos(NamedTuple):
    """To train on, to score on, and which test photos have no colour to score.

    ``notes`` say of each source what was not taken.
    """

    train: PhotoBank
    test: PhotoBank
    monochrome: tuple[str, ...]
    notes: dict[str, tuple[str, ...]]


def open_photos(suite: Suite) -> SuitePhotos:
    """The suite's photos, decoded once and cached; monochrome test photos are left out.

    Raises:
        BadInput: a source that is not there or holds nothing usable.
    """
    how: dict[str, Any] = {"fit": suite.fit, "smallest": suite.smallest or SMALLEST_SIDE}
    training: Dataset | None = None
    if suite.trains:
        training, testing = open_pair(suite.data, suite.test_data)
    else:
        testing = open_tests(suite.test_data or suite.data)
    train = build_bank(training, side=suite.bank_size, **how) if training else PhotoBank.empty(suite.bank_size)
    found = build_bank(testing, side=suite.size, **how)
    test = found.colourful_only()
    if suite.test_limit is not None and suite.test_limit < len(test):
        test = test.take(range(suite.test_limit))
    notes = {"train": getattr(training, "notes", ()), "test": getattr(testing, "notes", ())}
    return SuitePhotos(train, test, found.monochrome_names, notes)


def describe_data(suite: Suite, photos: SuitePhotos) -> Data:
    """The data as a run records it: sources, counts, what was left out, fingerprints."""

    def told(split: str, source: str, bank: PhotoBank, **more: Any) -> Photos:
        notes = [*photos.notes[split], *bank.remarks]
        skipped = list(bank.skipped)
        return Photos(source, len(bank), bank.fingerprint[:16], skipped, notes or msgspec.UNSET, **more)

    return Data(
        told("train", suite.data if suite.trains else "none", photos.train),
        told("test", suite.test_data or suite.data, photos.test, monochrome=list(photos.monochrome)),
    )


def check_same_photos(recorded: Data, found: Data, splits: Iterable[str] = SPLITS) -> None:
    """Refuse to go on with other photos than a plan or a record says, also where they have the same names.

    Args:
        recorded, found: data as :func:`describe_data` tells it; an old record without fingerprints holds nothing.

    Raises:
        Changed: a split's fingerprint is another one.
    """
    for split in splits:
        before: Photos = getattr(recorded, split)
        now: Photos = getattr(found, split)
        if before.fingerprint and before.fingerprint != now.fingerprint:
            raise Changed(
                f"The {split} photos of {now.source} are not those of the run's plan or record; "
                "put those back, or run a new bench."
            )


def scored_photos(
    suite: Suite, photos: SuitePhotos, extras: Sequence[str], device: torch.device, *, batch_size: int = 16
) -> Iterator[Evaluation]:
    """The test photos with the suite's hints, the same for every model and seed."""
    return evaluation_batches(
        photos.test,
        size=suite.size,
        batch_size=batch_size,
        device=device,
        hint_seed=suite.hint_seed,
        hint_sampler=make("hints", suite.eval_hints),
        extras=open_extras(extras, photos.test, training=photos.train, device="cpu"),
    )
