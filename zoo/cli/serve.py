"""``zoo serve``: a page on this machine to colour photos by hand."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import weights_option
from zoo.cli.terminal import echo, echo_data


@click.command("serve", short_help="Open a page to colour photos by hand.")
@click.option(
    "--with",
    "models",
    multiple=True,
    metavar="MODEL_OR_RUN",
    help="Offer this run, a folder, or this model first; may be given again.",
)
@weights_option("For the only model named in --with", "For the only model named in --with")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen at this address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Listen here; 0 takes a free port."
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def command(
    models: tuple[str, ...],
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    host: str,
    port: int,
    no_browser: bool,
) -> None:
    """Open a page: drop a photo, click where you know a colour, see the photo in colour at once.

    Needs the extra `app`. The page is this machine's alone, unless --host says otherwise: then whoever reaches that
    address can use it. Photos stay in memory, each browser has its own, and all are forgotten when it is closed.
    """
    from zoo.core.errors import BadInput
    from zoo.harness.training.device import pick_device

    if (weights is not None or settings) and len(models) != 1:
        option = "--set" if weights is None else "--weights"
        raise click.UsageError(f"{option} is for the one model that --with names, and these are {len(models)}.")
    try:
        from zoo.studio.page.serve import app_of, is_loopback, listening, serve
    except ImportError as error:
        raise BadInput(f"The page needs NiceGUI ({error}); pip install 'colorizer-zoo[app]'.") from None
    from zoo.studio.page.offered import Offered
    from zoo.studio.page.routes import Sittings

    offered = Offered(models, weights, dict(settings), pick_device("auto"))
    for name in models:
        for note in offered[name].colorizer.notes:
            echo(f"zoo: {name}: {note}.", err=True)
    local = is_loopback(host)
    at = listening(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{at.getsockname()[1]}/"
    if not local:
        echo(f"zoo: whoever reaches {host} can use this page; without --host it is this machine's alone.", err=True)
    echo("Ctrl-C ends it.", err=True)
    echo_data(f"{address}\n")
    if not no_browser:
        webbrowser.open(address)
    serve(app_of(offered, Sittings(), local=local), at)
