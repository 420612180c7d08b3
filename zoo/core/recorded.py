"""What may be built from a record (run.json) that came from elsewhere: nothing that opens a file or runs code.

A stranger's run folder may do nothing but be read. Its record names registered parts; of these only declared options
are taken, and their values are numbers, words, and lists and mappings of these. Words that name a file or an address
are refused, since a part might open it. Weights come from the folder's own safetensors alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.kinds import KIND_OF_ROLE, option_names
from zoo.core.registry import current
from zoo.core.spec import ModelSpec, PartRef, part_ref

PICKLES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".th", ".tar"})
"""Suffixes of files that may run code when they are loaded."""

_FILES = PICKLES | {".safetensors", ".npy", ".npz", ".h5", ".onnx", ".json", ".yaml", ".yml", ".py", ".so", ".zip"}
_OF_PATHS = set("/\\:~")
_LONGEST = 200


def spec_of_record(plain: Mapping[str, Any] | None) -> ModelSpec:
    """The spec that a record holds, also one that an older zoo wrote.

    There the gain stood beside the parts, and whole networks and propagators were known by their models' names; a
    network upon a propagator was not yet.

    Raises:
        msgspec.ValidationError, KeyError, TypeError, AttributeError: it describes no model.
    """
    spec = dict(plain or {})
    if "hint_gain" in spec:
        spec["colorizer"] = {"hint_gain": spec.pop("hint_gain"), **spec.get("colorizer", {})}
    network, registry = spec["parts"].get("network"), current()
    alone = network is not None and len(spec["parts"]) == 1 and network["name"] == spec["name"]
    if alone and spec["name"] in registry.names("models"):
        row = registry.model_row(spec["name"])
        role = "network" if row.network is not None else "propagator"
        ref = part_ref(getattr(row, role) or spec["name"], f"model {spec['name']!r}, {role}")
        spec["parts"] = {role: {"name": ref.name, "options": {**ref.options, **network.get("options", {})}}}
    return msgspec.convert(spec, ModelSpec)


def recorded_spec(spec: ModelSpec, where: str) -> ModelSpec:
    """The spec, found harmless, and without ``pretrained``: the run's own weights come next.

    Args:
        where: the record, for messages.

    Raises:
        BadInput: an unknown role, an option that its part does not declare, or a value that a record may not give.
        ZooError: a part that is not registered or cannot be imported.
    """
    for role, ref in spec.parts.items():
        if role not in KIND_OF_ROLE:
            raise BadInput(f"{where}: there is no part {role!r} in a colorizer; {did_you_mean(role, KIND_OF_ROLE)}")
        name = ref.name
        declared = option_names(current().load(KIND_OF_ROLE[role], name))
        for option, value in ref.options.items():
            if option not in declared:
                raise BadInput(f"{where}: {name!r} has no option {option!r}; {did_you_mean(option, declared)}")
            check_plain(value, f"{where}: option {option!r} of {name!r}")
    return untrained(spec)


def untrained(spec: ModelSpec) -> ModelSpec:
    """The same parts, nowhere ``pretrained``: weights come next that replace those."""
    parts = {role: PartRef(ref.name, _untrained(ref.options)) for role, ref in spec.parts.items()}
    return msgspec.structs.replace(spec, parts=parts)


def check_plain(value: Any, where: str) -> None:
    """Numbers, words that are no paths, and lists and mappings of these.

    Raises:
        BadInput: anything else.
    """
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return
    if isinstance(value, str):
        if not _is_path(value):
            return
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_plain(item, where)
        return
    elif isinstance(value, Mapping):
        for key, item in value.items():
            check_plain(key, where)
            check_plain(item, where)
        return
    raise BadInput(
        f"{where} is {ascii(value)[:_LONGEST]}, which a record may not give: numbers and plain words only, no files; "
        "train the model anew with the options that you trust."
    )


def _is_path(word: str) -> bool:
    """Whether a word may name a file or an address."""
    suffix = word[word.rfind(".") :].lower() if "." in word else ""
    return (
        bool(_OF_PATHS & {*word})
        or word.startswith(".")
        or suffix in _FILES
        or not word.isprintable()
        or len(word) > _LONGEST
    )


def _untrained(options: Any) -> Any:
    """The same options, nowhere ``pretrained``."""
    if isinstance(options, Mapping):
        return {key: False if key == "pretrained" and value else _untrained(value) for key, value in options.items()}
    if isinstance(options, (list, tuple)):
        return [_untrained(item) for item in options]
    return options
