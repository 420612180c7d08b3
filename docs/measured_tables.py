"""The tables of the READMEs of results/speed, results/latency and results/scale, of the CSVs that lie there; and of
results/propagation, of what the published benches say of propagators alone.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.core.files import read_csv
from zoo.harness.results.ranks import Family

RESULTS = Path(__file__).resolve().parent.parent / "results"
NOT_YET = "Not measured yet."
IIZUKA = {224: "0.399", 512: "1.676", 1024: "5.629", 2048: "20.116"}
"""Iizuka et al. 2016, table 3: seconds on a CPU of eight cores (i7-5960X)."""
IIZUKA_GPU = {224: "0.080", 512: "0.339", 1024: "1.084", 2048: "4.218"}
"""The same on a GeForce GTX TITAN X."""


def measured_tables() -> dict[Path, dict[str, str]]:
    """README → its tables by name."""
    return {
        RESULTS / "speed" / "README.md": {
            "rivals": _each_device("speed", _rivals),
            "split": _split(_read(RESULTS / "speed" / "split.csv")),
            "tried": _tried(_read(RESULTS / "speed" / "tried.csv")),
        },
        RESULTS / "latency" / "README.md": {"latency": _each_device("latency", _latency)},
        RESULTS / "propagation" / "README.md": {
            "test_photos": _test_photos(_below_comments(RESULTS / "propagation" / "sweeps_64px.csv")),
            "quick": _propagators("quick"),
            "gachon256": _propagators("gachon256"),
            "study": _study(_below_comments(RESULTS / "propagation" / "study.csv")),
        },
        RESULTS / "scale" / "README.md": {"scale": _scale(_read(RESULTS / "scale" / "bench.csv"))},
    }


def _read(path: Path) -> list[dict[str, str]]:
    return read_csv(path)[1] if path.exists() else []


def _each_device(folder: str, table: object) -> str:
    files = [file for file in sorted((RESULTS / folder).glob("*.csv")) if file.stem not in ("split", "tried")]
    files = [file for file in files if not file.stem.endswith("-target")]
    parts = [f"`{file.stem}`:\n\n{table(_read(file))}" for file in files]  # type: ignore[operator]
    return "\n\n".join(parts) or NOT_YET


def _rivals(rows: Sequence[Mapping[str, str]]) -> str:
    """A line a contestant and case."""
    measures = ("photos_s", "peak_mem_mb", "cold_start_s", "target_s", "target_wall_s", "target_steps", "bench_s")
    heads = ("photos/s", "of bare", "of `plain`", "memory, MiB", "cold start, s", "to the target, s", "with all, s")
    lines: dict[tuple[str, str, str], dict[str, Mapping[str, str]]] = {}
    for row in rows:
        lines.setdefault((row["network"], row["px"], row["rival"]), {})[row["measure"]] = row
    found = []
    for (network, px, rival), line in lines.items():
        cell = {measure: line[measure]["median"] if measure in line else "" for measure in measures}
        speed = line.get("photos_s", {})
        if speed:
            cell["photos_s"] += f" ({speed['lower']} to {speed['upper']})"
        ratios = [speed.get("of_bare", ""), speed.get("of_plain", "") or line.get("bench_s", {}).get("of_plain", "")]
        found.append(
            [f"`{rival}`", network, px, cell["photos_s"], *ratios]
            + [cell[measure] for measure in measures[1:] if measure != "target_steps"]
        )
    return _markdown(["", "network", "px", *heads, "the bench, s"], found)


def _split(rows: Sequence[Mapping[str, str]]) -> str:
    parts = ("data", "hints", "forward", "backward", "optimiser", "rest")
    found = [
        [row["device"], f"`{row['model']}`", row["px"], row["step"]]
        + [f"{float(row[part]) / float(row['step']):.1%}" for part in parts]
        for row in rows
    ]
    return _markdown(["device", "model", "px", "a step, ms", *parts], found)


def _tried(rows: Sequence[Mapping[str, str]]) -> str:
    found = []
    for row in rows:
        ratio = f"{row['ratio']} ({row['lower']} to {row['upper']})"
        found.append([row["what"], row["case"], row["before"], row["after"], ratio, row["verdict"]])
    return _markdown(["tried", "of what", "before, ms", "after, ms", "ratio, quartiles", "besides"], found)


def _latency(rows: Sequence[Mapping[str, str]]) -> str:
    sizes = sorted({int(row["px"]) for row in rows})
    cells = {(row["model"], int(row["px"])): row for row in rows}
    found = [["*Iizuka et al. 2016, CPU, 8 cores*", *(IIZUKA.get(px, "") for px in sizes)]]
    found.append(["*Iizuka et al. 2016, GTX TITAN X*", *(IIZUKA_GPU.get(px, "") for px in sizes)])
    for model in dict.fromkeys(row["model"] for row in rows):
        line = [f"`{model}`"]
        for px in sizes:
            row = cells.get((model, px), {})
            measured = row.get("seconds") and f"{row['seconds']} s, {float(row['peak_mem_mb']):.0f} MiB"
            line.append(measured or row.get("note", ""))
        found.append(line)
    return _markdown(["", *(f"{px} px" for px in sizes)], found)


def _scale(rows: Sequence[Mapping[str, str]]) -> str:
    found = []
    for factor in dict.fromkeys(row["factor"] for row in rows):
        own = [row for row in rows if row["factor"] == factor]
        points = ", ".join(f"{row['count']}: {row['seconds']}" for row in own)
        line = own[0]
        found.append([factor, points, line["constant"], line["slope"], line["within"]])
    return _markdown(["factor", "seconds of a bench at", "constant, s", "slope, s", "largest distance, s"], found)


PROPAGATORS = ("hints_alone", "nearest", "push_pull", "yatziv2006", "levin2004", "huang2005", "pyramid", "spun_pyramid")
OURS, AGAINST = ("pyramid", "spun_pyramid"), "huang2005"


def _propagators(bench: str) -> str:
    """A line a level of the bench's sweeps, of what spreads without training; the last, the seconds a photo."""
    folder = RESULTS / bench
    scores: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for model in ("gray", *PROPAGATORS):
        (file,) = folder.glob(f"runs/{model}/seed0-*/hints.csv")
        for row in read_csv(file)[1]:
            scores[row["sweep"], row["level"]][model].append(float(row["psnr"]))
    found = []
    for (sweep, level), table in scores.items():
        if float(level) == 0:  # where nothing is hinted nothing spreads
            continue
        family = Family({model: np.array([psnr]) for model, psnr in table.items()}, fixed=list(table))
        less = [family.compare(model, AGAINST) for model in OURS]
        scored = [f"{np.mean(psnr):.2f}" for psnr in table.values()]
        gains = [f"{each.difference:+.2f} ({each.low:+.2f} to {each.high:+.2f})" for each in less]
        found.append([f"{sweep} {level}", *scored, *gains])
    took = {row["model"]: row["infer_ms"] for row in _read(folder / "leaderboard.csv")}
    seconds = [f"{float(took[model]) / 1000:.3f}" if took.get(model) else "" for model in PROPAGATORS]
    return _markdown(_of_levels(), [*found, ["seconds a photo", "", *seconds, *("" for _ in OURS)]])


def _test_photos(rows: Sequence[Mapping[str, str]]) -> str:
    """A line a level, as above, of ``benchmarks/propagation/sweeps.py``; its seconds are told elsewhere."""
    levels: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for row in rows:
        levels[f"{row['sweep']} {row['level']}"][row["model"]] = row
    found = []
    for level, table in levels.items():
        scored = [f"{float(table[model]['psnr']):.2f}" for model in ("gray", *PROPAGATORS)]
        less = [
            f"{float(row['less_huang2005']):+.2f} ({float(row['low']):+.2f} to {float(row['high']):+.2f})"
            for row in (table[model] for model in OURS)
        ]
        found.append([level, *scored, *less])
    return _markdown(_of_levels(), found)


def _of_levels() -> list[str]:
    """The columns of what is spread at every level."""
    scored, less = (f"`{model}`" for model in PROPAGATORS), (f"`{model}` less `{AGAINST}`" for model in OURS)
    return ["hints", "gray", *scored, *less]


STUDIED = ("none", "pyramid", "spun_pyramid", "levin2004")


def _study(rows: Sequence[Mapping[str, str]]) -> str:
    """A line a model: upon none, and what each propagator adds."""
    lines: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in rows:
        lines.setdefault(row["model"], {})[row["propagator"]] = row
    found = []
    for model, line in lines.items():
        best = max(line, key=lambda name: float(line[name]["psnr"]))
        cells = [
            f"**{row['psnr']}**" if name == best else row["psnr"]
            for name, row in ((name, line[name]) for name in STUDIED)
        ]
        gain = line["spun_pyramid"]
        found.append([f"`{model}`", *cells, f"{gain['less_none']} ({gain['low']} to {gain['high']})"])
    return _markdown(["model", *(f"`{name}`" for name in STUDIED), "`spun_pyramid` less `none`"], found)


def _below_comments(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return NOT_YET
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
