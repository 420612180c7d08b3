"""A run is read file by file by whoever wants to know what it did: it loads what it needs, and that is little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MOST = 55
"""Files of ours with a line in them that the process of one small run may load."""

LISTING = """
import os, sys
from multiprocessing import util

class Listing:
    def __init__(self, folder, name, config):
        if name.startswith("unet"):
            util.Finalize(None, write, exitpriority=0)  # when the process ends: what scoring loads counts too

    def log(self, step, values): pass
    def finish(self, status, scores): pass

def write():
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] == "zoo"]
    with open(os.environ["LISTED"], "w") as file:
        file.write("\\n".join(module.__file__ for module in ours if getattr(module, "__file__", None)))
"""


@pytest.mark.slow
def test_one_run_loads_few_of_our_files(tmp_path: Path):
    (tmp_path / "listing.py").write_text(LISTING, encoding="utf-8")
    table = tmp_path / "registry.yaml"
    table.write_text("parts:\n  trackers:\n    listing: {target: 'listing:Listing', summary: s}\n", encoding="utf-8")
    listed = tmp_path / "listed"
    where = ["--registry", table, "--track", "listing", "--out", tmp_path / "out"]
    command = ["bench", "--models", "unet", "--suite", "smoke", *where]
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *map(str, command)],
        env={**os.environ, "LISTED": str(listed)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    files = sorted({file for file in listed.read_text(encoding="utf-8").splitlines() if Path(file).stat().st_size})
    assert any(file.endswith("carry_out.py") for file in files)
    shown = "\n".join(files)
    assert len(files) <= MOST, f"one run loads {len(files)} files, more than {MOST}:\n{shown}"
