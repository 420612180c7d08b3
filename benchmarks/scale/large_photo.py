"""How much memory a large photo takes.

    python benchmarks/scale/large_photo.py [MEGAPIXELS] [OPTIONS of zoo colorize]

Makes a photo of so many megapixels (default 100) by enlarging an embedded one, and colorizes it by ``zoo colorize`` in
a process of its own (default options: ``--with gray --tiles --format jpg``). Prints what the command says, seconds, and
peak memory.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from zoo.harness.data.folder import FOLDER

WATCHED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
# A small process starts it: to a peak belongs what the process was forked from, and whatever was started before.


def measured(arguments: list[str]) -> float:
    """The peak memory in GB of ``zoo colorize`` with these arguments; printed, with the time."""
    began = time.perf_counter()
    command = [sys.executable, "-c", WATCHED, sys.executable, "-m", "zoo", "colorize", *arguments]
    *said, kilobytes = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.splitlines()
    peak = int(kilobytes) * 1024 / 1e9
    print(*said, sep="\n")
    print(f"{time.perf_counter() - began:.0f} s, at most {peak:.2f} GB", flush=True)
    return peak


def large_photo(path: Path, megapixels: float) -> Path:
    """A grey JPEG, 3 : 2."""
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    photo = Image.open(sorted((FOLDER / "validation").glob("*.jpg"))[0]).convert("L")
    photo.resize((height * 3 // 2, height), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


if __name__ == "__main__":
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 100.0
    options = sys.argv[2:] or ["--with", "gray", "--tiles", "--format", "jpg"]
    with tempfile.TemporaryDirectory() as folder:
        measured([str(large_photo(Path(folder) / "large.jpg", size)), *options])
