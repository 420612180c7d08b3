"""Which models are meant by what was written: ``all``, names, globs, and what is left out of them."""

from __future__ import annotations

import fnmatch

from zoo.core.errors import BadInput, UnknownName, did_you_mean
from zoo.core.kinds import KINDS
from zoo.core.registry import current
from zoo.core.spec import UNTRAINED, ModelRow, part_ref


def select_models(models: str) -> tuple[list[str], set[str]]:
    """``all``, or names and globs separated by commas; what stands behind a ``-`` is left out.

    Read from left to right: ``all,-r2*,r2_unet``. A list that begins with ``-`` begins with all. ``models/NAME``
    is ``NAME``.

    Returns:
        The models in the order they were written, and those of them that were named and not matched by a glob.

    Raises:
        UnknownName: a name that is not registered, or a glob that matches nothing.
        BadInput: no model is left.
    """
    chosen: dict[str, None] = {}
    named: set[str] = set()
    items = [item for part in models.split(",") if (item := part.strip())]
    if items and items[0].startswith("-"):
        items.insert(0, "all")
    for item in items:
        meant = _meant(item.removeprefix("-").strip())
        if item.startswith("-"):
            chosen = {name: None for name in chosen if name not in meant}
            named -= set(meant)
        else:
            chosen.update(dict.fromkeys(meant))
            named |= {name for name in meant if name == _bare(item)}
    if not chosen:
        said = "Every model is left out" if items else "No models are named"
        raise BadInput(f"{said}; write --models all, or names separated by commas.")
    return list(chosen), named


def with_baselines(chosen: list[str], models: str) -> list[str]:
    """The models of :func:`select_models`, and behind them our baselines but for those that ``models`` leaves out."""
    items = [item.strip() for item in models.split(",")]
    left_out = {name for item in items if item.startswith("-") for name in _meant(item[1:].strip())}
    entries = [current().entry("models", name) for name in current().names("models")]
    baselines = [each.name for each in entries if isinstance(each.row, ModelRow) and each.row.baseline]
    return list(dict.fromkeys([*chosen, *(name for name in baselines if name not in left_out)]))


def ready_models(chosen: list[str], named: set[str], suite: str) -> list[str]:
    """Those of the chosen models that a suite without training can score: nothing to learn, no photos to copy from.

    A stranger's class says nothing of that; it is one of them where it was named, and refused later.

    Args:
        named: must all be among them.
        suite: its name, for the error.

    Raises:
        BadInput: a named model is to be trained, or no model is left.
    """
    ready = [name for name in chosen if _is_ready(name, name in named)]
    if asked := sorted(named - set(ready)):
        raise BadInput(
            f"The suite {suite!r} trains nothing, and {asked[0]!r} needs training photos; "
            f"score runs of it: zoo eval RUN --suite {suite}."
        )
    if not ready:
        raise BadInput(f"The suite {suite!r} trains nothing, and all of these models need it; name others.")
    return ready


def _is_ready(model: str, named: bool) -> bool:
    row = current().entry("models", model).row
    if not isinstance(row, ModelRow):
        return named
    if row.recipe != UNTRAINED or "reference" in row.extras:
        return False
    network = part_ref(row.network or model, model).name
    return row.network is None or not hasattr(current().load("networks", network), "fit")


def _meant(item: str) -> list[str]:
    """The models of one item, without its sign."""
    kind, slash, _ = item.partition("/")
    if slash and kind != "models" and kind in KINDS:
        raise BadInput(f"{item!r} is not a model: {kind} are parts of models; write names of zoo list.")
    bare = _bare(item)
    known = current().names("models")
    if bare == "all":
        return known
    if any(sign in bare for sign in "*?["):
        matches = [name for name in known if fnmatch.fnmatchcase(name, bare)]
        if not matches:
            raise UnknownName(f"No model matches {bare!r}; {did_you_mean(bare, known)}")
        return matches
    current().entry("models", bare)  # raises for a name that is unknown or means two
    return [bare]


def _bare(item: str) -> str:
    return item.removeprefix("models/")
