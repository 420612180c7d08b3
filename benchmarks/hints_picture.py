"""The picture of what strokes do: a grey photo, the strokes, what becomes of them, the photo as it was.

    python benchmarks/hints_picture.py docs/hints.png [MODEL_OR_RUN]

The photo is one of the test photos; ``docs/example/macaw.jpg`` is its grey, ``macaw_hints.json`` the strokes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import zoo
from zoo.core.files import writing
from zoo.core.spec import SHIPPED

EXAMPLE = Path(__file__).parents[1] / "docs" / "example"
TRUTH = Path(zoo.__file__).parent / "harness" / "data" / "photos" / "test" / "gcompris-scarlet_macaw-0.jpg"
GAP, CAPTION = 8, 26


def strokes_on(grey: Image.Image, hints: Path) -> Image.Image:
    """The strokes in their own colours, as they would be painted, edged so that pale ones are seen."""
    painted = grey.copy()
    draw = ImageDraw.Draw(painted)
    for edge, fill in ((4, "#202020"), (0, None)):
        for hint in json.loads(hints.read_text(encoding="utf-8")):
            points, width = [tuple(point) for point in hint["points"]], hint["width"] + edge
            draw.line(points, fill=fill or hint["color"], width=width, joint="curve")
            for x, y in (points[0], points[-1]):
                r = width / 2 - 0.5
                draw.ellipse((x - r, y - r, x + r, y + r), fill=fill or hint["color"])
    return painted


def main() -> None:
    target, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else SHIPPED
    with Image.open(EXAMPLE / "macaw.jpg") as photo, Image.open(TRUTH) as true:
        grey, truth = photo.convert("RGB"), true.convert("RGB")
    hints = EXAMPLE / "macaw_hints.json"
    coloured = Image.fromarray(zoo.colorize(model, np.asarray(grey), hints=hints))
    cells = {"a grey photo": grey, "six strokes": strokes_on(grey, hints), "coloured": coloured, "as it was": truth}
    side = grey.width
    canvas = Image.new("RGB", (len(cells) * (side + GAP) - GAP, side + CAPTION), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(15)
    for place, (caption, cell) in enumerate(cells.items()):
        left = place * (side + GAP)
        draw.text((left + side / 2, CAPTION / 2), caption, fill="#303030", font=font, anchor="mm")
        canvas.paste(cell, (left, CAPTION))
    with writing(target) as part:
        canvas.save(part, format="png", optimize=True)


if __name__ == "__main__":
    main()
