"""The pictures of the page in the documents: a desk's screen, and a phone's.

    python benchmarks/page/pictures.py docs

Writes ``by_hand.png`` and ``by_hand_phone.png``: a photo whose six strokes were loaded, compared with
its grey.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from PIL import Image

from zoo.core.files import writing

page = runpy.run_path(str(Path(__file__).with_name("opened.py")))

SCREENS = {"by_hand.png": (1000, 660), "by_hand_phone.png": (360, 740)}


def main(folder: Path) -> None:
    with page["opened"]() as browser:
        with page["changed"](browser):
            browser.give("#photo", page["EXAMPLE"] / "macaw.jpg")
        with page["changed"](browser):
            browser.give("#hints", page["EXAMPLE"] / "macaw_hints.json")
        browser.click(".compare .q-slider", at=0.36)
        for name, (width, height) in SCREENS.items():
            browser.resize(width, height)
            browser.run("scrollTo(0, 0); new Promise((done) => setTimeout(done, 3000))")  # colours are suggested
            browser.screenshot(folder / name)
            with Image.open(folder / name) as shot:
                small = shot.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            with writing(folder / name) as part:
                small.save(part, "PNG", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
