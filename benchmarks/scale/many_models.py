"""How long a table of many models takes to read, to list and to plan.

    python -m benchmarks.scale.many_models [COUNT]

Writes COUNT (default 2,000) rows of YAML, variants of the U-Net, and times what a bench does with them before it starts
a run: reading the table, choosing rows by a pattern, and making each one's plan with its key.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from zoo.core.registry import Registry, current, use
from zoo.core.strict_yaml import read_mapping
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.selection import select_models
from zoo.harness.plan.suite import describe_data, load_suite, open_photos


def timed(what: str, action: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = action()
    print(f"{what:<44} {time.perf_counter() - began:7.2f} s", flush=True)
    return found


def main(count: int) -> None:
    unet = read_mapping(Path(__file__).parents[2] / "registry.yaml")["models"]["unet"]
    rows = {f"unet_{number:05}": {**unet, "options": {"width": 8 + number % 64, "depth": 5}} for number in range(count)}
    suite = load_suite("quick")
    photos = open_photos(suite)
    data = describe_data(suite, photos)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "many.yaml"
        file.write_text(yaml.safe_dump({"models": json.loads(json.dumps(rows))}), encoding="utf-8")
        timed(f"reading {count} rows", lambda: use(Registry.read([file])))
        timed("listing them", lambda: current().names("models"))
        models, _ = timed("choosing unet_*", lambda: select_models("unet_*"))
        specs = timed("resolving them", lambda: {name: resolve_model(name, suite) for name in models})
        rules = Rules(suite, data, "cpu")
        timed("planning them", lambda: [plan_runs(name, spec, rules) for name, spec in specs.items()])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
