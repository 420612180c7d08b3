"""Threads that wait must not take the cores from those that work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zoo.core.process import wait_passively


def test_threads_sleep_unless_the_user_says_otherwise():
    environment: dict[str, str] = {}
    wait_passively(environment)
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    theirs = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_passively(theirs)
    assert theirs == {"OMP_WAIT_POLICY": "ACTIVE"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="torch brings GNU's OpenMP on Linux, which shows its settings")
@pytest.mark.parametrize("verb", ["colorize", "score"])
def test_openmp_itself_has_read_it_before_torch_started_it(verb, photo_paths, tmp_path):
    arguments = {
        "colorize": [photo_paths[0], "--with", "gray", "-o", tmp_path],
        "score": [photo_paths[0], photo_paths[1], "--metrics", "psnr"],
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "KMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from zoo.cli.main import main; main()", verb, *map(str, arguments[verb])],
        env={**environment, "OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr
