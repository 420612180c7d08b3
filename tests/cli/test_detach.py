"""A bench without its terminal: it goes on when the command has ended, is looked at by its folder, can be stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.cli.detached import LOG, _attached
from zoo.core.files import locked
from zoo.harness.run.status import read_status


def zoo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "zoo", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow(seconds=30)
def test_it_goes_on_alone_says_how_to_look_and_how_to_stop_and_the_same_command_goes_on(tmp_path: Path):
    out = tmp_path / "out"
    asked = ["train", "unet", "--suite", "smoke", "--budget", "steps=2000", "--out", str(out)]
    done = zoo(*asked, "--detach")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out}\n"
    assert f"zoo watch {out}" in done.stderr
    process = int(re.search(r"kill (\d+)", done.stderr)[1])
    assert os.getsid(process) == process, "it has a session of its own: the terminal's end does not reach it"
    while not any(out.glob("runs/unet/*/log.jsonl")):
        os.kill(process, 0)
        time.sleep(0.1)
    assert read_status(out).at_work
    os.kill(process, signal.SIGTERM)
    with locked(out / ".lock"):  # it has let go of the folder
        pass
    assert read_status(out).ended == "stopped"
    assert "stopped; the same command goes on from here" in (out / LOG).read_text()
    assert any(out.glob("runs/unet/*/checkpoint.pt"))


@pytest.mark.slow(seconds=10)
def test_what_is_wrong_with_the_command_is_said_at_once(tmp_path: Path):
    done = zoo("bench", "--models", "unett", "--suite", "smoke", "--out", str(tmp_path / "out"), "--detach")
    assert done.returncode == 2
    assert "did you mean 'unet'" in done.stderr
    assert "kill" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_words_of_the_command_stay_but_for_the_option_itself():
    assert _attached(["train", "--detach", "--seeds", "2", "--", "--detach"]) == [
        "train",
        "--seeds",
        "2",
        "--",
        "--detach",
    ]
