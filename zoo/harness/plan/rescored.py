"""Finished runs of another suite, planned as rows of a suite that trains nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from zoo.core.errors import BadInput
from zoo.core.identity import sources_in
from zoo.core.spec import RecipeRow, fingerprint
from zoo.core.trained import read_spec, weights_of
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.results.store import RunFolder


def plan_rescored(folder: Path, rules: Rules) -> PlannedRun:
    """The row of a finished run of another suite: ``unet (quick)``, with the seed that it was trained with.

    Its key is of the training that the run had and of the suite's scoring; its record says on which photos it was
    trained, while the protocol is the suite's own, so that it stands among the other rows.

    Raises:
        BadInput: no finished run with its weights is there, it needs training photos, or its recipe is one that this
            zoo does not know.
    """
    record = RunFolder(folder).scored_record()
    if record.plan.budget is None or record.plan.batch is None or record.plan.train_hints is None:
        raise BadInput(f"{folder / 'run.json'} does not say how the run was trained; bench it again.")
    weights_of(folder)
    spec = read_spec(folder)
    if "reference" in spec.extras:
        name = rules.suite.name
        raise BadInput(f"{folder} copies from training photos, and the suite {name!r} has none; leave it out.")
    try:
        recipe = msgspec.convert(record.plan.recipe, RecipeRow)
    except msgspec.ValidationError as error:
        raise BadInput(f"{folder / 'run.json'} holds a recipe of another zoo ({error}); bench it again.") from None
    training = record.training_key or record.key
    keys: dict[str, Any] = {"training_key": training, "scoring_key": fingerprint(rules.scoring)}
    return PlannedRun(
        model=record.model,
        label=f"{record.label} ({record.suite})",
        seed=record.seed,
        key=fingerprint(keys),
        **keys,
        suite=rules.suite,
        protocol=rules.protocol,
        data=msgspec.structs.replace(rules.data, train=record.data.train),
        device=rules.device,
        spec=spec,
        recipe_name=record.recipe,
        recipe=recipe,
        batch=record.plan.batch,
        budget=record.plan.budget,
        train_hints=record.plan.train_hints,
        lpips_trunk=rules.lpips_trunk,
        trained_in=str(folder.resolve()),
        sources=sources_in([rules.scoring]),
    )
