"""The tables of the READMEs of results/speed, results/latency and results/scale, of the CSVs that lie there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.core.files import read_csv

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


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return NOT_YET
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
