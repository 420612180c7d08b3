"""``zoo check``: does a part or a model keep its contract?"""

from __future__ import annotations

import click

from zoo.cli.arguments import Seconds
from zoo.cli.terminal import echo


@click.command("check", short_help="Check that models and parts keep their contracts.")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Probe every model and every part.")
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    type=Seconds(),
    help="Give up on a name after so many seconds.",
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], everything: bool, timeout: float) -> None:
    """Probe each NAME (unet, encoders/conv, 'models/*') in a process of its own.

    Checks with small synthetic inputs: shapes at several sizes, finite output, a gradient on every parameter, a
    state that travels, no use of global random state. Exit code 1 when any fails.
    """
    from zoo.cli.names import meanings
    from zoo.cli.probing import probe_apart
    from zoo.core.errors import BadInput
    from zoo.core.kinds import KINDS
    from zoo.core.registry import current

    if everything == bool(names):
        raise click.UsageError("Give names, or --all.")
    for name in names:
        if name.partition("/")[0] in ("recipes", "weights", "suites"):
            raise BadInput(f"{name!r} is not a part, and has no contract to probe; zoo show {name} reads it.")
    wanted = [each for name in names for each in meanings(name)]
    if everything:
        wanted = [(kind, name) for kind in KINDS for name in current().names(kind)]
    failed = 0
    for report in probe_apart(list(dict.fromkeys(wanted)), timeout=timeout):
        failed += not report.ok
        echo(f"{'ok    ' if report.ok else 'failed'}  {report.kind}/{report.name}")
        for line in (*report.failures, *report.notes):
            echo(f"        {line}")
    if len(wanted) > 1:
        echo(f"{len(wanted) - failed} ok, {failed} failed")
    ctx.exit(1 if failed else 0)
