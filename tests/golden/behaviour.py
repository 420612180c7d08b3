"""What every registered part of ours does on fixed inputs, as a few numbers: is its ``version`` still true?

    python tests/golden/behaviour.py [--write] [KIND/NAME …]

``behaviour.json`` holds the numbers of every part and model, and what each was made of: the versions of all parts
that were looked up for it, and a model's options. Where the numbers are others and what it is made of is not, a
part has changed and its ``version`` in registry.yaml has not; ``--write`` refuses then. (Where a look itself is
changed, in ``looks.py``, the file is deleted first.)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch

from zoo.core.errors import Unavailable
from zoo.core.kinds import KINDS
from zoo.core.registry import current
from zoo.core.registry_rows import OURS

sys.path.insert(0, str(Path(__file__).parent))
from looks import LOOKS

FILE = Path(__file__).with_name("behaviour.json")
AS_MODELS = "networks"
"""The kind whose parts are looked at as the models that they are."""

TOLERANCE = 1e-3
"""Of a tensor's size: what another machine or another torch may differ by."""

START_TOLERANCE = 0.1
"""Of how large fresh weights, and what they give, are. Torch draws them: other draws of the same distribution are no
other behaviour."""

Entry = dict[str, Any]


def names() -> list[str]:
    """``kind/name`` of every part and model of ours."""
    registry = current()
    return [
        f"{kind}/{name}"
        for kind in KINDS
        if kind in LOOKS or (KINDS[kind].probed and kind != AS_MODELS)
        for name in registry.names(kind)
        if registry.entry(kind, name).distribution == OURS
    ]


def look(full: str) -> Entry:
    """``made_of`` and ``numbers`` of one part; ``numbers`` is None where its weights cannot be had here."""
    kind, _, name = full.partition("/")
    if kind not in LOOKS:
        raise KeyError(
            f"{full} is the first of its kind here; say in looks.py how {kind} are looked at, or in their "
            "row of zoo/core/kinds.py that they are not probed"
        )
    with torch.random.fork_rng(devices=[]), _looked_up() as used:
        torch.manual_seed(0)
        try:
            numbers = LOOKS[kind](name)
        except Unavailable:
            numbers = None
    return {
        "made_of": sorted(used | {str(number) for number in (numbers or {}).pop("options", [])}),
        "numbers": numbers,
    }


@contextlib.contextmanager
def _looked_up() -> Iterator[set[str]]:
    """Every part that is loaded meanwhile, however it is named, with its version."""
    registry, used = current(), set()
    load = registry.load

    def noted(kind: str, name: str) -> Any:
        used.add(f"{kind}/{name}:{registry.entry(kind, name).version}")
        return load(kind, name)

    registry.load = noted  # type: ignore[method-assign]
    try:
        yield used
    finally:
        del registry.load


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Where two looks differ by more than another machine may, in words."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.keys() != new.keys():
            return [f"{where} has {sorted(new)}, had {sorted(old)}"]
        return [line for key in old for line in differences(old[key], new[key], f"{where}.{key}".lstrip("."))]
    if isinstance(old, list) and isinstance(new, list) and (not old or isinstance(old[0], (list, dict))):
        if len(old) != len(new):
            return [f"{where} has {len(new)} tensors, had {len(old)}"]
        pairs = zip(old, new, strict=True)
        return [line for i, (a, b) in enumerate(pairs) for line in differences(a, b, f"{where}[{i}]")]
    if isinstance(old, list) and isinstance(new, list) and not isinstance(old[0], str):
        if old[:1] != new[:1]:
            return [f"{where} is of another shape"]
        off = max((abs(a - b) for a, b in zip(old[1:], new[1:], strict=True)), default=0.0)
        tolerance = START_TOLERANCE if ".fresh" in f".{where}" else TOLERANCE
        return [f"{where} is {new[1:]}, was {old[1:]}"] if not off <= tolerance * max(abs(old[1]), 1e-6) else []
    if where.rpartition(".")[2] == "start":
        return [] if abs(new - old) <= START_TOLERANCE * old else [f"{where} is {new}, was {old}"]
    return [] if old == new else [f"{where} is {new}, was {old}"]


def stored() -> dict[str, Entry]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def unversioned(old: Entry, new: Entry) -> bool:
    """Whether the look changed, and nothing that a run's key holds."""
    return bool(differences(old["numbers"], new["numbers"])) and old["made_of"] == new["made_of"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write behaviour.json anew")
    parser.add_argument("looked_at", nargs="*", metavar="KIND/NAME", help="look at these only; the others stay")
    arguments = parser.parse_args()
    old, known = stored(), names()
    new = {full: old[full] for full in known if full in old} if arguments.looked_at else {}
    for full in arguments.looked_at or known:
        new[full] = look(full)
        if new[full]["numbers"] is None and full in old:
            new[full]["numbers"] = old[full]["numbers"]  # not to be had here: what was seen elsewhere stays
    wrong = [full for full in new if full in old and unversioned(old[full], new[full])]
    for full in wrong:
        print(f"{full} behaves differently; raise its version, or that of a part it is made of, in registry.yaml:")
        print("\n".join(f"    {line}" for line in differences(old[full]["numbers"], new[full]["numbers"])[:3]))
    if arguments.write and not wrong:
        text = json.dumps(msgspec.to_builtins(new), indent=1, sort_keys=True)
        FILE.write_text(_narrow(text) + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _narrow(text: str) -> str:
    """Innermost lists on one line: a tensor is a line."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda match: "[" + " ".join(match[1].split()) + "]", text)


if __name__ == "__main__":
    sys.exit(main())
