"""A bench that goes on without its terminal: the same command in a session of its own, with a log in its folder."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import click

from zoo.cli.terminal import echo, echo_data
from zoo.core.errors import BadInput
from zoo.core.files import make_writable_folder

LOG = "bench.log"
ARGUMENTS = "zoo.arguments"
"""Under which the context keeps the command's own words."""
_LONGEST_SECONDS = 60.0
"""What is wrong with a command is mostly known by then."""
_POLL_SECONDS = 0.1


def detach(ctx: click.Context, folder: Path) -> None:
    """Start the command again without ``--detach``, see it begin, say how to look and how to stop, and end.

    Where it ends before it begins, wrongly asked for say, it is as if it had not been detached.

    Raises:
        BadInput: the folder cannot be written, or torchrun has started this.
    """
    from zoo.harness.run.executor import under_torchrun
    from zoo.harness.run.status import NAME

    if under_torchrun():
        raise BadInput("--detach is not for what torchrun starts; put torchrun itself aside: nohup torchrun … &")
    log = make_writable_folder(folder, "choose another --out") / LOG
    begun = _time_of(folder / NAME)
    with log.open("ab") as file:
        start = file.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *_attached(ctx.find_root().meta[ARGUMENTS])],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + _LONGEST_SECONDS
    while process.poll() is None and _time_of(folder / NAME) == begun and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    if process.poll() is not None:
        with log.open("rb") as file:
            file.seek(start)
            echo(file.read().decode("utf-8", "replace").rstrip("\n"), err=True)
        if not start:
            log.unlink()
            with contextlib.suppress(OSError):
                folder.rmdir()  # where it has come to nothing
        ctx.exit(process.returncode)
    echo(f"zoo: the bench goes on as process {process.pid} without this terminal; its words go into {log}", err=True)
    echo(f"look at it: zoo watch {folder}", err=True)
    echo(f"stop it:    kill {process.pid}    (the same command goes on from there)", err=True)
    echo_data(f"{folder}\n")
    ctx.exit(0)


def _attached(arguments: list[str]) -> list[str]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [each for each in arguments[:end] if each != "--detach"] + arguments[end:]


def _time_of(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return None
