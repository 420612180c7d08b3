"""What hints do: a few photos by the best models, and by a solver, at growing numbers of hints."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from zoo.harness.results.league import League
from zoo.harness.results.pictures import LEVEL_PHOTOS, read_hinted, read_hinted_photos, shown_levels
from zoo.harness.results.report.gallery import readable, uri

BEST = 4
"""Of the ranked models."""
BESIDE = ("spun_pyramid", "levin2004")
"""Shown beside them where they were benched: what spreads hints without having learnt."""


class Strip(NamedTuple):
    """One row of the table: who, and a picture (a ``data:`` URI) a level."""

    label: str
    pictures: list[str]


class Hinted(NamedTuple):
    """One photo: ``hints`` drawn on it, the ``strips`` of the models, and the ``truth``."""

    hints: list[str]
    strips: list[Strip]
    truth: str


def hinted(folder: Path, league: League, left_out: list[str]) -> tuple[list[int], list[Hinted]] | None:
    """The numbers of hints, and the photos; None where no run has kept such pictures, or none may be shown.

    Args:
        left_out: told of each file of pictures that cannot be read, a sentence.
    """
    shown = shown_levels(league.runs[0].record.protocol.sweeps or {})
    if league.numbers_only or shown is None:
        return None
    sweep, levels = shown
    models: list[tuple[str, list[list[Image.Image]]]] = []
    ranked = 0
    for row in league.rows:
        run = next(iter(row.finished), None)
        beside = row.label in BESIDE
        if run is None or row.kind.of_draws or not (beside or (row.ranked and ranked < BEST)):
            continue
        swept = next((level.photos for level in run.record.levels if level.sweep == sweep), 0)
        pictures = readable(left_out, read_hinted, run.folder.path, min(swept, LEVEL_PHOTOS), len(levels))
        if pictures:
            models.append((row.label, pictures))
            ranked += not beside
    count = len(models[0][1]) if models else 0
    asked, truths = readable(left_out, read_hinted_photos, folder, league.protocol, count, len(levels)) or ([], [])
    if not truths:
        return None
    return levels, [
        Hinted(
            [uri(picture) for picture in asked[photo]],
            [Strip(label, [uri(picture) for picture in pictures[photo]]) for label, pictures in models],
            uri(truths[photo]),
        )
        for photo in range(count)
    ]
