"""A run goes to the Hub and comes back as it was; what comes back otherwise is refused whole."""

from __future__ import annotations

import hashlib
import json
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from safetensors.torch import save_file

import zoo
from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.studio.hub import pull

PUBLISHED = Path(__file__).parents[2] / "results" / "quick" / "runs"
HubServer = runpy.run_path(str(Path(__file__).with_name("hub_server.py")))["HubServer"]
REPO = "somebody/mean"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A finished run with its weights: of the published `mean_ab`, which has one colour."""
    run = tmp_path / "run"
    of_the_report = shutil.ignore_patterns("predictions.jpg", "hinted.jpg")
    shutil.copytree(next((PUBLISHED / "mean_ab").glob("seed0-*")), run, ignore=of_the_report)
    model = zoo.build("mean_ab")
    state = {name: torch.full_like(each, 0.125) for name, each in model.network.state_dict().items()}
    save_file(state, run / "model.safetensors")
    rewrite(run, weights_sha256=hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest())
    return run


def rewrite(run: Path, **fields: object) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | fields), encoding="utf-8")


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[HubServer]:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_ours")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # its own protocol, not the Hub's
    monkeypatch.chdir(tmp_path)
    yield server
    server.shutdown()
    server.server_close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="zoo")


def test_a_run_comes_back_as_it_was(hub, folder):
    sent = run("push", folder, REPO, "--licence", "cc-by-4.0")
    assert sent.exit_code == 0, sent.output
    assert sent.stdout.strip() == f"{hub.address}/{REPO}"
    assert hub.tokens == {"Bearer hf_ours"}
    assert hub.commits == ["Add mean_ab"], "one commit, or none"
    assert hub.private == set()
    assert len(hub.blobs) == 1, "the weights are a large file"

    fetched = run("pull", REPO)
    assert fetched.exit_code == 0, fetched.output
    assert fetched.stdout == "mean\n"
    names = {file.name for file in folder.iterdir()} | {"README.md"}
    assert {file.name for file in Path("mean").rglob("*")} == names
    for name in names - {"README.md"}:
        assert (Path("mean") / name).read_bytes() == (folder / name).read_bytes()
    assert zoo.load("mean")(torch.zeros(1, 4, 3, 5))["ab"].unique().tolist() == [0.125]
    card = yaml.safe_load((Path("mean") / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert card["license"] == "cc-by-4.0"

    again = run("pull", REPO)
    assert again.exit_code == 2
    assert "mean is there already" in again.stderr


def test_where_photos_lie_on_this_machine_is_not_sent(hub, folder):
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    lay = "folder:/home/some one/packs/portraits"
    record["data"]["train"]["source"] = record["plan"]["suite"]["data"] = lay
    record["notes"] = [f"trained on {lay}", "no /home/some/where/trunk.pth is there"]
    rewrite(folder, **record)
    assert run("push", folder, REPO).exit_code == 0
    assert run("pull", REPO).exit_code == 0
    for file in ("run.json", "README.md"):
        text = (Path("mean") / file).read_text(encoding="utf-8")
        assert "/home" not in text
        assert "folder:portraits" in text
        assert "no trunk.pth is there" in text
    assert "/home/some one" in (folder / "run.json").read_text(encoding="utf-8"), "its own stays as it is"


def test_the_commands_of_the_docs_do_what_they_say(hub, folder, photo_paths):
    shutil.copy(photo_paths[0], "photo.jpg")
    shutil.copytree(folder, "benches/quick/runs/residual_unet")
    text = (Path(__file__).parents[2] / "docs" / "publish.md").read_text(encoding="utf-8")
    lines = [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith("zoo ")]
    assert [words[1] for words in lines] == ["push", "push", "pull", "colorize"]
    for words in lines:
        done = run(*words[1:])
        assert done.exit_code == 0, done.output
    assert Path("photo.colorized.png").is_file()


def test_a_new_repository_is_private_where_asked_and_the_card_can_be_looked_at_first(hub, folder):
    shown = run("push", folder, REPO, "--card-only")
    assert shown.stdout.startswith("---\nlicense: other\n")
    assert hub.repos == {}
    sent = run("push", folder, REPO, "--private")
    assert "say it with --licence" in sent.stderr
    assert hub.private == {REPO}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"model.safetensors": None}, "is no run of the zoo: it holds no model.safetensors"),
        ({"model.safetensors": b"\x80\x04N."}, "model.safetensors"),
        ({"run.json": b"{}"}, "does not describe a model"),
        ({"run.json": "no digest"}, "holds no digest of its weights"),
        ({"model.safetensors": "other"}, "was exchanged or damaged"),
    ],
)
def test_what_is_not_the_run_it_says_leaves_nothing(hub, folder, damage, said):
    files = {file.name: file.read_bytes() for file in folder.iterdir()} | {"../evil.py": b"", "model.pt": b"\x80\x04N."}
    for name, content in damage.items():
        if content == "no digest":
            record = json.loads(files[name])
            del record["weights_sha256"]
            content = json.dumps(record).encode()
        elif content == "other":
            content = files[name][:-1] + b"\x01"
        files[name] = content
    hub.repos[REPO] = {name: content for name, content in files.items() if content is not None}
    result = run("pull", REPO, "-o", "new")
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert ".part" not in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["run"]


def test_files_of_other_names_are_not_fetched(hub, folder):
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    hub.repos[REPO] = {**files, "../evil.py": b"x", "model.pt": b"\x80\x04N.", "sub/run.json": b"{}"}
    assert run("pull", REPO, "-o", "new").exit_code == 0
    assert {file.name for file in Path("new").iterdir()} == set(files)


def test_what_cannot_be_had_is_said_in_a_sentence(hub, folder, monkeypatch):
    absent = run("pull", "nobody/nothing")
    assert absent.exit_code == 2
    assert "nobody/nothing could not be fetched" in absent.stderr
    assert "NAMESPACE/NAME" in run("pull", "a b/c").stderr
    assert "is a model's name" in run("push", "unet", REPO).stderr
    (folder / "model.safetensors").unlink()
    assert "zoo train mean_ab" in run("push", folder, REPO).stderr
    assert hub.repos == {}
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(BadInput, match=r"pip install 'colorizer-zoo\[hub\]'"):
        pull(REPO, Path("new"))
