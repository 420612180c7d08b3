"""Write the tables of docs/ and of the READMEs of results/ anew: the models, the plugins' kinds, the
columns of the results, the suites, the leaderboards, what was measured.

    python docs/update_readme.py [--check]

``--check`` writes nothing and fails when one is not current; a test runs it.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from measured_tables import measured_tables

from zoo.core.files import read_csv
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry
from zoo.core.registry_rows import OURS
from zoo.core.resolve import resolve
from zoo.core.spec import ModelRow, part_ref, pretrained, sizes
from zoo.harness.plan.suite import HintSweep, Suite, load_suite, suite_names
from zoo.harness.results.column import Column
from zoo.harness.results.columns import (
    DATE,
    DEVICE,
    HINTS,
    MODEL,
    PROTOCOL,
    RUNS,
    RUNS_FRAME,
    SCHEMA,
    SCORES_FRAME,
    SHOWN,
)
from zoo.harness.results.columns import LEADERBOARD as LEADERBOARD_CSV
from zoo.harness.results.leaderboard import read_table

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "docs" / "models.md"
PLUGINS = ROOT / "docs" / "plugins.md"
SUITES = ROOT / "docs" / "suites.md"
EXPORT = ROOT / "docs" / "export.md"
EXPORTED = ROOT / "benchmarks" / "export" / "rows.csv"
RESULTS = ROOT / "results" / "README.md"


def models_table() -> str:
    """Every built-in colorizer: what it is, where it comes from, how large it is in the suite quick."""
    registry = Registry.read()
    quick = load_suite("quick").options
    lines = ["| model | what it is | size in `quick` | source | licence of the original |", "|---|---|---|---|---|"]
    for name in registry.names("models"):
        row = registry.entry("models", name).row
        if isinstance(row, ModelRow):
            spec = resolve(name, defaults=quick)
            trained = pretrained(spec.effective)
            size = ", ".join(filter(None, [sizes(spec.effective, spec.paper), trained and f"pretrained {trained}"]))
            lines.append(f"| `{name}` | {row.summary} | {size} | {_linked(row.source)} | {row.licence} |")
    return "\n".join(lines)


def leaderboard_table(folder: Path) -> str:
    """A committed leaderboard, the columns of short tables; each cell is the file's own, rounded once."""
    _, rows = read_table(folder)
    device, date, protocol = (rows[0].text(column) for column in (DEVICE, DATE, PROTOCOL))
    columns = [column for column in SHOWN if column.shown > 1 and any(map(column.read, (row.cells for row in rows)))]
    lines = [
        f"On {device}, {date}, protocol `{protocol}`; ranks and intervals as in [../README.md](../README.md).",
        "",
        "| " + " | ".join(column.heading for column in columns) + " |",
        "|---" * len(columns) + "|",
    ]
    for row in rows:
        cells = {**row.cells, MODEL.name: f"`{row.text(MODEL)}`" + (" *(baseline)*" if row.baseline else "")}
        lines.append("| " + " | ".join(column.read(cells) for column in columns) + " |")
    return "\n".join(lines)


def later_rows(folder: Path) -> str:
    """The models of ours that a committed leaderboard does not have yet."""
    _, rows = read_table(folder)
    missing = sorted(models_of_ours() - {row.text(MODEL) for row in rows})
    listed = ", ".join(f"`{name}`" for name in missing) or "none"
    return textwrap.fill(f"Rows that came later: {listed}.", 119, break_on_hyphens=False)


def models_of_ours() -> set[str]:
    registry = Registry.read()
    return {name for name in registry.names("models") if registry.entry("models", name).distribution == OURS}


def suites_table() -> str:
    """Every built-in suite but the one for tests."""
    lines = [
        "| suite | what it is | px | photos scored | hints a photo | swept besides | budget of a run |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in suite_names():
        suite = load_suite(name)
        if name != "smoke":
            photos = f"the first {suite.test_limit}" if suite.test_limit else "all"
            sweeps = "; ".join(f"`{sweep}` {_levels(suite.sweeps[sweep])}" for sweep in suite.sweeps)
            told = (_px(suite), photos, _hints(suite), sweeps or "nothing", _budget(suite))
            cells = (f"`{name}`", suite.summary, *told)
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _px(suite: Suite) -> str:
    if not suite.train_sizes:
        return str(suite.size)
    return f"{suite.size}; trained at {min(suite.train_sizes)} to {max(suite.train_sizes)}"


def _hints(suite: Suite) -> str:
    ref = part_ref(suite.eval_hints, "eval_hints")
    if densities := ref.options.get("densities"):
        return ", ".join(f"{share:.2%} of the pixels: about {share * suite.size**2:.0f}" for share in densities)
    counts = ref.options.get("count", "as many as drawn")
    return (
        f"{' to '.join(map(str, counts)) if isinstance(counts, list) else counts} patches of {ref.options['sizes']} px"
    )


def _levels(sweep: HintSweep) -> str:
    levels = [f"{level:.1%}" for level in sweep.densities] or list(map(str, sweep.counts))
    return f"{levels[0]} to {levels[-1]}"


def _budget(suite: Suite) -> str:
    if not suite.trains:
        return "nothing is trained"
    if suite.budget is None:
        return "each recipe's own"
    (budget,) = (f"{value:g} {unit}" for unit, value in msgspec.structs.asdict(suite.budget).items() if value)
    return budget + (f" of {suite.batch} photos" if suite.batch and suite.budget.steps else "")


def columns_table(columns: Sequence[Column]) -> str:
    """What each column of a CSV means."""
    lines = ["| column | meaning |", "|---|---|"]
    for column in columns:
        lines.append(f"| `{column.name}` | {column.meaning} |")
        if column.interval:
            lines.append(f"| `{column.name}_lo`, `{column.name}_hi` | {column.interval_meaning} |")
    return "\n".join(lines)


def frames_table() -> str:
    """What the data frames have beside the CSVs."""
    more = [column for column in RUNS_FRAME if column not in RUNS]
    named = ", ".join(f"`{column.name}`" for column in SCORES_FRAME)
    return "\n".join(
        [
            f"Version {SCHEMA} of the columns. `zoo.runs` has those of `runs.csv`, and:",
            "",
            columns_table(more),
            "",
            f"`zoo.scores` has {named}, then a column a metric.",
        ]
    )


def of_runs_only() -> list[Column]:
    """The columns of runs.csv that leaderboard.csv has not."""
    known = {name for column in LEADERBOARD_CSV for name in column.names}
    return [column for column in RUNS if column.name not in known]


def kinds_table() -> str:
    """Every kind of part but the model, which has a section of its own."""
    lines = ["| group | called as | gives |", "|---|---|---|"]
    lines += [f"| `{k.group}` | {k.called} | {k.gives} |" for k in KINDS.values() if k.plural != "models"]
    return "\n".join(lines)


def export_table() -> str:
    """How exactly each row's exported file gives what the row gives, or why there is none."""
    _, rows = read_csv(EXPORTED)
    known = {row["model"]: row for row in rows}
    lines = ["| row | largest difference | largest ab | why not |", "|---|---|---|---|"]
    for name in Registry.read().names("models"):
        if row := known.get(name):
            lines.append(f"| `{name}` | {row['difference']} | {row['largest']} | {row['reason']} |")
        else:
            lines.append(f"| `{name}` | | | not tried yet |")
    return "\n".join(lines)


def updated(text: str, tables: Mapping[str, str]) -> str:
    """The text with its generated parts made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{tail}"
    return text


def _linked(source: str) -> str:
    links = {"arXiv:": "https://arxiv.org/abs/", "doi:": "https://doi.org/"}
    parts = []
    for part in source.split("; "):
        prefix = next((p for p in links if part.startswith(p)), None)
        parts.append(f"[{part}]({links[prefix]}{part.removeprefix(prefix)})" if prefix else part)
    return "; ".join(parts)


def main() -> None:
    tables = {
        MODELS: {"models": models_table()},
        PLUGINS: {"kinds": kinds_table()},
        SUITES: {"suites": suites_table()},
        EXPORT: {"export": export_table()},
        RESULTS: {
            "leaderboard columns": columns_table(LEADERBOARD_CSV),
            "run columns": columns_table(of_runs_only()),
            "hint columns": columns_table(HINTS),
            "frames": frames_table(),
        },
    }
    for file in sorted((ROOT / "results").glob("*/leaderboard.csv")):
        readme = file.with_name("README.md")
        tables[readme] = {"leaderboard": leaderboard_table(file.parent)}
        if "<!-- later: begin -->" in readme.read_text(encoding="utf-8"):  # of a suite that every model is for
            tables[readme]["later"] = later_rows(file.parent)
    tables |= measured_tables()
    for file, parts in tables.items():
        before = file.read_text(encoding="utf-8")
        after = updated(before, parts)
        if "--check" not in sys.argv[1:]:
            file.write_text(after, encoding="utf-8")
        elif before != after:
            sys.exit(f"{file.relative_to(ROOT)} is not current; run: python docs/update_readme.py")


if __name__ == "__main__":
    main()
