"""Suites: the protocols, one YAML file each, and their photos. A suite decides what is equal for all models.

A suite's ``base`` names another one, by name or by a path from its own folder, and what the suite says takes the
place of what its base says. Of :data:`BY_NAME` it takes the place name by name; ``null`` takes back what the base
says. A suite is always its resolved self: that is what is shown, recorded and hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import torch

from zoo.core.assemble import make
from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput, Changed, UnknownName, did_you_mean
from zoo.core.registry_rows import check_name, suites_folder
from zoo.core.strict_yaml import decode, read_mapping
from zoo.harness.data.bank import SMALLEST_SIDE, PhotoBank
from zoo.harness.data.batches import Evaluation, evaluation_batches
from zoo.harness.data.build import build_bank
from zoo.harness.data.extras import open_extras
from zoo.harness.data.old_print import OldPrint
from zoo.harness.data.source import canonical, open_splits, open_tests
from zoo.harness.results.run_record import Data, Photos, RunRecord
from zoo.harness.training.budget import Budget

METRICS = ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap", "bleeding", "checkerboard")

BY_NAME = ("options", "model_options", "sweeps")
"""The fields of a suite that hold things of any name, of which a suite may change one and keep its base's others."""
_ITS_OWN = ("name", "summary", "base")
"""What a suite never has from its base."""

_SWEEP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""It becomes a file's name."""


LONGEST_SECONDS = 1e9
"""A wait of thirty years is as good as one without end, which no clock of the system takes."""
Side = Annotated[int, msgspec.Meta(ge=16, le=8192)]
"""Of a square photo, in pixels. At the upper end one photo takes 200 MB."""
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class HintSweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same photos with more and more hints.

    Args:
        sampler: in the file ``hints``, a part's name and options. For ``counts`` it is asked for one hint at a time
            (its option ``count`` is set to 1).
        counts: how many hints a photo; fewer are the first of more, and where two overlap the later one counts.
        densities: or the values that the sampler's option ``densities`` takes, one after the other.
    """

    sampler: str | dict[str, Any] = msgspec.field(name="hints")
    counts: tuple[Annotated[int, msgspec.Meta(ge=0, le=1_000_000)], ...] = ()
    densities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.counts) == bool(self.densities):
            raise ValueError("a hint sweep needs either counts or densities")

    @property
    def levels(self) -> tuple[float, ...]:
        return self.counts or self.densities


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A protocol.

    Args:
        base: the suite whose fields it has but for those it sets itself; they are here already.
        models: the rows it is about, as ``--models`` takes them.
        size: side of the photos trained and scored on, in pixels.
        load_size: side of the training photos in the bank, of which ``size`` is cropped (default: no margin).
        train_sizes: sides up to that one, of which each training batch is shown at one, by chance, in the place of
            ``size``; ``batch`` is how many photos of ``size`` it has the pixels of.
        fit: how a photo becomes a square: ``crop`` its middle, or ``stretch`` it.
        data, test_data: sources; the test photos come from the test split of ``test_data`` or ``data``.
        smallest: leave out photos whose shorter side is less, which would be enlarged (default: the tiniest only).
        trains: whether models are trained. Where not, only test photos are opened, all that a folder without ``test/``
            holds, and rows are of models with nothing to learn, of given weights, and of runs of other suites.
        split: which photos are scored: ``test``, or to choose recipes and sizes by, ``validation``, that of ``data``.
        test_limit: score, and look at, the first so many photos only.
        seeds: runs a model.
        batch, budget, recipe, train_hints: given here they hold for every model; None leaves them to the recipe.
        options: model options, for every model of ours that names them, and our objectives. Others keep their own.
        model_options: by a model's name, ours or not: options of that one.
        old_print: how the greys are made that colorizers are given when scoring (default: the photo's own lightness);
            they are trained on photos as they are.
        eval_hints: the hints given when scoring; they are the same for every model and seed.
        sweeps: hint sweeps that a trained colorizer is scored on besides, each under the name its rows carry.
        sweep_limit: do so on the first so many test photos only.
        psnr_target: the PSNR in dB whose ``time_to`` is taken from the curve; it decides nothing else.
        curve: how often during training the PSNR of the validation photos is taken, outside the clock.
        compile: train through ``torch.compile``; the compiling is not on the clock, and scores are taken without.
        threads: CPU threads a run; None is all cores. It stays the same whatever ``--jobs`` is,
            because the order of a sum decides its last digits.
        timeout: seconds after which a run is given up.
        checkpoint_every: seconds between two checkpoints.
        executor: where runs are carried out, by name or with options; ``--executor`` names another.
        track: trackers that a run's log goes to besides its own ``log.jsonl``; they decide no number.
        pictures: keep pictures and hints of the photos beside the numbers; not of photos that may not be passed on.
    """

    name: str = ""
    summary: str = ""
    base: str = ""
    models: str = "all"
    size: Side
    load_size: Side | None = None
    train_sizes: tuple[Side, ...] | None = None
    fit: Literal["crop", "stretch"] = "crop"
    data: str = "photos"
    test_data: str | None = None
    smallest: Side | None = None
    trains: bool = True
    split: Literal["test", "validation"] = "test"
    test_limit: Count | None = None
    seeds: Count = 1
    batch: Count | None = None
    budget: Budget | None = None
    recipe: str | None = None
    train_hints: str | dict[str, Any] | None = None
    old_print: OldPrint | None = None
    eval_hints: str | dict[str, Any] = "none"
    hint_seed: int = 0
    options: dict[str, Any] = {}
    model_options: dict[str, dict[str, Any]] = {}
    metrics: tuple[str, ...] = METRICS
    sweeps: dict[str, HintSweep] = {}
    sweep_limit: Count | None = None
    psnr_target: Annotated[float, msgspec.Meta(ge=-1000, le=1000)] | None = None
    curve: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 5
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    deterministic: bool = False
    threads: Count | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_SECONDS)] = 3600.0
    checkpoint_every: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)] = 30.0
    executor: str | dict[str, Any] = "local"
    track: tuple[str, ...] = ()
    pictures: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        if self.load_size is not None and self.load_size < self.size:
            raise ValueError("a suite needs load_size ≥ size")
        if self.train_sizes is not None and not 0 < max(self.train_sizes, default=0) <= self.bank_size:
            raise ValueError("a suite needs train_sizes ≤ load_size, one at least")
        for name in self.sweeps:
            if not _SWEEP_NAME.fullmatch(name):
                raise ValueError(f"a sweep's name is letters, digits, - and _, not {name[:80]!r}")

    @property
    def bank_size(self) -> int:
        """Side of the training photos in the bank."""
        return self.load_size or self.size


def suite_names() -> list[str]:
    """The built-in suites."""
    return sorted(path.stem for path in suites_folder().glob("*.yaml"))


def load_suite(name: str) -> Suite:
    """A built-in suite by name, or one from a file, on top of its base.

    Args:
        name: such as ``quick``, or the path of a YAML file.

    Raises:
        UnknownName: no such suite, or no such base, with the nearest.
        BadInput: a file that is not a suite, or whose bases lead back to it.
    """
    path, shown = _find(name)
    suite = decode(_resolved(path, shown), Suite, shown)
    # The name becomes the results folder's.
    return msgspec.structs.replace(suite, name=check_name(suite.name or path.stem, f"{shown}, name"))


def _find(name: str, folder: Path = Path()) -> tuple[Path, str]:
    """The file of a suite that is named in ``folder``, and what errors call it."""
    if name in suite_names():
        return suites_folder() / f"{name}.yaml", f"suite {name!r}"
    if name.endswith((".yaml", ".yml")):
        path = folder / name
        return path, f"suite {path.stem!r}" if path.parent == suites_folder() else str(path)
    raise UnknownName(f"Unknown suite {name!r}; {did_you_mean(name, suite_names())}")


def _resolved(path: Path, shown: str, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What a suite's file says, and what its base says that it does not."""
    own, above = read_mapping(path), (*above, path.resolve())
    base = own.get("base")
    if not base or not isinstance(base, str):
        return own  # what is no text is refused with the other types
    try:
        below, called = _find(base, path.parent)
    except UnknownName as error:
        raise UnknownName(f"{shown}, base: {error}") from None
    if below.resolve() in above:
        raise BadInput(f"{shown}: its base {base!r} leads back to it; name another base, or none.")
    theirs = _resolved(below, called, above)
    decode(theirs, Suite, called)  # so that an error is told of the file that it is in
    merged = {key: value for key, value in theirs.items() if key not in _ITS_OWN}
    for key, value in own.items():
        if key in BY_NAME and isinstance(value, dict):
            both = {**merged.get(key, {}), **value}
            value = {name: each for name, each in both.items() if each is not None or name not in value}
        merged[key] = value
    return {key: value for key, value in merged.items() if value is not None}


def own_suite(record: RunRecord, run_folder: Path) -> Suite:
    """The suite a run was made under, as its record holds it.

    Raises:
        BadInput: the record has none, or one that this zoo does not know.
    """
    if not record.plan.suite:
        raise BadInput(f"{run_folder / 'run.json'} holds no plan to score by; name a suite with --suite.")
    return decode(record.plan.suite, Suite, f"{run_folder / 'run.json'}, plan.suite")


def with_canonical_sources(suite: Suite) -> Suite:
    """The suite with sources that mean the same from every working directory, since its record is read from others."""
    test_data = None if suite.test_data is None else canonical(suite.test_data)
    return msgspec.structs.replace(suite, data=canonical(suite.data), test_data=test_data)


SPLITS = ("train", "validation", "test")


class SuitePhotos(NamedTuple):
    """To train on, to look at on the way, and to score on, which is the split that the suite names.

    ``monochrome`` are those of that split which have no colour to score. ``validation`` is None where no photo could be
    kept for it: then nothing is looked at on the way. ``notes`` say of each source what was not taken.
    """

    train: PhotoBank
    validation: PhotoBank | None
    test: PhotoBank
    monochrome: tuple[str, ...]
    notes: dict[str, tuple[str, ...]]


def open_photos(suite: Suite) -> SuitePhotos:
    """The suite's photos, decoded once and cached; those to score or look at without the monochrome ones.

    Raises:
        BadInput: a source that is not there or holds nothing usable; or there is no validation photo, and they are to
            be scored.
    """
    if suite.trains or suite.split == "validation":
        splits: Mapping[str, Dataset] = open_splits(suite.data, suite.test_data)._asdict()
    else:
        splits = {"test": open_tests(suite.test_data or suite.data)}
    notes = {split: tuple(getattr(splits.get(split), "notes", ())) for split in SPLITS}
    train = PhotoBank.empty(suite.bank_size)
    if suite.trains:
        train = build_bank(splits["train"], side=suite.bank_size, **_how(suite))
    validation: PhotoBank | None = None
    monochrome: tuple[str, ...] = ()
    if "validation" in splits:
        try:
            if not len(splits["validation"]):
                raise BadInput(f"{suite.data} has too few photos to keep some for validation; add some.")
            validation, monochrome = _colourful(splits["validation"], suite)
        except BadInput as error:
            if suite.split == "validation":
                raise
            notes["train"] += (f"no photo is looked at on the way: {error}",)
    if validation is None or suite.split == "test":
        test, monochrome = _colourful(splits["test"], suite)
    else:
        test, notes["test"] = validation, notes["validation"]
    return SuitePhotos(train, validation, test, monochrome, notes)


def _how(suite: Suite) -> dict[str, Any]:
    return {"fit": suite.fit, "smallest": suite.smallest or SMALLEST_SIDE}


def _colourful(dataset: Dataset, suite: Suite) -> tuple[PhotoBank, tuple[str, ...]]:
    """The photos to score or look at, as many as the suite wants, and the monochrome ones, which are not among them."""
    found = build_bank(dataset, side=suite.size, **_how(suite))
    bank = found.colourful_only()
    if suite.test_limit is not None and suite.test_limit < len(bank):
        bank = bank.take(range(suite.test_limit))
    return bank, found.monochrome_names


def describe_data(suite: Suite, photos: SuitePhotos) -> Data:
    """The data as a run records it: what each side was used for, sources, counts, what was left out, fingerprints."""

    def told(side: str, source: str, bank: PhotoBank, split: str, **more: Any) -> Photos:
        notes = [*photos.notes[side], *bank.remarks]
        skipped = list(bank.skipped)
        return Photos(source, len(bank), bank.fingerprint[:16], skipped, notes or msgspec.UNSET, split=split, **more)

    tested = suite.data if suite.split == "validation" else suite.test_data or suite.data
    looked_at = photos.validation
    return Data(
        told("train", suite.data if suite.trains else "none", photos.train, "train"),
        told("test", tested, photos.test, suite.split, monochrome=list(photos.monochrome)),
        told("validation", suite.data, looked_at, "validation") if looked_at else msgspec.UNSET,
    )


def check_same_photos(recorded: Data, found: Data, splits: Iterable[str] = SPLITS) -> None:
    """Refuse to go on with other photos than a plan or a record says, also where they have the same names.

    Args:
        recorded, found: data as :func:`describe_data` tells it; an old record without fingerprints holds nothing.

    Raises:
        Changed: a split's fingerprint is another one.
    """
    for split in splits:
        before: Photos | msgspec.UnsetType = getattr(recorded, split)
        now: Photos | msgspec.UnsetType = getattr(found, split)
        if before and before.fingerprint and (not now or before.fingerprint != now.fingerprint):
            raise Changed(
                f"The {split} photos of {before.source} are not those of the run's plan or record; "
                "put those back, or run a new bench."
            )


def scored_photos(
    suite: Suite, photos: SuitePhotos, extras: Sequence[str], device: torch.device, *, batch_size: int = 16
) -> Iterator[Evaluation]:
    """The photos to score with the suite's hints, the same for every model and seed."""
    return evaluation_batches(
        photos.test,
        size=suite.size,
        batch_size=batch_size,
        device=device,
        hint_seed=suite.hint_seed,
        hint_sampler=make("hints", suite.eval_hints),
        extras=open_extras(extras, photos.test, training=photos.train, device="cpu"),
        old_print=suite.old_print,
    )
