"""How long it takes on the page from a click to the picture in its new colours.

    python benchmarks/page/clicks.py [PHOTO] [--with MODEL_OR_RUN]

By default ``docs/example/macaw.jpg``, 256 pixels, and the model that the page offers first. In a headless Chromium on
the same machine 20 points are placed on a grid, one a second, after one that is not counted; a click's time is the
browser's own, from the button's coming up to the frame in which the new picture is loaded.
"""

from __future__ import annotations

import os
import runpy
import statistics
import sys
import time
from pathlib import Path

page = runpy.run_path(str(Path(__file__).with_name("opened.py")))

CLOCK = """
window.taken = []; let since = 0;
addEventListener('pointerup', () => { since = performance.now(); }, true);
document.querySelector('.picture img').addEventListener('load', () => requestAnimationFrame(() => {
  if (since) taken.push((performance.now() - since) / 1000); since = 0; }));
"""


def main(photo: Path, options: list[str]) -> None:
    with page["opened"](*options) as browser:
        with page["changed"](browser):
            browser.give("#photo", photo.resolve())
        browser.run(CLOCK)
        for number in range(21):
            across, down = (number % 5 + 0.5) / 5, (number // 5 + 0.5) / 5
            time.sleep(1)  # a person looks at the picture; meanwhile colours are suggested
            with page["changed"](browser):
                browser.click(".picture img", at=across, down=down)
        browser.until("taken.length >= 21")
        taken = browser.run("taken")[1:]
    median, load = statistics.median(taken), os.getloadavg()[0]
    print(f"{photo.name}: {len(taken)} clicks, median {median:.2f} s, worst {max(taken):.2f} s; load {load:.1f}")


if __name__ == "__main__":
    given = sys.argv[1:]
    path = Path(given.pop(0)) if given and not given[0].startswith("-") else page["EXAMPLE"] / "macaw.jpg"
    main(path, given)
