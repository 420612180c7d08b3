"""``zoo push``: a trained run to the Hugging Face Hub, with its card."""

from __future__ import annotations

import click

from zoo.cli.terminal import echo, echo_data


@click.command("push", short_help="Publish a run on the Hugging Face Hub.")
@click.argument("run", metavar="RUN")
@click.argument("repo", metavar="NAMESPACE/NAME")
@click.option("--licence", metavar="ID", help="Say the licence of the weights, as the Hub does: cc-by-4.0, mit.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--card-only", is_flag=True, help="Print the card, and send nothing.")
def command(run: str, repo: str, licence: str | None, private: bool, card_only: bool) -> None:
    """Send RUN (its weights, record and scores, and a card made of them) to NAMESPACE/NAME.

    It needs the extra `hub`, and `hf auth login` once. HF_ENDPOINT is the address of another hub.
    """
    from zoo.core.errors import BadInput
    from zoo.core.trained import run_folder
    from zoo.harness.plan.settings import suite_set_in
    from zoo.harness.results.card import LICENCE, card
    from zoo.harness.results.store import RunFolder
    from zoo.studio.hub import push

    folder = run_folder(run)
    if folder is None:
        raise BadInput(f"{run} is a model's name; give the folder of a run that was trained.")
    told = suite_set_in(RunFolder(folder).scored_record(), folder)
    text = card(folder, licence=licence or LICENCE, repo=repo, suite=told)
    if card_only:
        echo_data(text)
        return
    address = push(folder, repo, text, private=private)
    if licence is None:
        echo("zoo: the card says that no licence is stated; say it with --licence.", err=True)
    echo_data(f"{address}\n")
