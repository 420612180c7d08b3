"""The README's picture, from a results folder: grey, hints, several models, truth.

    python benchmarks/picture.py results/quick docs/quick.png unet residual_unet ...

The runs must have their weights beside them (they stay out of git, so bench first).
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec
import torch
from PIL import Image, ImageDraw

import zoo
from zoo.core.files import writing
from zoo.harness.plan.suite import Suite, open_photos, scored_photos
from zoo.harness.results.pictures import input_pictures, sheet
from zoo.harness.results.store import RunFolder
from zoo.harness.scoring.scores import colorized

PHOTOS = (2, 6, 11, 25, 31, 38)
"""Which test photos are shown, by their place in the bank."""

ZOOM = 2
CAPTION = 18


def main() -> None:
    results, target, models = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    folders = [next(results.glob(f"runs/{model}/seed0-*/run.json")).parent for model in models]
    record = RunFolder(folders[0]).record()
    suite = msgspec.convert(record.plan.suite if record else {}, Suite)
    of_suite = open_photos(suite)
    everything = scored_photos(suite, of_suite, ["truth_ab"], torch.device("cpu"), batch_size=len(of_suite.test))
    photos = next(everything)
    chosen = torch.tensor([i for i in PHOTOS if i < len(of_suite.test)])
    columns = [*input_pictures(photos.batch)]
    for folder in folders:
        with torch.no_grad():
            columns.append(colorized(zoo.load(folder).eval(), photos.batch))
    columns.append(photos.rgb)
    side = suite.size * ZOOM
    enlarged = [
        torch.nn.functional.interpolate(column[chosen].float(), size=(side, side), mode="nearest").to(torch.uint8)
        for column in columns
    ]
    with Image.open(io.BytesIO(sheet(enlarged))) as picture:
        canvas = Image.new("RGB", (picture.width, picture.height + CAPTION), "white")
        canvas.paste(picture, (0, CAPTION))
    draw = ImageDraw.Draw(canvas)
    for place, caption in enumerate(["grey", "hints", *models, "truth"]):
        draw.text((place * (side + 2) + 3, 2), caption, fill="black")
    with writing(target) as part:
        canvas.save(part, format="png", optimize=True)


if __name__ == "__main__":
    main()
