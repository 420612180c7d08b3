"""``zoo data``: a look at photos before anything is trained on them, and a suite's for others to colorize."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import FilePath, format_option
from zoo.cli.terminal import echo

if TYPE_CHECKING:
    from zoo.harness.data.check import Report

_SHOWN = 10


@click.group("data", short_help="Look at a source of photos; write a suite's test photos and hints as files.")
def command() -> None:
    """Look at a source of photos: photos, folder:PATH, torchvision:NAME, or a plugin's; or write a suite's as files."""


@command.command("check", short_help="Find photos that are damaged, grey, tiny, or there twice.")
@click.argument("source")
@click.option("--test-data", metavar="SOURCE", help="Take the test photos from another source.")
@format_option("table", "json")
@click.pass_context
def check(ctx: click.Context, source: str, test_data: str | None, form: str) -> None:
    """Decode every photo of SOURCE, all splits, and name those to look at.

    Unreadable and tiny photos, which no run uses; monochrome ones, which are not scored; photos with the same
    pixels; and photos of two splits that resemble each other, mirrored or not, or were cut from one original. Exit
    code 1 when there is something to mend: monochrome photos alone are not.
    """
    from zoo.cli.tables import print_json
    from zoo.harness.data.check import inspect
    from zoo.harness.data.source import open_splits

    report = inspect(open_splits(source, test_data)._asdict())
    if form == "json":
        counts = {"photos": report.photos, "usable": report.usable, "clean": report.clean}
        print_json({**counts, **_findings(report), "notes": report.notes})
    else:
        _print(report)
    ctx.exit(0 if report.clean else 1)


@command.command("export", short_help="Write a suite's test photos in grey, and their hints, for another method.")
@click.option("--suite", metavar="NAME", default="quick", show_default=True, help="The protocol to be scored by.")
@click.option("--data", metavar="SOURCE", help="Take the photos from this source, folder:PATH.")
@click.option("-o", "--output", type=FilePath(), metavar="FOLDER", help="A new folder (default: SUITE-inputs).")
def export(suite: str, data: str | None, output: Path | None) -> None:
    """Write what --suite asks of a colorizer as files, for a method that is not of this zoo.

    grey/NAME.png is each test photo as it is to be colorized, hints/NAME.png what is known of its colours, on
    transparency. Pictures of these names and this size are scored by `zoo verify FOLDER --suite NAME`.
    """
    from zoo.harness.run.handout import GREY, HINTS, hand_out

    made = hand_out(suite, folder=output, data=data)
    hints = (
        f", hints for {made.hinted} of them in {made.folder / HINTS}" if made.hinted else "; this suite gives no hints"
    )
    source = f" --data {data}" if data else ""
    echo(f"{made.photos} photos in {made.folder / GREY}{hints}.")
    echo(f"Colorize them under their names, then: zoo verify COLOURED --suite {suite}{source}")


def _findings(report: Report) -> dict[str, list[Any]]:
    return {
        "unreadable": [{"photo": name, "reason": reason} for name, reason in report.unreadable],
        "tiny": report.tiny,
        "monochrome": report.monochrome,
        "duplicates": report.duplicates,
        "near_duplicates": [
            {"train": found.photo, "test": found.other, "bits": found.bits, "splits": found.splits}
            for found in report.near_duplicates
        ],
        "shared_originals": [{"original": original, "photos": names} for original, names in report.shared_originals],
    }


def _print(report: Report) -> None:
    from zoo.cli.tables import print_table

    names = {
        **_findings(report),
        "unreadable": [f"{name} ({reason})" for name, reason in report.unreadable],
        "duplicates": [" = ".join(group) for group in report.duplicates],
        "near_duplicates": [
            f"{found.photo} ~ {found.other} ({found.bits} bits), {' and '.join(found.splits)}"
            for found in report.near_duplicates
        ],
        "shared_originals": [f"{original}: {', '.join(names)}" for original, names in report.shared_originals],
    }
    rows = [{"finding": key.replace("_", "-"), "count": len(found)} for key, found in names.items()]
    print_table(rows, ("finding", "count"))
    for key, found in names.items():
        for name in found[:_SHOWN]:
            echo(f"{key.replace('_', '-')}: {name}")
        if len(found) > _SHOWN:
            echo(f"{key.replace('_', '-')}: and {len(found) - _SHOWN} more; --format json names all")
    for note in report.notes:
        echo(f"note: {note}")
    of_splits = ", ".join(f"{len(names)} {_FOR[split]}" for split, names in report.names.items())
    echo(f"{report.usable} of {report.photos} photos can be used: {of_splits}.")


_FOR = {"train": "to train on", "validation": "for validation", "test": "to test with"}
