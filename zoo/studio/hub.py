"""Run folders on the Hugging Face Hub: what is sent, what is fetched, and that it is the run it says it is.

Files are asked for by the names that a run has, never by those that a repository lists, so nothing comes to lie
elsewhere; no pickle is among them. Weights are held to the digest in the run's record.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from zoo.core.by_name import called_by_name
from zoo.core.errors import BadInput, Unavailable, reason_of
from zoo.core.files import make_folder, writing_folder
from zoo.core.trained import WEIGHTS, load, read_record, run_folder

CARD = "README.md"
RECORD = "run.json"
_NEEDED = (RECORD, WEIGHTS)
_BESIDES = (CARD, "scores.csv", "samples.csv", "hints.csv", "samples.png", "log.jsonl")

T = TypeVar("T")


def push(run: str | Path, repo: str, card: str, *, private: bool = False) -> str:
    """Send a run to a repository, which is made where there is none, as one commit.

    Its record calls the folders of photos by their names (:mod:`zoo.core.by_name`).

    Args:
        run: as :func:`zoo.load` takes it; it is loaded first, so that nothing is published that cannot be used.
        repo: ``NAMESPACE/NAME``.
        card: the text of its README.md.
        private: make a new repository that others do not see.

    Returns:
        The repository's address.

    Raises:
        BadInput: no run, or one that cannot be loaded; a repository's name that the Hub does not take; no hub package.
        Unavailable: the Hub cannot be reached, or refuses.
    """
    folder = run_folder(run)
    if folder is None:
        raise BadInput(f"{run} is a model's name; give the folder of a run that was trained.")
    load(folder)
    hub, api = _hub()
    files = [name for name in (*_NEEDED, *_BESIDES) if name not in (CARD, RECORD) and (folder / name).is_file()]
    operations = [hub.CommitOperationAdd(name, str(folder / name)) for name in files]
    operations.append(hub.CommitOperationAdd(RECORD, _record(folder / RECORD)))
    operations.append(hub.CommitOperationAdd(CARD, card.encode()))
    message = f"Add {read_record(folder).label}"
    mend = "sign in with `hf auth login` as somebody who may write there, and check the network"

    def send() -> str:
        address = str(api.create_repo(repo, private=private, exist_ok=True))
        api.create_commit(repo, operations, commit_message=message)
        return address

    return _asked(send, f"{folder} could not be sent to {repo}", mend)


def pull(repo: str, folder: Path, *, revision: str | None = None) -> Path:
    """Fetch a run, whole and checked or not at all.

    Args:
        repo: ``NAMESPACE/NAME``.
        folder: where it is to lie; nothing may be there.
        revision: a branch, tag or commit; default the newest.

    Returns:
        The folder, for :func:`zoo.load`.

    Raises:
        BadInput: the folder is there already; the repository holds no run, or one whose weights are not those of its
            record; no hub package.
        Unavailable: the Hub or the repository cannot be reached.
    """
    if folder.exists():
        raise BadInput(f"{folder} is there already; remove it, or give another folder with -o.")
    hub, api = _hub()
    mend = "check its name and the network, or sign in with `hf auth login` if it is private"
    failed = f"{repo} could not be fetched"
    commit = _asked(lambda: api.model_info(repo, revision=revision).sha, failed, mend)
    make_folder(folder.absolute().parent)
    with writing_folder(folder) as part:
        for name in (*_NEEDED, *_BESIDES):

            def fetch(name: str = name) -> None:
                try:
                    api.hf_hub_download(repo, name, revision=commit, local_dir=part)
                except hub.errors.EntryNotFoundError:
                    if name in _NEEDED:
                        raise BadInput(f"{repo} is no run of the zoo: it holds no {name}; give another.") from None

            _asked(fetch, failed, mend)
        shutil.rmtree(part / ".cache", ignore_errors=True)  # the hub's notes on what it fetched
        try:
            if not read_record(part).weights_sha256:
                raise BadInput(
                    f"{repo} holds no digest of its weights to check them by; ask its author to push it anew."
                )
            load(part)
        except BadInput as error:
            raise BadInput(str(error).replace(str(part), repo)) from None
    return folder


def _record(path: Path) -> bytes:
    """As it is, where nothing in it tells of this machine's folders."""
    content = path.read_bytes()
    record = json.loads(content)
    named = called_by_name(record)
    return content if named == record else json.dumps(named, ensure_ascii=False, indent=1).encode()


def _hub() -> tuple[Any, Any]:
    """The package, and its client; ``HF_ENDPOINT`` is another hub's address."""
    try:
        import huggingface_hub
    except ImportError:
        raise BadInput(
            "The Hub needs the package huggingface_hub, which is not installed; pip install 'colorizer-zoo[hub]'."
        ) from None
    return huggingface_hub, huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="colorizer-zoo")


def _asked(ask: Callable[[], T], failed: str, mend: str) -> T:
    from huggingface_hub import errors

    # HTTPError: of the library that the hub's package speaks HTTP with, which is not the same in all of its versions.
    try:
        return ask()
    except errors.HFValidationError as error:
        raise BadInput(f"{failed} ({reason_of(error).rstrip('.')}); write it as NAMESPACE/NAME.") from None
    except (errors.HTTPError, OSError, ValueError) as error:
        raise Unavailable(f"{failed} ({reason_of(error).rstrip('.:')}); {mend}.") from error
