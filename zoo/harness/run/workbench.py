"""A run's working parts, made from its plan: photos on the device, colorizer, objective, training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import distributed, nn

from zoo.core.assemble import assemble, make, make_objective
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Objective
from zoo.core.registry import Registry, current, use
from zoo.harness.data.batches import Batches, Evaluation, TrainingPass
from zoo.harness.data.extras import open_extras
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import (
    SPLITS,
    Suite,
    SuitePhotos,
    check_same_photos,
    describe_data,
    open_photos,
    scored_photos,
)
from zoo.harness.results.run_record import Provenance, here_and_now
from zoo.harness.training import device as devices
from zoo.harness.training.device import channels_last, derive, generator
from zoo.harness.training.loop import Training


class Workbench:
    """What one run works with. Whatever is random in it has a generator of its own, from the run's seed.

    ``device`` and ``precision`` are those that the run's come to here; ``notes`` say what is to know of given weights.
    """

    def __init__(self, run: PlannedRun, photos: SuitePhotos, device: torch.device, colorizer: Colorizer):
        self.run = run
        self.photos = photos
        self.device = device
        self.precision = devices.pick_precision(run.suite.precision, device)
        self.colorizer = colorizer
        self.notes: list[str] = []

    @classmethod
    def of(cls, run: PlannedRun, *, photos: SuitePhotos | None = None, colorizer: Colorizer | None = None) -> Workbench:
        """The run's working parts; objective and training are made when they are first asked for.

        Args:
            photos: the suite's, where they are open already.
            colorizer: one that is taken as it is; else one is made from the run's seed, with its given weights if it
                has any.

        Raises:
            Changed: the photos are not those of the plan.
            ZooError: the photos or a part cannot be had.
        """
        device = devices.pick_device(run.device)
        photos = photos or open_photos(run.suite)
        check_same_photos(run.data, describe_data(run.suite, photos), SPLITS if run.suite.trains else ("test",))
        if colorizer is not None:
            return cls(run, photos, device, colorizer)
        torch.manual_seed(derive(run.seed, "init"))
        colorizer = assemble(run.spec)
        torch.manual_seed(derive(run.seed, "noise"))
        bench = cls(run, photos, device, on_device(colorizer, run.suite, device))
        if run.weights:
            from zoo.core.given_weights import load_given  # most runs are given none

            bench.notes += load_given(bench.colorizer, run.weights, run.spec)
        return bench

    @property
    def together(self) -> int:
        """How many devices train this run, where there are several; else 0."""
        several = distributed.is_available() and distributed.is_initialized()
        return distributed.get_world_size() if several else 0

    @property
    def provenance(self) -> Provenance:
        """Of a run that ends here and now."""
        device = devices.describe(self.device)
        if not self.together:
            return here_and_now(device)
        backend = "nccl" if self.device.type == "cuda" else "gloo"
        return here_and_now(f"{self.together} × {device}", world_size=self.together, backend=backend)

    @property
    def objective(self) -> Objective:
        return self._objective_and_extras[0]

    @property
    def extras(self) -> tuple[str, ...]:
        """What colorizer, objective and losses want of a training batch beyond the condition."""
        return self._objective_and_extras[1]

    @cached_property
    def _objective_and_extras(self) -> tuple[Objective, tuple[str, ...]]:
        return make_objective(self.run.recipe, self.colorizer, self.device)

    @cached_property
    def training(self) -> Training:
        """The loop with its stream of batches."""
        run = self.run
        stream = Batches(
            sizes=run.suite.train_sizes,
            order=generator(run.seed, "order"),
            augment=generator(run.seed, "augment"),
            hinting=generator(run.seed, "hints", device=self.device),
            flip=run.recipe.flip,
            augmentations=[make("augmentations", ref) for ref in run.recipe.augmentations],
            **self._training_photos(),
        )
        kind: Any = Training
        if self.together:
            from zoo.harness.training.together import Together  # few runs have several devices

            kind = partial(Together, seed=run.seed)
        training: Training = kind(
            self.colorizer,
            self.objective,
            stream,
            run.recipe,
            run.budget.in_steps(len(self.photos.train), mean(stream.photos)),
            device=self.device,
            precision=self.precision,
        )
        if run.suite.compile and not self.together:
            self.colorizer.network.compile()
        return training

    def preparation(self) -> TrainingPass:
        """One pass over the training photos, hinted but not augmented: what an objective is prepared with."""
        return TrainingPass(seed=derive(self.run.seed, "preparation"), **self._training_photos())

    def _training_photos(self) -> dict[str, Any]:
        """What batches of them have in common, in whatever order they come."""
        run, train = self.run, self.photos.train
        return {
            "pixels": train.tensor(self.device),
            "size": run.suite.size,
            "batch_size": run.batch,
            "device": self.device,
            "hint_sampler": make("hints", run.train_hints),
            "extras": open_extras(self.extras, train, training=train, device=self.device),
        }

    def evaluations(self, *, batch_size: int = 16) -> Iterator[Evaluation]:
        """The photos to score with the suite's hints, the same for every model and seed."""
        return scored_photos(self.run.suite, self.photos, self.colorizer.extras, self.device, batch_size=batch_size)

    def spreading_once(self, colorizer: nn.Module, results: Path) -> contextlib.AbstractContextManager[None]:
        """While this lasts ``colorizer`` scores with hints that another row of the bench has spread, where one has."""
        if "propagator" not in self.run.spec.parts:
            return contextlib.nullcontext()
        from zoo.harness.scoring.spread_once import spread_once

        return spread_once(colorizer, self.run.spec, results)

    def looked_at(self) -> Iterator[Evaluation]:
        """The validation photos with the suite's hints; there must be some."""
        assert self.photos.validation is not None
        photos = self.photos._replace(test=self.photos.validation)
        return scored_photos(self.run.suite, photos, self.colorizer.extras, self.device)


def on_device(colorizer: Colorizer, suite: Suite, device: torch.device) -> Colorizer:
    """On the device, in the suite's memory format."""
    if suite.channels_last:
        return channels_last(colorizer, device)
    return colorizer.to(device)


def use_registry_files(files: list[str]) -> None:
    """In a run's process: read the same table as the bench did."""
    if [str(file) for file in current().files] != files:
        use(Registry.read(Path(file) for file in files))
