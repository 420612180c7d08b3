"""How long a folder of many small photos takes, and how much memory.

    python benchmarks/scale/many_photos.py FOLDER [COUNT] [-- OPTIONS of zoo colorize]

Writes COUNT (default 50,000) JPEGs of 64×64 pixels, cut from the embedded photos, into FOLDER/photos, a thousand a
folder, and colorizes them into FOLDER/coloured by ``zoo colorize`` in a process of its own (default options:
``--with gray --format jpg --resume``). Run again after a kill it goes on: what is there is not made anew. Prints what
the command says, seconds, and peak memory.
"""

from __future__ import annotations

import io
import runpy
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.harness.data.folder import FOLDER as PHOTOS

measured = runpy.run_path(str(Path(__file__).with_name("large_photo.py")))["measured"]


def main(folder: Path, count: int, options: list[str]) -> None:
    sources = [np.asarray(Image.open(path).convert("L")) for path in sorted(PHOTOS.rglob("*.jpg"))[:100]]
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / "photos" / f"{number // 1000:03}" / f"{number:06}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            y, x = rng.integers(0, 192, 2)
            buffer = io.BytesIO()
            Image.fromarray(sources[number % 100][y : y + 64, x : x + 64]).save(buffer, "JPEG")
            path.write_bytes(buffer.getvalue())
    measured([str(folder / "photos"), "-o", str(folder / "coloured"), *options])


if __name__ == "__main__":
    given, _, after = " ".join(sys.argv[1:]).partition(" -- ")
    where, *many = given.split()
    plain = ["--with", "gray", "--format", "jpg", "--resume"]
    main(Path(where), int(many[0]) if many else 50_000, after.split() or plain)
