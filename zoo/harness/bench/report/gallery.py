"""Pictures to look at: a few test photos by every model, and each model's best and worst."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from PIL import Image

from zoo.core.errors import BadInput
from zoo.harness.bench.predictions import KEPT, jpeg, read_photos, read_predictions
from zoo.harness.bench.results import Result
from zoo.harness.bench.standing import Standing

PHOTOS = 12
"""Shown by every model, evenly spread over those that pictures were kept of."""
EXTREMES = 2
"""Best, and as many worst photos, of each model."""
_SHOWN_SIDE = 160
"""Larger pictures are shrunk to it, so that a page of fifty models can be mailed."""


def gallery(folder: Path, standing: Standing) -> dict[str, Any] | None:
    """What the page's script draws the gallery from; None when no run has kept pictures.

    Returns:
        ``photos`` (name, grey, hints, truth; pictures are ``data:`` URIs), ``shown`` (which of them are for all
        models) and ``models`` (name, place in the leaderboard, seed, a PSNR a photo, pictures by photo, best, worst).

    Raises:
        BadInput: a file of pictures or scores is damaged, or two runs were scored on different photos.
    """
    names: list[str] = []
    models = []
    for place, row in enumerate(standing.rows):
        run = next(iter(row.finished), None)
        if run is None or row.kind.of_draws:
            continue
        pictures = read_predictions(run.folder.path, len(run.names))
        if not pictures:
            continue
        if names and run.names != names:
            raise BadInput(f"{run.folder.path} was scored on other photos than its protocol's other runs; run it anew.")
        names = run.names
        models.append((place, row.label, run, run.scores.get("psnr", []), pictures))
    greys, hints, truths = read_photos(folder, standing.protocol, len(names))
    if not models or not truths:
        return None
    shown = _spread(len(truths))
    described = [_model(*model, shown) for model in models]
    wanted = sorted({*shown, *(photo for model in described for photo in model["pictures"])})
    return {
        "shown": shown,
        "photos": {
            photo: {
                "name": names[photo],
                "grey": _uri(greys[photo]),
                "hints": _uri(hints[photo]),
                "truth": _uri(truths[photo]),
            }
            for photo in wanted
        },
        "models": described,
    }


def _spread(count: int) -> list[int]:
    chosen = min(count, PHOTOS)
    return [i * count // chosen for i in range(chosen)]


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
        "pictures": {i: _uri(pictures[i]) for i in wanted},
        "best": best,
        "worst": worst[::-1],
    }


def _uri(picture: Image.Image) -> str:
    small = picture.copy()
    small.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.LANCZOS)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(small)).decode()
