"""The process in which names are probed; see :mod:`zoo.cli.probing`. Reads a request, writes a report a line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from zoo.core.probe import probe_part
from zoo.core.registry import Registry, use


class Request(msgspec.Struct):
    """What to probe, under which registry files."""

    names: list[tuple[str, str]]
    files: list[str] = []


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    # What a plugin prints must not land among the reports.
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    use(Registry.read(map(Path, request.files)))
    reports.write(b"ready\n")
    reports.flush()
    for kind, name in request.names:
        reports.write(msgspec.json.encode(probe_part(kind, name)) + b"\n")
        reports.flush()


if __name__ == "__main__":
    main()
