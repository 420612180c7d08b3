"""``zoo``: the verbs, each in a file of its own that is imported when it is first needed.

Exit codes: 0 fine, 1 something failed on its own, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from zoo import __version__
from zoo.cli.arguments import FilePath
from zoo.cli.detached import ARGUMENTS
from zoo.cli.interrupts import interrupts_kept
from zoo.cli.terminal import echo, echo_error, plain
from zoo.core.errors import ZooError, did_you_mean
from zoo.core.process import wait_passively

VERBS = (
    "list",
    "show",
    "check",
    "data",
    "doctor",
    "bench",
    "train",
    "eval",
    "watch",
    "leaderboard",
    "compare",
    "report",
    "rm",
    "verify",
    "score",
    "colorize",
    "suggest",
    "serve",
    "export",
    "push",
    "pull",
    "new-plugin",
)


_WITH_A_VALUE = ("--registry", "--max-megapixels")


class Verbs(click.Group):
    """The group of all verbs: imports them by name, and turns errors into sentences and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"zoo.cli.{cmd_name.replace('-', '_')}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            ctx.fail(f"There is no verb {args[0]!r}; {did_you_mean(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = list(args)
        with _plain_usage():
            return super().parse_args(ctx, _globals_first(ctx, args))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _plain_usage(), interrupts_kept():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except ZooError as error:
            if ctx.params.get("debug"):
                echo_error(error)
            echo(f"zoo: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            echo("zoo: stopped; the same command goes on from here.", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # Whoever read our output has seen enough; nothing may be written there when Python ends, either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(141)


def _globals_first(ctx: click.Context, args: list[str]) -> list[str]:
    """The options of all verbs before the verb, wherever before a ``--`` they were written."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for argument in waiting:
        if argument == "--":
            return [*front, *rest, argument, *waiting]
        if argument in _WITH_A_VALUE:
            value = next(waiting, None)
            if value is None:
                ctx.fail(f"Option '{argument}' requires an argument.")
            front += [argument, value]
        elif argument == "--debug" or argument.startswith(tuple(f"{option}=" for option in _WITH_A_VALUE)):
            front.append(argument)
        else:
            rest.append(argument)
    return [*front, *rest]


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable of this process and of those that it starts."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@contextlib.contextmanager
def _plain_usage() -> Iterator[None]:
    """click prints its own errors, which quote what was typed, or what a glob of the shell put there."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = plain(error.message)
        raise


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo")
@click.option(
    "--registry",
    "registries",
    metavar="FILE",
    multiple=True,
    type=FilePath(exists=True),
    help="Lay your own table of models and parts over the built-in one; may be given again, also behind the verb.",
)
@click.option(
    "--max-megapixels",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    metavar="N",
    help="Read photos of up to so many megapixels (default: 150), also behind the verb.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, registries: tuple[Path, ...], max_megapixels: float | None, debug: bool) -> None:
    """Colorizers by name: list them, train and compare them, colour photos with them."""
    if max_megapixels is not None:
        from zoo.core.photo_files import LIMIT_VARIABLE, pixel_limit

        ctx.with_resource(_environment(LIMIT_VARIABLE, str(max_megapixels)))
        pixel_limit()  # refuses what is not a number
    wait_passively()  # here, before any verb imports torch
    if registries:
        from zoo.core.registry import Registry, use

        use(Registry.read(registries))


def main() -> None:
    """The console's entry point."""
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold bytes that no encoding knows; showing it must not fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="zoo")
