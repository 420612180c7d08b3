"""``zoo.bench``: what the command line's verb does, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.strict_yaml import misfit
from zoo.harness.run.bench import BenchOutcome
from zoo.harness.run.bench import bench as carry_out
from zoo.harness.run.reporter import Reporter
from zoo.harness.run.request import BenchRequest


def bench(
    models: str | Sequence[str] = "",
    *,
    suite: str | Path = "quick",
    set: Mapping[str, Any] | None = None,  # as on the command line
    out: str | Path | None = None,
    reporter: Reporter | None = None,
    **more: Any,
) -> BenchOutcome:
    """Train and score models under a suite, each run in a process of its own; what is done already is skipped.

    Args:
        models: names, globs and ``-NAME`` as ``zoo bench --models`` takes them, or a list of such; empty: the suite's.
        suite: a suite's name or file.
        set: options of the models, and fields of the suite and of the recipes: ``{"width": 16, "recipe.lr": 3e-4}``.
        out: the results folder, default ``benches/SUITE``.
        reporter: is told what happens; silent by default.
        more: the other fields of :class:`zoo.harness.run.request.BenchRequest`: ``seeds``, ``data``, ``recipes``, ….

    Returns:
        Its ``folder``, the runs that ``failed``, all ``runs``' folders, and ``leaderboard()`` as a data frame.

    Raises:
        BadInput: an argument that there is not, with the nearest, or that does not fit.
        ZooError: the request cannot be carried out; nothing has been written then.
    """
    for name in more:
        if name not in BenchRequest.__struct_fields__:
            known = [*BenchRequest.__struct_fields__, "set"]
            raise BadInput(f"zoo.bench has no argument {name!r}; {did_you_mean(name, known)}")
    several = {name: more[name] for name in ("recipes", "track") if name in more}
    fields: dict[str, Any] = {
        **more,
        **{name: names.split(",") if isinstance(names, str) else names for name, names in several.items()},
        "models": models if isinstance(models, str) else ",".join(models),
        "suite": str(suite),
        "options": dict(set or {}),
        "out": out,
    }
    try:
        request = msgspec.convert(fields, BenchRequest, dec_hook=lambda _, path: Path(path))
    except msgspec.ValidationError as error:
        raise BadInput(f"zoo.bench: {misfit(error, BenchRequest)}.") from None
    return carry_out(request, reporter)
