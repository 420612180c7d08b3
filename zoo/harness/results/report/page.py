"""The page: every section filled in, written as one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from zoo.core.files import write_whole
from zoo.harness.results.beside import beside
from zoo.harness.results.column import Column
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.report.cost_plots import cost_plots
from zoo.harness.results.report.curves import curve_plots
from zoo.harness.results.report.gallery import gallery
from zoo.harness.results.report.header import facts
from zoo.harness.results.report.hint_curves import hint_plots
from zoo.harness.results.report.hinted import hinted
from zoo.harness.results.report.plot import Plot
from zoo.harness.results.report.table import failures, leaderboard_table

_NUMBERS_ONLY = "Numbers only: the photos may not be passed on, so no picture and no hint of them is kept."


def write_report(
    folder: Path, output: Path | None = None, *, board: Board | None = None, others: Sequence[Path] | None = None
) -> Board:
    """Write the CSVs anew and ``report.html`` beside them (or at ``output``).

    The page needs no other file and no network. It is a pure function of the results folder and of the leaderboards
    whose ranks it shows: written again it is the same, byte for byte.

    Args:
        others: the results folders whose ranks are shown too, see :func:`zoo.harness.results.beside.beside`.
        board: the folder as it was read before; what has not changed since is not read again.

    Returns:
        What was read; its ``runs.left_out`` says which damaged files the page is without, a sentence each.

    Raises:
        BadInput: there are no runs, none of them can be read, or the page cannot be written.
    """
    board = Board.read(folder, board)
    board.write()
    write_whole(output or folder / "report.html", _page(board, [each.column for each in beside(folder, others)]))
    return board


def _page(board: Board, ranks: Sequence[Column]) -> str:
    folder, league = board.folder, board.leagues[0]
    pictures = gallery(folder, league, board.runs.left_out)
    sweeps = hint_plots(board.hint_rows, league)
    curves = curve_plots(league, board.runs.left_out)
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=league.runs[0].record.suite or folder.name,
            summary=league.suite.summary,
            facts=facts(league),
            tables=[
                (each, leaderboard_table(each, board.plugin_metrics, ranks if each is league else ()), failures(each))
                for each in board.leagues
            ],
            left_out=board.runs.left_out,
            models=[row.label for row in league.rows],
            costs=cost_plots(league),
            hinted=hinted(folder, league, board.runs.left_out),
            sweeps=sweeps,
            curves=curves,
            gallery=pictures is not None,
            no_pictures=_NUMBERS_ONLY if league.numbers_only else "No run has kept its pictures.",
            data=_script_safe(pictures or {}),
        )
    )


def plot_svg(plot: Plot) -> str:
    """One plot as an SVG file of its own, in the page's colours, dark or light."""
    environment = _environment()
    template = environment.from_string('{% from "plot.svg" import draw %}{{ draw(plot, "alone", 0) }}')
    figure = template.render(plot=plot)
    _, start, rest = figure.partition("<svg")
    inside, end, _ = rest.partition("</svg>")
    opening, bracket, body = inside.partition(">")
    style = environment.from_string("{{ verbatim('plot.css') }}").render()
    own = ' xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13"'
    paper = f"<style>{style}</style><rect width='100%' height='100%' fill='var(--card)'/>"
    return f"{start}{own}{opening}{bracket}{paper}{body}{end}\n"


def _environment() -> jinja2.Environment:
    """Templates that escape whatever is put into them: model names, errors and photo names are other people's."""
    templates = resources.files(__package__) / "templates"

    def source(name: str) -> str | None:
        file = templates / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A narrow cell breaks a model's name after its underscores and not within a word.
    environment.filters["name"] = lambda name: Markup("_<wbr>").join(name.split("_"))
    environment.globals["verbatim"] = lambda name: Markup(source(name))
    return environment


def _script_safe(data: dict[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
