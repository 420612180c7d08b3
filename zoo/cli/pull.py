"""``zoo pull``: a published run from the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.arguments import FilePath
from zoo.cli.terminal import echo_data


@click.command("pull", short_help="Fetch a published run from the Hugging Face Hub.")
@click.argument("repo", metavar="NAMESPACE/NAME")
@click.option("-o", "--output", type=FilePath(), metavar="FOLDER", help="Put it there (default: NAME).")
@click.option("--revision", metavar="REV", help="Fetch this branch, tag or commit (default: the newest).")
def command(repo: str, output: Path | None, revision: str | None) -> None:
    """Fetch a run that was published by `zoo push`, for `zoo colorize --with` and zoo.load.

    Its weights are held to the digest in its record; only safetensors are read. It needs the extra `hub`.
    """
    from zoo.core.errors import BadInput
    from zoo.studio.hub import pull

    name = repo.rpartition("/")[2]
    if output is None and name in ("", ".", ".."):
        raise BadInput(f"{repo} names no repository; write NAMESPACE/NAME.")
    echo_data(f"{click.format_filename(pull(repo, output or Path(name), revision=revision))}\n")
