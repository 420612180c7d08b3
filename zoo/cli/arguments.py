"""What several verbs take: paths, model options, and the choice of an output format."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from zoo.core.spec import SHIPPED
from zoo.studio.manner import WORKING_SIZE

STANDARD = Path("-")
"""Standard input or output in the place of a file."""


class FilePath(click.ParamType):
    """A path as :class:`pathlib.Path`; one that no file system could hold is an error here already.

    Args:
        exists: there must be something.
        dash: ``-`` is standard input or output, and stays ``-``; a file of that name is ``./-``.
    """

    name = "path"

    def __init__(self, *, exists: bool = False, dash: bool = False):
        self.exists = exists
        self.dash = dash

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        shown = repr(str(value)[:80])
        if not str(value):
            self.fail("a path is empty; write where the file or folder is.", param, ctx)
        path = Path(value)
        if self.dash and path == STANDARD:
            if str(value) == "-":
                return STANDARD
            path = Path.cwd() / path
        try:
            os.stat(path)
        except FileNotFoundError:
            if self.exists:
                self.fail(f"{shown}: there is no such file or folder; check the path.", param, ctx)
        except OSError as error:
            self.fail(f"{shown} cannot be used: {error.strerror}.", param, ctx)
        except ValueError:
            self.fail(f"{shown} is not a path: it holds a NUL character or half a surrogate pair.", param, ctx)
        return path


class Setting(click.ParamType):
    """``key=value``, the value as YAML writes it: ``width=16``, ``decoder.skip=sum``, ``channels=[8, 16]``."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        from zoo.core.strict_yaml import parse

        key, equals, text = str(value).partition("=")
        if not equals or not key.strip():
            self.fail(f"{value[:80]!r} is not of the form key=value, such as width=16.", param, ctx)
        return key.strip(), parse(text, f"--set {key.strip()[:80]}")


class Seconds(click.FloatRange):
    """A time to wait: above 0, and no longer than the system's clocks can count."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=1e9)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if seconds != seconds:
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


class Names(click.ParamType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        if not names:
            self.fail("no name is given; write them separated by commas.", param, ctx)
        return names


def choice_option(option: str, choices: Sequence[str], about: str, *names: str) -> Callable[[Any], Any]:
    """An option with these choices, the first by default; ``names`` is what the command calls it, if otherwise."""
    kind = click.Choice(choices)
    return click.option(option, *names, type=kind, default=choices[0], show_default=True, help=about)


def format_option(*choices: str) -> Callable[[Any], Any]:
    """``--format``, the first choice by default."""
    return choice_option("--format", choices, "Print it in this form.", "form")


device_option = click.option(
    "--device", default="auto", show_default=True, help="Run on auto, cuda, cuda:1, mps or cpu; auto takes the fastest."
)


def weights_option(model: str, settings_for: str) -> Callable[[Any], Any]:
    """``--weights``, and ``--set`` for the options of the model that reads them.

    Args:
        model: which model that is.
        settings_for: what its options are for.
    """
    weights = click.option(
        "--weights",
        type=FilePath(),
        metavar="FILE|published",
        help=f"{model}: read this file of weights, or `published` for the one in the table of published files.",
    )
    settings = click.option(
        "--set",
        "settings",
        type=Setting(),
        multiple=True,
        help=f"{settings_for}: set an option of the model, width=16.",
    )
    return lambda command: weights(settings(command))


def model_options(about: str) -> Callable[[Any], Any]:
    """``--with`` and :func:`weights_option` of a verb that uses one colorizer; ``about`` is what it does with a run."""
    model = click.option("--with", "model", default=SHIPPED, show_default=True, metavar="MODEL_OR_RUN", help=about)
    weights = weights_option("For the model named in --with", "For a model, not a run")
    return lambda command: model(weights(command))


size_option = click.option(
    "--size",
    type=click.IntRange(min=1),
    help=f"Show the network a longer side of so many pixels (default: what a run was trained at; else {WORKING_SIZE}).",
)

lpips_option = click.option(
    "--lpips-trunk", type=FilePath(exists=True), help="Read AlexNet's weights, for LPIPS, from a local file."
)


def refuse_given(ctx: click.Context, names: Sequence[str], why: str) -> None:
    """Refuse those of the options ``names`` that were given: in this form of the command they would do nothing.

    Raises:
        UsageError: the option's own name, then ``why``.
    """
    for param in ctx.command.params:
        if param.name in names and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{param.opts[0]} {why}.", ctx)


beside_option = click.option(
    "--beside",
    type=FilePath(exists=True),
    multiple=True,
    metavar="FOLDER",
    help="Show the ranks of this results folder too (default: of those next to FOLDER with another budget only).",
)
