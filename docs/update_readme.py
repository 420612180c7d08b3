"""Write the generated parts of our texts anew: the README's table of models and quick leaderboard, the plugins' kinds.

    python docs/update_readme.py [--check]

``--check`` writes nothing and fails when one is not current; a test runs it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from zoo.core.kinds import KINDS
from zoo.core.registry import Registry
from zoo.core.spec import ModelRow

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PLUGINS = ROOT / "docs" / "plugins.md"
LEADERBOARD = ROOT / "results" / "quick" / "leaderboard.csv"


def models_table() -> str:
    """Every built-in colorizer: what it is, where it comes from."""
    registry = Registry.read()
    lines = ["| model | what it is | source | licence of the original |", "|---|---|---|---|"]
    for name in registry.names("models"):
        row = registry.record("models", name).row
        if isinstance(row, ModelRow):
            lines.append(f"| `{name}` | {row.summary} | {_linked(row.source)} | {row.licence} |")
    return "\n".join(lines)


def leaderboard_table() -> str:
    """The committed quick leaderboard, the columns one looks at first."""
    with LEADERBOARD.open(newline="") as file:
        rows = list(csv.DictReader(file))
    where = f"`results/quick`, {rows[0]['device']}, {rows[0]['date']}, protocol `{rows[0]['protocol']}`"
    lines = [
        f"From {where}; rank interval and 95 % intervals as in `results/README.md`.",
        "",
        "| rank | model | PSNR (dB) | SSIM | ST-LPIPS | ΔE00 | M params | photos/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        baseline = " *(baseline)*" if "baseline" in row["notes"].split("; ") else ""
        rank = f"{row['rank']} ({row['rank_lo']}-{row['rank_hi']})" if row["rank"] else row["status"]
        psnr = f"{_round(row['psnr'], 2)} ({_round(row['psnr_lo'], 2)}-{_round(row['psnr_hi'], 2)})"
        cells = [rank, f"`{row['model']}`{baseline}", psnr, _round(row["ssim"], 3), _round(row["st_lpips"], 3)]
        cells += [_round(row["delta_e00"], 2), _round(row["params_m"], 2), _round(row["train_img_s"], 0)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def kinds_table() -> str:
    """Every kind of part but the model, which has a section of its own."""
    lines = ["| group | called as | gives |", "|---|---|---|"]
    lines += [f"| `{k.group}` | {k.called} | {k.gives} |" for k in KINDS.values() if k.plural != "models"]
    return "\n".join(lines)


def updated(text: str, tables: Mapping[str, str]) -> str:
    """The text with its generated parts made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{head}{begin}\n{table}\n{end}{tail}"
    return text


def _linked(source: str) -> str:
    links = {"arXiv:": "https://arxiv.org/abs/", "doi:": "https://doi.org/"}
    parts = []
    for part in source.split("; "):
        prefix = next((p for p in links if part.startswith(p)), None)
        parts.append(f"[{part}]({links[prefix]}{part.removeprefix(prefix)})" if prefix else part)
    return "; ".join(parts)


def _round(value: str, digits: int) -> str:
    return f"{float(value):.{digits}f}" if value else ""


def main() -> None:
    tables = {
        README: {"models": models_table(), "leaderboard": leaderboard_table()},
        PLUGINS: {"kinds": kinds_table()},
    }
    for file, parts in tables.items():
        before = file.read_text(encoding="utf-8")
        after = updated(before, parts)
        if "--check" not in sys.argv[1:]:
            file.write_text(after, encoding="utf-8")
        elif before != after:
            sys.exit(f"{file.name} is not current; run: python docs/update_readme.py")


if __name__ == "__main__":
    main()
