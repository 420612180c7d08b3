"""The picture of a folder run in the documents: a terminal in which one was stopped and taken up again.

    python benchmarks/folder_run.py docs/folder_run.svg

The folder holds 60 of the test photos in grey and a file that is none. tmux is the terminal.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

import zoo
from zoo.core.files import write_whole

PHOTOS = Path(zoo.__file__).parent / "harness" / "data" / "photos" / "test"
COLUMNS, ROWS = 100, 14
OF_THE_NETWORK = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""rich would have its letters fetched; the reader's own will do."""


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as here:
        album, coloured = Path(here, "album"), Path(here, "coloured")
        album.mkdir()
        for photo in sorted(PHOTOS.glob("*.jpg"))[:60]:
            with Image.open(photo) as image:
                image.convert("L").save(album / photo.name, quality=92)
        (album / "scan_017.jpg").write_bytes(b"\xff\xd8 a scanner ran out of disk")

        def tmux(*words: str) -> str:
            return subprocess.run(
                ["tmux", "-S", f"{here}/socket", *words], check=True, capture_output=True, encoding="utf-8"
            ).stdout

        def typed(command: str, until: Callable[[], bool]) -> None:
            tmux("send-keys", "-l", command)
            tmux("send-keys", "Enter")
            while not until():
                time.sleep(0.05)

        def shown() -> str:
            return tmux("capture-pane", "-p")

        path = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = ["env", path, "PS1=$ ", "bash", "--norc", "--noprofile"]
        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", here, *shell)
        try:
            typed("zoo colorize album/ -o coloured/", lambda: len(list(coloured.glob("*.png"))) >= 20)
            tmux("send-keys", "C-c")
            while not shown().rstrip().endswith("$"):
                time.sleep(0.05)
            typed("zoo colorize album/ -o coloured/ --resume", lambda: "there already" in shown())
            time.sleep(0.5)
            screen = shown()
        finally:
            tmux("kill-server")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(screen.rstrip()))
    write_whole(target, OF_THE_NETWORK.sub("", console.export_svg(title="zoo colorize")).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
