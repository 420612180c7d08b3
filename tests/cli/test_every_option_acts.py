"""Every option of every verb acts or is refused: with it, the command does something else or says why it does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo.cli.main import VERBS, cli
from zoo.core.resolve import build
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.run import bench as bench_module
from zoo.harness.run import evaluate as evaluate_module
from zoo.harness.run.bench import BenchOutcome, bench
from zoo.harness.run.request import BenchRequest

BENCH = {
    "--suite": ["--suite", "smoke"],
    "--seeds": ["--seeds", "2"],
    "--first-seed": ["--first-seed", "2"],
    "--data": ["--data", "folder:a"],
    "--test-data": ["--test-data", "folder:a"],
    "--split": ["--split", "validation"],
    "--device": ["--device", "cpu"],
    "--set": ["--set", "width=8"],
    "--recipe": ["--recipe", "gachon"],
    "--recipes": ["--recipes", "default,gachon"],
    "--budget": ["--budget", "steps=2"],
    "--jobs": ["--jobs", "2"],
    "--out": ["--out", "elsewhere"],
    "--lpips-trunk": ["--lpips-trunk", "weights.pth"],
    "--timeout": ["--timeout", "7"],
    "--no-pictures": ["--no-pictures"],
    "--deterministic": ["--deterministic"],
    "--executor": ["--executor", "local2"],
    "--detach": ["--detach"],
    "--track": ["--track", "tensorboard"],
}

ACTS: dict[str, dict[str, list[tuple[list[str], list[str]]]]] = {
    "list": {
        "--filter": [
            (["models"], ["--filter", "r2*"]),
            (["suites"], ["--filter", "g*"]),
            (["all"], ["--filter", "u*"]),
        ],
        "--format": [(["suites"], ["--format", "names"]), (["executors"], ["--format", "json"])],
    },
    "show": {"--yaml": [(["unet"], ["--yaml"]), (["quick"], ["--yaml"])]},
    "check": {
        "--all": [(["unet"], ["--all"])],
        "--timeout": [(["unet"], ["--timeout", "9"])],
    },
    "data check": {
        "--test-data": [(["folder:album"], ["--test-data", "folder:other"])],
        "--format": [(["folder:album"], ["--format", "json"])],
    },
    "data export": {
        "--suite": [([], ["--suite", "smoke"])],
        "--data": [(["--suite", "smoke"], ["--data", "folder:album"])],
        "--output": [(["--suite", "smoke"], ["-o", "elsewhere"])],
    },
    "doctor": {},
    "bench": {
        "--models": [([], ["--models", "unet"])],
        "--baselines": [([], ["--no-baselines"])],
        **{option: [([], given)] for option, given in BENCH.items()},
    },
    "train": {option: [(["unet"], given)] for option, given in BENCH.items()},
    "eval": {
        "--metrics": [(["RUN"], ["--metrics", "psnr"]), (["unet", "--weights", "weights.pth"], ["--metrics", "psnr"])],
        "--lpips-trunk": [
            (["RUN"], ["--lpips-trunk", "weights.pth"]),
            (["unet", "--weights", "weights.pth"], ["--lpips-trunk", "weights.pth"]),
        ],
        "--suite": [(["RUN"], ["--suite", "quick"]), (["unet", "--weights", "weights.pth"], ["--suite", "smoke"])],
        "--device": [(["RUN"], ["--device", "cpu"]), (["unet", "--weights", "weights.pth"], ["--device", "cpu"])],
        "--weights": [(["unet"], ["--weights", "weights.pth"]), (["RUN"], ["--weights", "weights.pth"])],
        "--set": [(["RUN"], ["--set", "a=1"]), (["unet", "--weights", "weights.pth"], ["--set", "width=8"])],
        "--data": [(["RUN"], ["--data", "folder:a"]), (["RUN", "--suite", "gachon256"], ["--data", "folder:a"])],
        "--out": [
            (["RUN"], ["--out", "never"]),
            (["RUN", "--suite", "gachon256"], ["--out", "elsewhere"]),
            (["unet", "--weights", "weights.pth"], ["--out", "elsewhere"]),
        ],
    },
    "leaderboard": {
        "--sort": [(["results"], ["--sort", "ssim"]), (["results", "--format", "csv"], ["--sort", "model"])],
        "--rebuild": [(["results"], ["--rebuild"])],
        "--beside": [(["results"], ["--beside", "results"])],
        "--format": [(["results"], ["--format", "md"])],
    },
    "watch": {
        "--once": [(["results"], ["--once"])],
        "--json": [(["results"], ["--json"])],
        "--every": [(["results", "--once"], ["--every", "5"])],
    },
    "compare": {
        "--in": [(["gray", "mean_ab"], ["--in", "results"]), (["RUN", "RUN"], ["--in", "nowhere"])],
        "--results": [(["gray", "mean_ab"], ["--results", "results", "results"])],
        "--fail-on-worse": [(["gray", "mean_ab", "--in", "results"], ["--fail-on-worse"])],
        "--format": [(["gray", "mean_ab", "--in", "results"], ["--format", "json"])],
    },
    "report": {
        "--output": [(["results"], ["-o", "elsewhere.html"])],
        "--beside": [(["results"], ["--beside", "nowhere"])],
    },
    "verify": {
        "--data": [(["RUN"], ["--data", "folder:album"])],
        "--suite": [(["RUN"], ["--suite", "smoke"]), (["made"], ["--suite", "smoke"])],
        "--model": [(["RUN"], ["--model", "unet"]), (["weights.pth"], ["--model", "unet"])],
        "--set": [(["RUN"], ["--set", "a=1"]), (["weights.pth", "--model", "unet"], ["--set", "width=8"])],
        "--out": [(["RUN"], ["--out", "never"]), (["weights.pth", "--model", "unet"], ["--out", "elsewhere"])],
        "--device": [(["RUN"], ["--device", "cuda:99"])],
    },
    "rm": {"--yes": [(["results", "gray"], ["--yes"])]},
    "score": {
        "--metrics": [(["a.png", "b.png"], ["--metrics", "psnr"]), (["album", "album"], ["--metrics", "ssim"])],
        "--format": [(["a.png", "b.png"], ["--format", "csv"]), (["album", "album"], ["--format", "json"])],
    },
    "export": {
        "--to": [(["gray", "--to", "torch"], ["--to", "onnx"])],
        "--lab": [(["gray", "--to", "torch"], ["--lab", "outside"])],
        "--pixels": [(["gray", "--to", "torch", "--lab", "outside"], ["--pixels", "uint8"])],
        "--weights": [(["unet", "--to", "torch"], ["--weights", "weights.pth"])],
        "--set": [(["RUN", "--to", "torch"], ["--set", "a=1"])],
        "--output": [(["gray", "--to", "torch"], ["-o", "elsewhere.pt2"])],
        "--overwrite": [(["gray", "--to", "torch", "-o", "a.png"], ["--overwrite"])],
    },
    "suggest": {
        "--with": [(["a.png", "3", "4", "--with", "pyramid"], ["--with", "gray"])],
        "--weights": [(["a.png", "3", "4", "--with", "unet"], ["--weights", "weights.pth"])],
        "--set": [(["a.png", "3", "4", "--with", "RUN"], ["--set", "a=1"])],
        "--hints": [(["a.png", "3", "4", "--with", "pyramid"], ["--hints", "hints.json"])],
        "--count": [(["a.png", "3", "4", "--with", "pyramid", "--hints", "hints.json"], ["--count", "1"])],
        "--size": [(["a.png", "3", "4", "--with", "pyramid", "--hints", "hints.json"], ["--size", "5"])],
        "--json": [(["a.png", "3", "4", "--with", "pyramid"], ["--json"])],
    },
    "serve": {
        "--with": [([], ["--with", "gray"])],
        "--weights": [(["--with", "unet"], ["--weights", "weights.pth"]), ([], ["--weights", "weights.pth"])],
        "--set": [(["--with", "RUN"], ["--set", "a=1"]), ([], ["--set", "a=1"])],
        "--host": [([], ["--host", "0.0.0.0"])],
        "--port": [([], ["--port", "8081"])],
        "--no-browser": [([], ["--no-browser"])],
    },
    "push": {
        "--licence": [(["RUN", "a/b", "--card-only"], ["--licence", "mit"])],
        "--private": [(["RUN", "a/b"], ["--private"])],
        "--card-only": [(["RUN", "a/b"], ["--card-only"])],
    },
    "pull": {
        "--output": [(["a/b"], ["-o", "album"])],
        "--revision": [(["a/b"], ["--revision", "older"])],
    },
    "new-plugin": {"--output": [(["mine"], ["-o", "elsewhere"])]},
}
"""Verb → option → forms of the command without it, and the option."""

NOT_HERE = {"colorize": "its options are held by tests/cli/test_colorize.py"}


def verbs() -> Iterator[tuple[str, click.Command]]:
    for verb in VERBS:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                yield f"{verb} {name}", command.get_command(click.Context(command), name)
        else:
            yield verb, command


def test_every_option_of_every_verb_is_looked_at():
    for verb, command in verbs():
        if verb not in NOT_HERE:
            options = {param.opts[-1] for param in command.params if isinstance(param, click.Option)}
            assert options == ACTS[verb].keys(), verb


@pytest.fixture(scope="module")
def place(tmp_path_factory, photo_paths) -> Path:
    """A folder with photos, two sets of them, weights, results of two models that need no training, and pictures made
    of a suite's photos."""
    folder = tmp_path_factory.mktemp("place")
    bench(BenchRequest(models="gray,mean_ab", suite="smoke", out=folder / "results", device="cpu"))
    for name, split in (("album", photo_paths[:2]), ("other", photo_paths[2:4])):
        for side in ("train", "test"):
            (folder / name / side).mkdir(parents=True)
            shutil.copy(split[side == "test"], folder / name / side / f"{side}.jpg")
    shutil.copy(photo_paths[4], folder / "other" / "test" / "more.jpg")
    for name, grey in (("a.png", 90), ("b.png", 120)):
        Image.fromarray(np.full((32, 32, 3), grey, np.uint8)).save(folder / name)
    photos = open_photos(load_suite("smoke")).test
    for name, photo in zip(photos.names, photos.pixels, strict=True):
        made = folder / "made" / name
        made.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo.transpose(1, 2, 0)).save(made.with_suffix(".png"))
    (folder / "weights.pth").write_bytes(b"")
    (folder / "hints.json").write_text(
        '[{"x": 3, "y": 4, "color": "red"}, {"x": 9, "y": 4, "color": "blue", "radius": 2}]'
    )
    return folder


@pytest.fixture
def outcome(place, tmp_path, monkeypatch) -> Callable[[list[str]], Any]:
    """What a command does: exit code, what it says, what the bench or the scoring is asked for, the files then."""
    run = next((place / "results").glob("runs/gray/seed0-*"))

    def observe(arguments: list[str]) -> Any:
        here = tmp_path / "here"
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(place, here)
        (here / "results" / "leaderboard.csv").write_text(
            "rank,model,psnr,ssim,status,notes\n1,b,20.0,0.8,ok,\n2,a,19.0,0.9,ok,\n"
        ) if arguments[0] == "leaderboard" else None
        asked: list[Any] = []

        def ask(request: BenchRequest, reporter: object) -> BenchOutcome:
            asked.append(request)
            return BenchOutcome(here / "results", [], [])

        monkeypatch.chdir(here)
        monkeypatch.setattr(bench_module, "bench", ask)
        monkeypatch.setattr("zoo.cli.detached.detach", lambda ctx, folder: asked.append(folder))
        monkeypatch.setattr(evaluate_module, "evaluate", lambda *given: asked.append(given) or {})
        monkeypatch.setattr("zoo.cli.probing.probe_apart", lambda *given, **named: asked.append((given, named)) or [])
        if arguments[0] in ("export", "push", "pull", "suggest"):
            studio_only_asked(monkeypatch, asked)
        if arguments[0] == "serve":
            serve_only_asked(monkeypatch, asked)
        relative = str(Path("results") / run.relative_to(place / "results"))
        done = CliRunner().invoke(cli, [relative if each == "RUN" else each for each in arguments], prog_name="zoo")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        files = sorted(str(path.relative_to(here)) for path in here.rglob("*"))
        return done.exit_code, done.output, asked, files

    return observe


def studio_only_asked(monkeypatch: pytest.MonkeyPatch, asked: list[Any]) -> None:
    """What is slow, or wants a network, is only asked for."""

    def export(colorizer: object, path: Path, *given: object, **named: object) -> float:
        asked.append((given, named))
        path.write_bytes(b"")
        return 0.0

    monkeypatch.setattr(
        "zoo.core.trained.load", lambda *given, **named: asked.append((given, named)) or build("pyramid")
    )
    monkeypatch.setattr("zoo.studio.export.export", export)
    for verb in ("push", "pull"):
        monkeypatch.setattr(f"zoo.studio.hub.{verb}", lambda *given, **named: asked.append((given, named)) or "there")


def serve_only_asked(monkeypatch: pytest.MonkeyPatch, asked: list[Any]) -> None:
    """No page is opened and no address is taken."""
    page = pytest.importorskip("zoo.studio.page.serve", reason="the extra app is not installed")

    def load(*given: object, **named: object) -> object:
        asked.append((given, named))
        return build("pyramid")

    def listening(*given: object) -> object:
        asked.append(given)
        return SimpleNamespace(getsockname=lambda: given)

    monkeypatch.setattr("zoo.studio.page.offered.load", load)
    monkeypatch.setattr("zoo.studio.page.offered.origin_of", lambda *given: None)
    monkeypatch.setattr(page, "listening", listening)
    monkeypatch.setattr(page, "app_of", lambda offered, _, **named: asked.append((offered.names, named)))
    monkeypatch.setattr(page, "serve", lambda *_: None)
    monkeypatch.setattr("webbrowser.open", asked.append)


CASES = [
    pytest.param([*verb.split(), *form], given, id=" ".join([verb, *form, "+", *given]))
    for verb, options in ACTS.items()
    for forms in options.values()
    for form, given in forms
]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "option"), CASES)
def test_with_it_something_else_happens(outcome, command, option):
    without, given = outcome(command), outcome([*command, *option])
    assert given != without
    if given[0] == 2:
        assert option[0] in given[1], "a refusal names what it refuses"
        assert "Traceback" not in given[1]


@pytest.mark.parametrize("given", [["--recipe", "gachon"], ["--budget", "steps=2"]])
def test_an_option_for_training_is_refused_where_nothing_is_trained(given, tmp_path):
    command = ["bench", "--models", "gray,levin2004", "--suite", "smoke", "--out", str(tmp_path / "out"), *given]
    result = CliRunner().invoke(cli, command, prog_name="zoo")
    assert result.exit_code == 2
    assert given[0] in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_trunk_that_no_metric_reads_is_refused(tmp_path):
    (tmp_path / "trunk.pth").write_bytes(b"")
    command = ["bench", "--models", "gray", "--suite", "smoke", "--lpips-trunk", str(tmp_path / "trunk.pth")]
    result = CliRunner().invoke(cli, command, prog_name="zoo")
    assert result.exit_code == 2
    assert "--lpips-trunk is for the metric lpips" in result.stderr
