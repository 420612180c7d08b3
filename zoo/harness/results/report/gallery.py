"""Pictures to look at: a few test photos by every model, and each model's best and worst."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from zoo.core.errors import BadInput
from zoo.harness.results.finished_runs import Result
from zoo.harness.results.league import League
from zoo.harness.results.pictures import KEPT, jpeg, read_photos, read_predictions, spread

_Read = TypeVar("_Read")

PHOTOS = 12
"""Shown by every model, evenly spread over those that pictures were kept of."""
MODELS = 60
"""The best, of which pictures are shown: more would make a page that no one can mail."""
EXTREMES = 2
"""Best, and as many worst photos, of each model."""
_SHOWN_SIDE = 160
"""Larger pictures are shrunk to it, so that a page of fifty models can be mailed."""


def gallery(folder: Path, league: League, left_out: list[str]) -> dict[str, Any] | None:
    """What the page's script draws the gallery from; None when no run has kept pictures, or none may be shown.

    Returns:
        ``photos`` (name, grey, hints, truth; pictures are ``data:`` URIs), ``shown`` (which of them are for all
        models) and ``models`` (name, place in the leaderboard, seed, a PSNR a photo, pictures by photo, best, worst).

    Args:
        left_out: told of each file of pictures that cannot be read, a sentence.
    """
    if league.numbers_only:
        return None
    names: list[str] = []
    models: list[tuple[int, str, Result, list[float], list[Image.Image]]] = []
    for place, row in enumerate(league.rows):
        run = next(iter(row.finished), None)
        if run is None or row.kind.of_draws or len(models) >= MODELS:
            continue
        pictures = readable(left_out, read_predictions, run.folder.path, len(run.names))
        if pictures:
            names = run.names
            models.append((place, row.label, run, run.scores.get("psnr", []), pictures))
    greys, hints, truths = readable(left_out, read_photos, folder, league.protocol, len(names)) or ([], [], [])
    if not models or not truths:
        return None
    shown = spread(len(truths), PHOTOS)
    described = [_model(*model, shown) for model in models]
    wanted = sorted({*shown, *(photo for model in described for photo in model["pictures"])})
    return {
        "shown": shown,
        "photos": {
            photo: {
                "name": names[photo],
                "grey": uri(greys[photo]),
                "hints": uri(hints[photo]),
                "truth": uri(truths[photo]),
            }
            for photo in wanted
        },
        "models": described,
    }


def readable(left_out: list[str], read: Callable[..., _Read], *where: Any) -> _Read | None:
    """Pictures are for looking at: one that is damaged costs its place in the gallery and no more."""
    try:
        return read(*where)
    except BadInput as error:
        left_out.append(str(error))
        return None


def _model(
    place: int, name: str, run: Result, psnr: list[float], pictures: list[Image.Image], shown: list[int]
) -> dict[str, Any]:
    ranked = sorted((i for i in range(min(len(psnr), KEPT)) if psnr[i] == psnr[i]), key=lambda i: (-psnr[i], i))
    best, worst = ranked[:EXTREMES], ranked[max(EXTREMES, len(ranked) - EXTREMES) :]
    wanted = sorted({*shown, *best, *worst})
    return {
        "name": name,
        "place": place,
        "seed": run.record.seed,
        "psnr": {i: round(psnr[i], 2) for i in wanted if i < len(psnr) and psnr[i] == psnr[i]},
        "pictures": {i: uri(pictures[i]) for i in wanted},
        "best": best,
        "worst": worst[::-1],
    }


def uri(picture: Image.Image) -> str:
    """A ``data:`` URI of the picture, no larger than a page of fifty models can hold."""
    small = picture.copy()
    small.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.LANCZOS)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(small)).decode()
